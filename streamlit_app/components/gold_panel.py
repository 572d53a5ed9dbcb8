"""Gold labels under suspicion: figures against both kinds of gold, people, doubtful labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import streamlit as st

from db.outcome_filter import By, OutcomeFilter
from eci.estimates import Estimate
from streamlit_app import palette, services
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import chart, figure_table, queue_popover
from streamlit_app.logic.figures import estimate_text, interval_text, percent
from streamlit_app.logic.gold_doubts import (
    MIN_JUDGED,
    BothGolds,
    People,
    human_ceiling,
)
from streamlit_app.logic.outcomes import ErrorsView, Judged
from streamlit_app.logic.suspects import (
    Suspect,
    SuspectView,
    load_suspect_ids,
    sources_sentence,
)
from streamlit_app.state import open_in_review
from streamlit_app.text_safety import reveal


def draw(
    golds: BothGolds, people: Sequence[People], suspects: SuspectView | None, flt: OutcomeFilter
) -> None:
    """Draw accuracy beside what people reach, every figure against both golds, and the doubts."""
    _draw_ceiling(golds, people)
    _draw_both(golds)
    _draw_suspects(suspects, flt)


def accuracy_rows(view: ErrorsView, people: Sequence[People]) -> list[IntervalRow]:
    """Give the accuracy of text, head and people as rows of a chart."""
    rows = [
        _row(name, judged.report.accuracy, tone)
        for name, judged, tone in (
            ("Text", view.text, palette.TEXT),
            ("Head", view.head, palette.HEAD),
        )
        if judged is not None
    ]
    return [*rows, *(_row(reveal(one.name), one.accuracy, palette.PEOPLE) for one in people)]


def ceiling_row(people: Sequence[People]) -> IntervalRow | None:
    """Give how often people agree with the gold label, for the line over a chart."""
    ceiling = human_ceiling(people)
    return None if ceiling.value is None else _row("Human ceiling", ceiling, palette.PEOPLE)


def _draw_ceiling(golds: BothGolds, people: Sequence[People]) -> None:
    st.markdown("**Beside what people reach**")
    rows = accuracy_rows(golds.imported, people)
    chart.draw(
        draw_intervals(
            rows, axis="Agreement with the imported label (%)", reference=ceiling_row(people)
        ),
        key="errors_ceiling",
        alt="Accuracy of text and head beside the agreement of people with the gold label",
        table={
            "who": [row.name for row in rows],
            "agreement": [row.value for row in rows],
            "low": [row.low for row in rows],
            "high": [row.high for row in rows],
            "items": [row.num_items for row in rows],
        },
    )
    st.caption(
        "The dashed line is how often people say the imported label themselves: reviewers here, "
        "else the best annotator of the data set. A model above it has learned the labels rather "
        f"than the medicine. People with fewer than {MIN_JUDGED} of these items are left out."
        if people
        else "Nobody has labelled these items, so how far people agree with them is not known."
    )


def both_golds_table(golds: BothGolds) -> dict[str, list[str]]:
    """Arrange every figure against each kind of gold label as columns."""
    columns: dict[str, Mapping[By, Judged]] = {
        "Imported label": golds.imported.judged,
        "Label of record": golds.record.judged,
        "Adjudicated items: label before": golds.before,
        "Adjudicated items: label decided": golds.adjudicated,
    }
    table: dict[str, list[str]] = {"Figure (%)": []}
    table |= {name: [] for name in columns}
    for who in get_args(By):
        names = list(_figures(golds.record.judged, who))
        table["Figure (%)"] += [f"{who.title()}: {name}" for name in names]
        for column, judged in columns.items():
            found = _figures(judged, who)
            table[column] += [_figure_text(found.get(name)) for name in names]
    return table


def _figures(judged: Mapping[By, Judged], who: By) -> dict[str, Estimate]:
    if who not in judged:
        return {}
    report = judged[who].report
    return {
        "Accuracy": report.accuracy,
        "Macro-F1": report.macro_f1,
        "Balanced accuracy": report.balanced_accuracy,
        **{f"F1 of {one.label}": one.f1 for one in report.per_label},
    }


def _figure_text(found: Estimate | None) -> str:
    return "–" if found is None or found.value is None else f"{estimate_text(found)}, n = {found.n}"


def both_golds_note(golds: BothGolds) -> str:
    """Say what the columns are, and how many items were adjudicated."""
    n = golds.num_adjudicated
    adjudicated = (
        f"The last two columns hold the {n:,} adjudicated items alone: against the label that they "
        "came with, and against the one decided."
        if n
        else "There are no adjudicated items among these, so the last two columns are empty."
    )
    return (
        "The label of record is the adjudicated label, else the one on which all reviewers agree, "
        f"else the imported one. {adjudicated} In brackets: 95 % intervals."
    )


def _draw_both(golds: BothGolds) -> None:
    st.markdown("**Against each kind of gold label**")
    figure_table.draw(
        both_golds_table(golds),
        alt="Every figure against the imported label, the label of record and adjudicated items",
    )
    st.caption(both_golds_note(golds))


def _draw_suspects(view: SuspectView | None, flt: OutcomeFilter) -> None:
    st.markdown("**Gold labels that are probably wrong**")
    if view is None:
        st.caption("This run has no probabilities. Only a run with an ECI head can doubt a label.")
        return
    st.text(suspects_sentence(view))
    st.caption(sources_sentence(view.sources))
    if not view.rows:
        return
    event = st.dataframe(
        suspects_table(view.rows),
        hide_index=True,
        key="errors_suspects",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Question": st.column_config.TextColumn(width="large"),
            "Doubt (%)": st.column_config.NumberColumn(format="%.0f"),
        },
        alt="Items whose gold label is doubtful",
    )
    st.caption(
        "Confident learning: the head is surer of another label than it usually is where that one "
        "is gold. In brackets: the probability that it gives the label. Probabilities of items "
        "that a head has learned from repeat their labels and are never used. Select a row to open "
        "it in Review."
    )
    queue_popover.draw(
        "errors_suspects_queue",
        "Make a review queue of these",
        view.num_suspects,
        lambda: load_suspect_ids(services.database(), flt, view),
        flt.run_id,
    )
    if event.selection.rows:
        open_in_review(view.rows[event.selection.rows[0]].row.item_id, run_id=flt.run_id)


def suspects_sentence(view: SuspectView) -> str:
    """Say how many gold labels are doubtful."""
    if view.share.value is None:
        return "Nothing may be said of these items."
    return (
        f"{percent(view.share.value)} of {view.share.n:,} gold labels are under suspicion: "
        f"{view.num_suspects:,} items, the most doubtful first. Whoever judges them is right on "
        f"{percent(view.accuracy.value)} ({interval_text(view.accuracy)}) of all: the more often, "
        "the more its doubts are worth."
    )


def suspects_table(found: Sequence[Suspect]) -> dict[str, list[str | int | float]]:
    """Arrange suspects as columns, invisible characters shown."""
    return {
        "Doubt (%)": [100 * (1 - one.quality) for one in found],
        "Gold": [_with_share(one.row.gold_label, one.probability_of_gold) for one in found],
        "Suggested": [_with_share(one.suggested, one.probability_of_suggested) for one in found],
        "Judged by": [_judge(one) for one in found],
        "Question": [reveal(" ".join(one.row.question.split())[:220]) for one in found],
        "Item": [reveal(one.row.item_id) for one in found],
    }


def _with_share(label: str, probability: float) -> str:
    return f"{reveal(label)} ({percent(probability, 0)})"


def _judge(one: Suspect) -> str:
    return "base model" if one.is_base_model else "this run"


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
