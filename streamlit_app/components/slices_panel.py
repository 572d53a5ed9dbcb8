"""Slices of the items, ranked by how far below the rest they are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.outcomes.selection import By
from db.outcomes.slices import MIN_ITEMS
from streamlit_app import palette
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import chart, item_table, outcome_items, scope_picker
from streamlit_app.logic.figures import estimate_text, percent, points
from streamlit_app.logic.outcomes.run_outcomes import ErrorsView, drawn_words
from streamlit_app.logic.outcomes.slice_ranking import (
    DIMENSION_WORDS,
    RankedSlice,
    SliceView,
    slice_name,
)
from streamlit_app.markup import reveal
from streamlit_app.wording import say, say_count
from training.evaluation.drawn_estimates import MIN_REVIEWED, DrawnEstimate

MAX_DRAWN = 15
ROW_HEIGHT = 35
"""Pixels of a row of a data frame."""


def pick_by(view: ErrorsView) -> By:
    """Draw the choice of which label is judged, where there are two."""
    if view.head is None or view.text is None:
        return "text" if view.head is None else "head"
    return scope_picker.pick_by(say("slices.label_to_evaluate"), key="errors_by", default="head")


def draw(view: SliceView) -> None:
    """Draw the worst slices as a chart and all of them as a table."""
    if not view.slices:
        st.info(say("slices.none_large_enough", min_items=MIN_ITEMS))
        return
    worse = sum(one.is_worse for one in view.slices)
    st.markdown(
        say(
            "slices.summary_drawn" if view.drawn else "slices.summary",
            worse=worse,
            num_slices=len(view.slices),
            percent=percent(view.overall.value),
            n=view.overall.n,
        )
    )
    shown = view.slices[:MAX_DRAWN]
    left, right = st.columns(2, gap="medium")
    with left:
        chart.draw(
            draw_intervals(
                [interval_row(one) for one in shown],
                axis=say("slices.difference_axis"),
                is_difference=True,
            ),
            key="errors_slices",
            alt=say("slices.chart_alt"),
            on_click=lambda: _choose(shown),
            table=slice_table(view.slices),
        )
    with right:
        _draw_table(view.slices)
    if view.drawn is None:
        st.caption(say("slices.method_note", min_items=MIN_ITEMS, max_drawn=MAX_DRAWN))
    else:
        st.caption(drawn_note(view.drawn, view.num_few))
    if view.alike:
        names = [DIMENSION_WORDS[dimension].lower() for dimension in view.alike]
        st.caption(say("slices.constant_dimensions", names=", ".join(names)))


def drawn_note(drawn: DrawnEstimate, num_few: int) -> str:
    """Describe how slices are compared by drawn reviews, and how many cannot be."""
    few = say_count("slices.few_drawn", num_few, min_reviewed=MIN_REVIEWED) if num_few else ""
    return " ".join([drawn_words(drawn), say("slices.drawn_note"), few]).strip()


def name(one: RankedSlice) -> str:
    """Return the name of a slice with its dimension; contains texts from the data."""
    return slice_name(one.dimension, one.value)


def interval_row(one: RankedSlice) -> IntervalRow:
    """Return a slice as a row of the chart."""
    gap = one.result.difference
    value = gap.value or 0.0
    color = palette.WRONG if one.is_worse else palette.GREY
    return IntervalRow(
        f"{name(one)} (n = {one.result.n:,})",
        value,
        gap.interval.low if gap.interval else value,
        gap.interval.high if gap.interval else value,
        one.result.n,
        color.chart,
    )


def slice_table(slices: Sequence[RankedSlice]) -> dict[str, list[str | int | float | None]]:
    """Arrange slices as columns of numbers, for a file."""
    gaps = [one.result.difference for one in slices]
    return {
        "slice": [name(one) for one in slices],
        "items": [one.result.n for one in slices],
        "right": [one.result.num_right for one in slices],
        "accuracy": [one.result.accuracy.value for one in slices],
        "difference": [gap.value for gap in gaps],
        "low": [gap.interval.low if gap.interval else None for gap in gaps],
        "high": [gap.interval.high if gap.interval else None for gap in gaps],
        "p": [one.result.p_value for one in slices],
        say("slices.adjusted_p"): [one.result.adjusted_p_value for one in slices],
    }


def shown_table(slices: Sequence[RankedSlice]) -> dict[str, list[str | int | float | None]]:
    """Arrange slices as columns of texts, for a reader."""
    worse = say("slices.worse")
    return {
        say("slices.slice"): [reveal(name(one)) for one in slices],
        "n": [one.result.n for one in slices],
        say("slices.accuracy"): [estimate_text(one.result.accuracy) for one in slices],
        say("slices.difference_column"): [points(one.result.difference.value) for one in slices],
        say("slices.adjusted_p_column"): [one.result.adjusted_p_value for one in slices],
        "": [worse if one.is_worse else "" for one in slices],
    }


def _draw_table(slices: Sequence[RankedSlice]) -> None:
    item_table.on_select(
        slices,
        shown_table(slices),
        lambda one: outcome_items.choose(one.selection),
        key="errors_slice_table",
        column_config={
            say("slices.adjusted_p_column"): st.column_config.NumberColumn(format="%.3f")
        },
        height=min(560, ROW_HEIGHT * (len(slices) + 1) + 3),
        alt=say("slices.table_alt"),
    )


def _choose(slices: Sequence[RankedSlice]) -> None:
    clicked = chart.clicked("errors_slices")
    if clicked is not None:
        outcome_items.choose(slices[int(clicked[0])].selection)
