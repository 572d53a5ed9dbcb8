"""Confusion matrices of text and head side by side; a click on a cell chooses its items."""

from __future__ import annotations

import streamlit as st

from db.outcome_items import NO_LABEL
from db.outcomes import By
from streamlit_app.charts.confusion import CellValue, draw_confusion
from streamlit_app.charts.style import CONFIG
from streamlit_app.components import outcome_items
from streamlit_app.logic.outcomes import ErrorsView, Judged

VALUE_WORDS: dict[CellValue, str] = {"count": "Counts", "row_share": "Share of the gold label"}
TITLES: dict[By, str] = {"text": "Label read from the text", "head": "Label of the ECI head"}
MISSING: dict[By, str] = {
    "text": "No answer of this run has a text whose label was read.",
    "head": "This run has no ECI head. Runs from the Training page have one.",
}


def draw(view: ErrorsView) -> None:
    """Draw both matrices; what the run does not have is said in words."""
    values: CellValue = st.segmented_control(
        "Cells show",
        list(VALUE_WORDS),
        format_func=lambda value: VALUE_WORDS[value],
        default="count",
        required=True,
        key="errors_cells",
        bind="query-params",
    )
    columns = st.columns(2)
    with columns[0]:
        _draw_one("text", view.text, values)
    with columns[1]:
        _draw_one("head", view.head, values)
    st.caption(
        "Rows are gold labels, columns predicted ones; the diagonal is right. "
        "Click a cell to list its items below."
    )


def _draw_one(by: By, judged: Judged | None, values: CellValue) -> None:
    st.markdown(f"**{TITLES[by]}**")
    if judged is None:
        st.info(MISSING[by])
        return
    key = f"errors_confusion_{by}"
    st.plotly_chart(
        draw_confusion(
            judged.matrix,
            values=values,
            predicted_by=TITLES[by],
            selected=outcome_items.chosen_cell(by),
        ),
        key=key,
        on_select=lambda: _choose_cell(by, key),
        selection_mode="points",
        config=CONFIG,
        alt=f"Confusion matrix: {TITLES[by]} against the gold label",
    )


def _choose_cell(by: By, key: str) -> None:
    points = st.session_state[key].selection.points
    if not points:
        outcome_items.clear_choice()
        return
    gold, predicted, *_ = points[0]["customdata"]
    outcome_items.choose_cell(by, gold, predicted or NO_LABEL)
