"""Confusion matrices of text and head side by side; a click on a cell chooses its items."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from db.outcome_items import NO_LABEL
from db.outcomes import By
from streamlit_app.charts.confusion import CellValue, draw_confusion
from streamlit_app.components import chart, outcome_items
from streamlit_app.logic.outcomes import ErrorsView, Judged, estimate_text
from streamlit_app.text_safety import reveal

VALUE_WORDS: dict[CellValue, str] = {"count": "Counts", "row_share": "Share of the gold label"}
TITLES: dict[By, str] = {"text": "Label read from the text", "head": "Label of the ECI head"}


def draw(view: ErrorsView, *, draw_beside: Callable[[], None]) -> None:
    """Draw the matrices of text and head with the figures of each label under them.

    Args:
        draw_beside: Draws what goes into the free half of the page of a run with only one of them.
    """
    values: CellValue = st.segmented_control(
        "Cells show",
        list(VALUE_WORDS),
        format_func=lambda value: VALUE_WORDS[value],
        default="count",
        required=True,
        key="errors_cells",
        bind="query-params",
    )
    left, right = st.columns(2, gap="medium")
    if view.text is not None and view.head is not None:
        with left:
            _draw_matrix("text", view.text, values)
            _draw_table("text", view.text)
        with right:
            _draw_matrix("head", view.head, values)
            _draw_table("head", view.head)
    elif view.text is not None:
        _draw_alone("text", view.text, values, (left, right), draw_beside)
    elif view.head is not None:
        _draw_alone("head", view.head, values, (left, right), draw_beside)
    st.caption(
        "Rows are gold labels, columns predicted ones; the diagonal is right, and the tint is the "
        "share of the row. Click a cell to list its items below. In brackets: 95 % intervals, "
        "Wilson for precision and recall, bootstrap for F1."
    )


def _draw_alone(
    by: By,
    judged: Judged,
    values: CellValue,
    columns: tuple[DeltaGenerator, DeltaGenerator],
    draw_beside: Callable[[], None],
) -> None:
    with columns[0]:
        _draw_matrix(by, judged, values)
        _draw_table(by, judged)
    with columns[1]:
        draw_beside()


def _draw_table(by: By, judged: Judged) -> None:
    rows = judged.report.per_label
    st.dataframe(
        {
            "Label": [reveal(row.label) for row in rows],
            "Gold": [row.support for row in rows],
            "Given": [row.predicted for row in rows],
            "Precision (%)": [estimate_text(row.precision) for row in rows],
            "Recall (%)": [estimate_text(row.recall) for row in rows],
            "F1 (%)": [estimate_text(row.f1) for row in rows],
        },
        hide_index=True,
        column_config={
            "Gold": st.column_config.NumberColumn(help="Items with this gold label", width=60),
            "Given": st.column_config.NumberColumn(help="Items given this label", width=60),
        },
        key=f"errors_labels_{by}",
        alt=f"Figures of each label: {TITLES[by]}",
    )


def _draw_matrix(by: By, judged: Judged, values: CellValue) -> None:
    st.markdown(f"**{TITLES[by]}**")
    key = f"errors_confusion_{by}"
    chart.draw(
        draw_confusion(
            judged.matrix,
            values=values,
            predicted_by=TITLES[by],
            selected=outcome_items.chosen_cell(by),
        ),
        key=key,
        on_click=lambda: _choose_cell(by, key),
        alt=f"Confusion matrix: {TITLES[by]} against the gold label",
    )


def _choose_cell(by: By, key: str) -> None:
    points = st.session_state[key].selection.points
    if not points:
        outcome_items.clear_choice()
        return
    gold, predicted, *_ = points[0]["customdata"]
    outcome_items.choose_cell(by, gold, predicted or NO_LABEL)
