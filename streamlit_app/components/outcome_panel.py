"""Does ECI help? Text by head by gold, at a glance and cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from db.outcomes.selection import NO_LABEL, By, Selection
from eci.statistics.estimates import Estimate
from streamlit_app.charts.bars import BarPart, draw_bars
from streamlit_app.charts.outcome_cube import PAIR_TONES, draw_outcome_cube
from streamlit_app.components import chart, confusion_panel, estimate_card, outcome_items
from streamlit_app.logic.figures import (
    head_verdict,
    p_value_text,
    points,
    points_interval,
)
from streamlit_app.logic.outcomes import matrix
from streamlit_app.logic.outcomes.run_outcomes import (
    PAIR_WORDS,
    ErrorsView,
    drawn_notes,
    drawn_words,
)
from streamlit_app.logic.tables import Cell
from streamlit_app.wording import say
from training.evaluation.drawn_estimates import DrawnChange, DrawnEstimate


def draw(view: ErrorsView, drawn: Mapping[By, DrawnEstimate], helped: DrawnChange | None) -> None:
    """Draw the figures, the verdict, the outcomes as bars and the matrix.

    Args:
        drawn: Accuracies that hold for all items although only some were reviewed.
        helped: Likewise head minus text, of the items that have both.
    """
    draw_figures(view, drawn, helped)
    if view.head is None or view.text is None:
        _draw_alone(view)
        return
    st.markdown(f"**{head_verdict(view.comparison)}**")
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _draw_bars(view)
    with right:
        _draw_cube(view)
    st.caption(say("outcome_panel.legend_note"))


def draw_figures(
    view: ErrorsView, drawn: Mapping[By, DrawnEstimate], helped: DrawnChange | None
) -> None:
    """Draw the accuracies, their difference and what the test says of it."""
    with st.container(horizontal=True):
        estimate_card.draw_text(
            say("outcome_panel.items"),
            f"{view.num_items:,}",
            say("outcome_panel.with_gold_label"),
            explanation=say("outcome_panel.items_help"),
        )
        if view.text:
            _draw_accuracy("text", view.text.report.accuracy, drawn)
            estimate_card.draw(
                say("outcome_panel.no_label"),
                view.without_label,
                explanation=say("outcome_panel.no_label_help"),
            )
        if view.head:
            _draw_accuracy("head", view.head.report.accuracy, drawn)
        if view.head and view.text:
            _draw_difference(view, helped)
    for note in drawn_notes(view, drawn, helped):
        st.caption(note)


def _draw_accuracy(by: By, plain: Estimate, drawn: Mapping[By, DrawnEstimate]) -> None:
    """Draw the accuracy that is valid for how the items were chosen."""
    explanation = say(f"outcome_panel.{by}_accuracy_help")
    if by in drawn:
        explanation = f"{explanation} {drawn_words(drawn[by])}"
    shown = drawn[by].estimate if by in drawn else plain
    estimate_card.draw(say(f"outcome_panel.{by}_accuracy"), shown, explanation=explanation)


def _draw_alone(view: ErrorsView) -> None:
    """Draw the matrix of a run that has only one of the two."""
    missing = (
        say("outcome_panel.missing_head")
        if view.head is None
        else say("outcome_panel.missing_text_label")
    )
    st.caption(say("outcome_panel.not_comparable", missing=missing))
    left, _ = st.columns(2, gap="medium")
    with left:
        if view.text is not None:
            confusion_panel.draw_one("text", view.text, "count")
        elif view.head is not None:
            confusion_panel.draw_one("head", view.head, "count")


def _draw_difference(view: ErrorsView, helped: DrawnChange | None) -> None:
    found = view.comparison
    explanation = say(
        "outcome_panel.difference_help",
        n=found.n,
        points=points(found.macro_f1_difference.value),
        points_interval=points_interval(found.macro_f1_difference),
    )
    if helped is not None:
        explanation = f"{explanation} {drawn_words(helped.difference)}"
    difference = helped.difference.estimate if helped else found.accuracy_difference
    estimate_card.draw_text(
        say("outcome_panel.head_minus_text"),
        points(difference.value),
        points_interval(difference),
        explanation=explanation,
    )
    estimate_card.draw_text(
        say("outcome_panel.mcnemar"),
        "–" if found.p_value is None else p_value_text(found.p_value),
        say(
            "outcome_panel.significant" if found.is_significant else "outcome_panel.not_significant"
        ),
        explanation=say("outcome_panel.mcnemar_help"),
    )


def _draw_bars(view: ErrorsView) -> None:
    counts = view.pair_outcomes
    parts = [
        BarPart(PAIR_WORDS[pair], counts[pair], tone.chart, pair)
        for pair, tone in PAIR_TONES.items()
    ]
    key = "errors_pairs"
    chart.draw(
        draw_bars(parts),
        key=key,
        alt=say("outcome_panel.outcomes_alt"),
        on_click=lambda: _choose_pair(key),
        table={
            "outcome": [part.name for part in parts],
            "items": [part.count for part in parts],
        },
    )


def _draw_cube(view: ErrorsView) -> None:
    now = outcome_items.chosen()
    selected = None
    if now.gold_label and now.text_label is not None and now.head_label:
        selected = (now.gold_label, now.text_label, now.head_label)
    key = "errors_cube"
    chart.draw(
        draw_outcome_cube(view.cells, view.labels, selected=selected),
        key=key,
        alt=say("outcome_panel.cube_alt"),
        on_click=lambda: _choose_cell(key),
        table=cube_table(view),
    )


def cube_table(view: ErrorsView) -> Mapping[str, Sequence[Cell]]:
    """Arrange the cells as columns."""
    both = [cell for cell in view.cells if cell.has_text and cell.head is not None]
    return {
        say("outcome_panel.gold_label_column"): [cell.gold for cell in both],
        say("outcome_panel.text_label_column"): [cell.text or matrix.NO_LABEL for cell in both],
        say("outcome_panel.head_label_column"): [cell.head for cell in both],
        "items": [cell.count for cell in both],
    }


def _choose_pair(key: str) -> None:
    chosen = chart.clicked(key)
    outcome_items.choose(Selection(pair_outcome=chosen[0] if chosen else None))


def _choose_cell(key: str) -> None:
    chosen = chart.clicked(key)
    if chosen is None:
        outcome_items.choose(Selection())
        return
    gold, text, head, *_ = chosen
    outcome_items.choose(Selection(gold_label=gold, text_label=text or NO_LABEL, head_label=head))
