"""The items behind the counts of the Errors page, each one a way into Review."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from db.outcome_items import (
    NO_LABEL,
    PAIR_OUTCOMES,
    OutcomeFilter,
    OutcomeRow,
    count_items,
    list_items,
)
from db.outcomes import By
from streamlit_app import services
from streamlit_app.logic import matrix
from streamlit_app.logic.outcomes import FORM_ORDER, PAIR_WORDS, ErrorsView
from streamlit_app.logic.rows import num_pages
from streamlit_app.logic.verdict import FORM_WORDS
from streamlit_app.state import open_in_review
from streamlit_app.text_safety import reveal

PAGE_SIZE = 50
_T = TypeVar("_T")
_LABEL_KEYS: dict[By, str] = {"text": "errors_text", "head": "errors_head"}
_KEYS = ("errors_gold", "errors_text", "errors_head", "errors_pair", "errors_form")


def choose_cell(by: By, gold: str, predicted: str) -> None:
    """Choose the items of one cell of a confusion matrix, in a callback."""
    clear_choice()
    st.session_state["errors_gold"] = gold
    st.session_state[_LABEL_KEYS[by]] = predicted


def clear_choice() -> None:
    """Choose all items again, in a callback."""
    for key in _KEYS:
        st.session_state[key] = None


def chosen_cell(by: By) -> tuple[str, str] | None:
    """Give the gold and the predicted label of the chosen cell, if it is one of this matrix."""
    gold = st.session_state.get("errors_gold")
    predicted = st.session_state.get(_LABEL_KEYS[by])
    return None if gold is None or predicted is None else (gold, predicted)


def draw(view: ErrorsView, flt: OutcomeFilter) -> None:
    """Draw the filters and one page of the items that pass them."""
    chosen = _pick(view, flt)
    database = services.database()
    total = count_items(database.cursor(), chosen)
    if total == 0:
        st.info("No item passes these filters. Clear one of them, or click another cell.")
        return
    pages = num_pages(total, PAGE_SIZE)
    page = min(st.session_state.get("errors_page", 1), pages)
    rows = list_items(database.cursor(), chosen, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    st.caption(f"{total:,} items. Select a row to open the item in Review.")
    event = st.dataframe(
        table(rows, has_head=view.head is not None),
        key="errors_items",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        column_config={
            "Question": st.column_config.TextColumn(width="large"),
            "Head confidence": st.column_config.NumberColumn(format="percent"),
        },
        alt="Items behind the chosen counts",
    )
    if pages > 1:
        st.pagination(pages, key="errors_page")
    if event.selection.rows:
        open_in_review(rows[event.selection.rows[0]].item_id, run_id=flt.run_id)


def table(
    rows: Sequence[OutcomeRow], *, has_head: bool = True
) -> dict[str, list[str | float | None]]:
    """Arrange rows as columns for a data frame, invisible characters shown."""
    columns: dict[str, list[str | float | None]] = {
        "Question": [reveal(" ".join(row.question.split())[:220]) for row in rows],
        "Gold": [reveal(row.gold_label) for row in rows],
        "Text": [_marked(_text_label(row), row) for row in rows],
        "How": [FORM_WORDS.get(row.text_form or "", row.text_form or "") for row in rows],
    }
    if has_head:
        columns["Head"] = [_marked(row.head_label, row) for row in rows]
        columns["Head confidence"] = [row.head_confidence for row in rows]
    return {**columns, "Item": [reveal(row.item_id) for row in rows]}


def _text_label(row: OutcomeRow) -> str | None:
    """Name what the text says; None where its label was never read."""
    return matrix.NO_LABEL if row.text_label is None and row.text_form else row.text_label


def _marked(label: str | None, row: OutcomeRow) -> str:
    # A sign beside the label: colour alone would not do.
    return "" if label is None else f"{'✓' if label == row.gold_label else '✗'} {reveal(label)}"


def _pick(view: ErrorsView, flt: OutcomeFilter) -> OutcomeFilter:
    labels = view.labels
    columns = iter(st.columns(5 if view.head else 3))
    head, pair = None, None
    with next(columns):
        gold = _choice("Gold label", labels, "errors_gold", reveal)
    with next(columns):
        text = _choice("Label in the text", (*labels, NO_LABEL), "errors_text", _label_words)
    with next(columns):
        form = _choice("How the text gives it", FORM_ORDER, "errors_form", FORM_WORDS.__getitem__)
    if view.head:
        with next(columns):
            head = _choice("Label of the head", labels, "errors_head", reveal)
        with next(columns):
            pair = _choice("Text and head", PAIR_OUTCOMES, "errors_pair", PAIR_WORDS.__getitem__)
    return replace(
        flt,
        gold_label=gold,
        text_label=text,
        head_label=head,
        pair_outcome=pair,
        text_form=form,
    )


def _label_words(label: str) -> str:
    return matrix.NO_LABEL if label == NO_LABEL else reveal(label)


def _choice(title: str, options: Sequence[_T], key: str, words: Callable[[_T], str]) -> _T | None:
    return st.selectbox(
        title,
        options,
        index=None,
        placeholder="Any",
        format_func=words,
        key=key,
        bind="query-params",
    )
