"""Gold labels under suspicion: figures against both kinds of gold, people, doubtful labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import streamlit as st

from db.outcome_filter import By, OutcomeFilter
from eci.estimates import Estimate
from streamlit_app import palette, services
from streamlit_app.charts.intervals import IntervalRow, draw_intervals
from streamlit_app.components import chart, outcome_items, queue_popover
from streamlit_app.logic.figures import estimate_text, percent
from streamlit_app.logic.gold_doubts import (
    MIN_JUDGED,
    BothGolds,
    People,
    SuspectView,
    human_ceiling,
    load_suspect_ids,
)
from streamlit_app.logic.outcomes import ErrorsView
from streamlit_app.state import open_in_review
from streamlit_app.text_safety import reveal


def draw(
    golds: BothGolds, people: Sequence[People], suspects: SuspectView | None, flt: OutcomeFilter
) -> None:
    """Draw accuracy beside what people reach, every figure against both golds, and the doubts."""
    left, right = st.columns(2, gap="medium")
    with left:
        _draw_ceiling(golds, people)
    with right:
        _draw_both(golds)
    _draw_suspects(suspects, flt)


def accuracy_rows(view: ErrorsView, people: Sequence[People]) -> list[IntervalRow]:
    """Give the accuracy of text, head and people as rows of a chart."""
    rows = [
        _row(name, judged.report.accuracy, tone)
        for name, judged, tone in (
            ("Text", view.text, palette.OCHRE),
            ("Head", view.head, palette.BLUE),
        )
        if judged is not None
    ]
    return [*rows, *(_row(reveal(one.name), one.accuracy, palette.PURPLE) for one in people)]


def ceiling_row(people: Sequence[People]) -> IntervalRow | None:
    """Give how often people agree with the gold label, for the line over a chart."""
    ceiling = human_ceiling(people)
    return None if ceiling.value is None else _row("Human ceiling", ceiling, palette.PURPLE)


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
    """Arrange every figure against the imported label and against the label of record."""
    table: dict[str, list[str]] = {
        "Figure (%)": [],
        "Imported label": [],
        "Label of record": [],
        "n": [],
    }
    for who in get_args(By):
        pair = [golds.imported.judged(who), golds.record.judged(who)]
        if pair[0] is None or pair[1] is None:
            continue
        before, after = pair[0].report, pair[1].report
        figures: list[tuple[str, Estimate, Estimate]] = [
            ("Accuracy", before.accuracy, after.accuracy),
            ("Macro-F1", before.macro_f1, after.macro_f1),
            ("Balanced accuracy", before.balanced_accuracy, after.balanced_accuracy),
        ]
        figures += [
            (f"F1 of {a.label}", a.f1, b.f1)
            for a, b in zip(before.per_label, after.per_label, strict=False)
        ]
        for words, imported, record in figures:
            table["Figure (%)"].append(reveal(f"{who.title()}: {words}"))
            table["Imported label"].append(estimate_text(imported))
            table["Label of record"].append(estimate_text(record))
            table["n"].append(f"{imported.n:,} / {record.n:,}")
    return table


def _draw_both(golds: BothGolds) -> None:
    st.markdown("**Against both kinds of gold label**")
    st.dataframe(
        both_golds_table(golds),
        hide_index=True,
        key="errors_golds",
        alt="Every figure against the imported label and against the label of record",
    )
    st.caption(
        "The label of record is the adjudicated label, else the one on which all reviewers agree, "
        "else the imported one. In brackets: 95 % intervals."
    )


def _draw_suspects(view: SuspectView | None, flt: OutcomeFilter) -> None:
    st.markdown("**Gold labels that are probably wrong**")
    if view is None:
        st.caption("This run has no probabilities. Only a run with an ECI head can doubt a label.")
        return
    share = f"{percent(view.share.value)} of {view.share.n:,} gold labels are under suspicion"
    st.text(f"{share}: {view.num_suspects:,} items, the most doubtful first.")
    if not view.rows:
        return
    rows = [one.row for one in view.rows]
    shown = outcome_items.table(rows)
    event = st.dataframe(
        {
            "Doubt (%)": [100 * (1 - one.quality) for one in view.rows],
            "Suggested": [reveal(one.suggested) for one in view.rows],
            **shown,
        },
        hide_index=True,
        key="errors_suspects",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Question": st.column_config.TextColumn(width="large"),
            "Head confidence": st.column_config.NumberColumn(format="percent"),
            "Doubt (%)": st.column_config.NumberColumn(format="%.0f"),
        },
        alt="Items whose gold label is doubtful",
    )
    st.caption(
        "Confident learning: the head is surer of another label than it usually is where that one "
        "is gold. Its probabilities must come from items that it did not learn from, so judge on "
        "the test split, or on a run that was only predicted. Select a row to open it in Review."
    )
    queue_popover.draw(
        "errors_suspects_queue",
        "Make a review queue of these",
        view.num_suspects,
        lambda: load_suspect_ids(services.database(), flt, view),
        flt.run_id,
    )
    if event.selection.rows:
        open_in_review(rows[event.selection.rows[0]].item_id, run_id=flt.run_id)


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
