"""Confusion matrices of text, head and reviewers; a click on a cell chooses its items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import streamlit as st

from db.outcomes.selection import NO_LABEL, Selection
from streamlit_app.charts.confusion import ANY, CellValue, draw_confusion
from streamlit_app.components import chart, choices, estimate_card, figure_table, outcome_items
from streamlit_app.logic.figures import estimate_text
from streamlit_app.logic.outcomes.gold_doubts import People
from streamlit_app.logic.outcomes.matrix import NO_LABEL as NO_LABEL_WORDS
from streamlit_app.logic.outcomes.matrix import ConfusionMatrix
from streamlit_app.logic.outcomes.run_outcomes import ErrorsView, Judged
from streamlit_app.logic.tables import Cell
from streamlit_app.wording import say

Who = Literal["text", "head", "reviewers"]
VALUE_WORDS: dict[CellValue, str] = {
    "count": say("confusion.counts"),
    "row_share": say("confusion.share_of_row"),
    "column_share": say("confusion.share_of_column"),
}
TITLES: dict[Who, str] = {
    "text": say("confusion.text_label"),
    "head": say("confusion.head_label"),
    "reviewers": say("confusion.reviewer_label"),
}
NO_SINGLE_LABEL = say("confusion.no_single_label")


def draw(view: ErrorsView, reviewers: People | None) -> None:
    """Draw a matrix with the metrics of each label, for text, head or reviewers."""
    values = choices.pick(
        say("confusion.cells_show"), VALUE_WORDS, key="errors_cells", bind="query-params"
    )
    all_judged: dict[Who, Judged | None] = {
        "text": view.text,
        "head": view.head,
        "reviewers": reviewers.judged if reviewers else None,
    }
    shown = [(who, judged) for who, judged in all_judged.items() if judged is not None]
    for start in range(0, len(shown), 2):
        columns = st.columns(2, gap="medium")
        for column, (who, judged) in zip(columns, shown[start : start + 2], strict=False):
            with column:
                draw_one(who, judged, values)
    st.caption(say("confusion.matrix_note"))


def draw_one(who: Who, judged: Judged, values: CellValue) -> None:
    """Draw one matrix, its figures above it and those of each label under it."""
    st.markdown(f"**{TITLES[who]}** · n = {judged.matrix.num_items:,}")
    with st.container(horizontal=True):
        estimate_card.draw(
            say("confusion.accuracy"),
            judged.report.accuracy,
            explanation=say("confusion.wilson_interval"),
        )
        estimate_card.draw(
            "Macro-F1",
            judged.report.macro_f1,
            explanation=say("confusion.macro_f1_help"),
        )
    _draw_matrix(who, judged, values)
    _draw_table(who, judged)


def _draw_matrix(who: Who, judged: Judged, values: CellValue) -> None:
    key = f"errors_confusion_{who}"
    chart.draw(
        draw_confusion(
            judged.matrix,
            values=values,
            predicted_by=TITLES[who],
            selected=_selected(who),
            no_label=NO_SINGLE_LABEL if who == "reviewers" else NO_LABEL_WORDS,
        ),
        key=key,
        on_click=lambda: _choose_cell(who, key),
        alt=say("confusion.matrix_alt", title=TITLES[who]),
        table=matrix_table(judged.matrix),
    )


def matrix_table(matrix: ConfusionMatrix) -> Mapping[str, Sequence[Cell]]:
    """Arrange a matrix as columns: gold label, then one column a given label."""
    columns: dict[str, Sequence[Cell]] = {say("confusion.gold_label"): list(matrix.labels)}
    for place, label in enumerate(matrix.columns):
        columns[label or NO_LABEL_WORDS] = [row[place] for row in matrix.counts]
    return columns


def label_table(judged: Judged) -> dict[str, list[str | int | float | None]]:
    """Arrange the figures of each label as columns."""
    rows = judged.report.per_label
    return {
        say("confusion.label"): [row.label for row in rows],
        say("confusion.gold"): [row.support for row in rows],
        say("confusion.given"): [row.predicted for row in rows],
        say("confusion.precision"): [estimate_text(row.precision) for row in rows],
        say("confusion.recall"): [estimate_text(row.recall) for row in rows],
        "F1 (%)": [estimate_text(row.f1) for row in rows],
    }


def _draw_table(who: Who, judged: Judged) -> None:
    figure_table.draw(
        label_table(judged),
        explained={
            say("confusion.gold"): say("confusion.row_total"),
            say("confusion.given"): say("confusion.column_total"),
        },
        alt=say("confusion.metrics_alt", title=TITLES[who]),
    )


def _selected(who: Who) -> tuple[str, str] | None:
    if who != "reviewers":
        return outcome_items.chosen_cell(who)
    now = outcome_items.chosen()
    if now.reviewer_label is None:
        return None
    return (now.gold_label or ANY, now.reviewer_label)


def _choose_cell(who: Who, key: str) -> None:
    chosen = chart.clicked(key)
    if chosen is None:
        outcome_items.choose(Selection())
        return
    gold, given, *_ = chosen
    if who == "reviewers":
        outcome_items.choose(
            Selection(
                gold_label=None if gold == ANY else gold,
                reviewer_label=None if given == ANY else given or NO_LABEL,
            )
        )
    else:
        outcome_items.choose_cell(who, gold, given or NO_LABEL)
