"""How good gold labels are: figures against both kinds of them, and people compared with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import streamlit as st

from db.outcomes.selection import By
from eci.statistics.estimates import Estimate
from streamlit_app import palette
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import chart, figure_table
from streamlit_app.logic.figures import estimate_text
from streamlit_app.logic.outcomes.gold_doubts import (
    MIN_JUDGED,
    BothGolds,
    People,
    human_ceiling,
    people_note,
)
from streamlit_app.logic.outcomes.run_outcomes import ErrorsView, Judged
from streamlit_app.markup import reveal
from streamlit_app.wording import say


def draw(golds: BothGolds, people: Sequence[People]) -> None:
    """Draw accuracy compared with people, and metrics by type of gold label."""
    _draw_ceiling(golds, people)
    _draw_both(golds)


def accuracy_rows(view: ErrorsView, people: Sequence[People]) -> list[IntervalRow]:
    """Return the accuracy of text, head and people as rows of a chart."""
    rows = [
        _row(name, judged.report.accuracy, tone)
        for name, judged, tone in (
            (say("gold_panel.text"), view.text, palette.TEXT),
            (say("gold_panel.head"), view.head, palette.HEAD),
        )
        if judged is not None
    ]
    return [*rows, *(_row(reveal(one.name), one.accuracy, palette.PEOPLE) for one in people)]


def ceiling_row(people: Sequence[People]) -> IntervalRow | None:
    """Return how often people agree with the gold label, for the line over a chart."""
    ceiling = human_ceiling(people)
    return (
        None
        if ceiling.value is None
        else _row(say("gold_panel.human_ceiling"), ceiling, palette.PEOPLE)
    )


def _draw_ceiling(golds: BothGolds, people: Sequence[People]) -> None:
    st.markdown(say("gold_panel.human_agreement_heading"))
    rows = accuracy_rows(golds.imported, people)
    chart.draw(
        draw_intervals(
            rows, axis=say("gold_panel.human_agreement_axis"), reference=ceiling_row(people)
        ),
        key="errors_ceiling",
        alt=say("gold_panel.human_agreement_alt"),
        table={
            "who": [row.name for row in rows],
            "agreement": [row.value for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
            "items": [row.num_items for row in rows],
        },
    )
    st.caption(
        say("gold_panel.human_ceiling_note", min_judged=MIN_JUDGED)
        if people
        else say("gold_panel.no_human_labels")
    )
    note = people_note(people)
    if note:
        st.caption(note)


def both_golds_table(golds: BothGolds) -> dict[str, list[str]]:
    """Arrange every figure against each kind of gold label as columns."""
    columns: dict[str, Mapping[By, Judged]] = {
        say("gold_panel.imported_label"): golds.imported.judged,
        say("gold_panel.label_record"): golds.record.judged,
        say("gold_panel.adjudicated_before"): golds.before,
        say("gold_panel.adjudicated_after"): golds.adjudicated,
    }
    table: dict[str, list[str]] = {say("gold_panel.metric"): []}
    table |= {name: [] for name in columns}
    for who in get_args(By):
        names = list(_figures(golds.record.judged, who))
        table[say("gold_panel.metric")] += [f"{who.title()}: {name}" for name in names]
        for column, judged in columns.items():
            found = _figures(judged, who)
            table[column] += [_figure_text(found.get(name)) for name in names]
    return table


def _figures(judged: Mapping[By, Judged], who: By) -> dict[str, Estimate]:
    if who not in judged:
        return {}
    report = judged[who].report
    return {
        say("gold_panel.accuracy"): report.accuracy,
        "Macro-F1": report.macro_f1,
        say("gold_panel.balanced_accuracy"): report.balanced_accuracy,
        **{say("gold_panel.f1", label=one.label): one.f1 for one in report.per_label},
    }


def _figure_text(found: Estimate | None) -> str:
    return "–" if found is None or found.value is None else f"{estimate_text(found)}, n = {found.n}"


def both_golds_note(golds: BothGolds) -> str:
    """Describe the columns, with the number of adjudicated items."""
    if not golds.num_adjudicated:
        return say("gold_panel.gold_types_note_none_adjudicated")
    return say("gold_panel.gold_types_note", n=golds.num_adjudicated)


def _draw_both(golds: BothGolds) -> None:
    st.markdown(say("gold_panel.gold_types_heading"))
    figure_table.draw(
        both_golds_table(golds),
        alt=say("gold_panel.gold_types_alt"),
    )
    st.caption(both_golds_note(golds))


def _row(name: str, accuracy: Estimate, tone: palette.Tone) -> IntervalRow:
    value = accuracy.value or 0.0
    return IntervalRow(
        name,
        value,
        accuracy.interval.low if accuracy.interval else value,
        accuracy.interval.high if accuracy.interval else value,
        accuracy.n,
        tone.chart,
    )
