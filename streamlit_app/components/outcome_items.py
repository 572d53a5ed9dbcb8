"""The items behind the counts of the Errors page, each one a way into Review."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from db.outcomes.item_lists import ItemOrder, OutcomeRow, count_items, list_items
from db.outcomes.scored_runs import refresh_annotations
from db.outcomes.selection import NO_LABEL, PAIR_OUTCOMES, By, Gold, OutcomeFilter, Selection
from db.review.item_list import get_rows
from streamlit_app.charts.confusion import ANY
from streamlit_app.components import choices, item_table
from streamlit_app.components.scope_picker import GOLD_WORDS
from streamlit_app.logic.outcomes import matrix
from streamlit_app.logic.outcomes.run_outcomes import FORM_ORDER, PAIR_WORDS, ErrorsView
from streamlit_app.logic.outcomes.selection_summary import selection_words
from streamlit_app.logic.review.browse_rows import COLUMNS, origin_of
from streamlit_app.logic.review.verdict import FORM_WORDS
from streamlit_app.markup import one_line, reveal
from streamlit_app.server import services
from streamlit_app.session import address
from streamlit_app.wording import say, say_count

PAGE_SIZE = 50
_T = TypeVar("_T")
_LABEL_KEYS: Mapping[By, str] = {"text": "errors_text", "head": "errors_head"}
_PICKED: Mapping[str, str] = {
    "gold_label": "errors_gold",
    "text_label": "errors_text",
    "head_label": "errors_head",
    "pair_outcome": "errors_pair",
    "text_form": "errors_form",
}
"""The conditions with a picker of their own; all others are in ``errors_more``."""
MORE = "errors_more"
_ORDER_WORDS: Mapping[ItemOrder, str] = {
    "item_id": say("outcome_items.order_item_id"),
    "least_sure": say("outcome_items.order_confidence"),
    "most_sure": say("outcome_items.order_confidence_high"),
}


def choose(selection: Selection) -> None:
    """Choose which items to list, in a callback; replaces what was chosen."""
    for name, key in _PICKED.items():
        st.session_state[key] = getattr(selection, name)
    more = replace(
        selection,
        gold_label=None,
        text_label=None,
        head_label=None,
        pair_outcome=None,
        text_form=None,
    )
    st.session_state[MORE] = None if more.is_empty else more.to_json()
    st.session_state["errors_page"] = 1


def choose_cell(by: By, gold: str, given: str) -> None:
    """Choose the items of a cell, a row or a column of a confusion matrix, in a callback."""
    label = None if given == ANY else given
    chosen = Selection(gold_label=None if gold == ANY else gold)
    choose(replace(chosen, text_label=label) if by == "text" else replace(chosen, head_label=label))


def chosen() -> Selection:
    """Return what is chosen now."""
    picked: dict[str, Any] = {name: st.session_state.get(key) for name, key in _PICKED.items()}
    return replace(_more(), **picked)


def chosen_cell(by: By) -> tuple[str, str] | None:
    """Return the gold and the given label of the chosen cell, if it is one of this matrix."""
    gold = st.session_state.get("errors_gold")
    given = st.session_state.get(_LABEL_KEYS[by])
    if gold is None and given is None:
        return None
    return (ANY if gold is None else gold, ANY if given is None else given)


def restore() -> None:
    """Read the conditions without a picker from the address, once a session."""
    address.seed(MORE)


def draw(view: ErrorsView, flt: OutcomeFilter) -> tuple[OutcomeFilter, int]:
    """Draw the filters and one page of the items that pass them.

    Returns:
        The filter of the items listed, and how many they are.
    """
    _pick(view)
    address.keep(MORE, st.session_state.get(MORE))
    selection = chosen()
    narrowed = flt.also(selection)
    _draw_more(selection)
    database = services.database()
    if any(part.reviewer_label is not None for part in narrowed.parts):
        refresh_annotations(database.cursor())
    total = count_items(database.cursor(), narrowed)
    if total == 0:
        st.info(say("outcome_items.no_match"))
        return narrowed, 0
    page = item_table.page_number("errors_page", total, PAGE_SIZE)
    order = _pick_order(view, total)
    rows = list_items(
        database.cursor(), narrowed, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE, order=order
    )
    draw_table(rows, view, narrowed)
    item_table.draw_pages("errors_page", total, PAGE_SIZE)
    return narrowed, total


def draw_table(rows: Sequence[OutcomeRow], view: ErrorsView, flt: OutcomeFilter) -> None:
    """Draw items as a table; a selected row opens its item in Review."""
    item_table.draw(
        rows,
        {
            **table(rows, flt.gold, has_text=view.text is not None, has_head=view.head is not None),
            **_origins(rows, flt),
        },
        lambda row: row.item_id,
        key="errors_items",
        run_id=flt.run_id,
        column_config={
            say("outcome_items.question"): st.column_config.TextColumn(width="large"),
            say("outcome_items.head_confidence"): st.column_config.NumberColumn(format="percent"),
        },
        alt=say("outcome_items.table_alt"),
    )


def _origins(rows: Sequence[OutcomeRow], flt: OutcomeFilter) -> dict[str, list[str]]:
    """Return where labels of record come from, as a column: a consensus with its number."""
    if flt.gold == "imported":
        return {}
    cur = services.database().cursor()
    listed = get_rows(cur, [row.item_id for row in rows], flt.viewer)
    return {COLUMNS["origin"]: [origin_of(row) for row in listed]}


def table(
    rows: Sequence[OutcomeRow], gold: Gold, *, has_text: bool, has_head: bool
) -> dict[str, list[str | float | None]]:
    """Arrange rows as columns for a data frame, invisible characters shown."""
    columns: dict[str, list[str | float | None]] = {
        say("outcome_items.question"): [one_line(row.question) for row in rows],
        GOLD_WORDS[gold]: [reveal(row.gold_label) for row in rows],
    }
    if has_text:
        columns[say("outcome_items.text")] = [_marked(_text_label(row), row) for row in rows]
        columns[say("outcome_items.answer_form")] = [how(row) for row in rows]
    if has_head:
        columns[say("outcome_items.head")] = [_marked(row.head_label, row) for row in rows]
        columns[say("outcome_items.head_confidence")] = [row.head_confidence for row in rows]
    return {**columns, say("outcome_items.item"): [reveal(row.item_id) for row in rows]}


def how(row: OutcomeRow) -> str:
    """Return how the answer gives its label, or that the run gave it separately."""
    if row.text_label is not None and row.text_form in (None, "absent", "contradictory"):
        return say("outcome_items.label_given_separately")
    return FORM_WORDS.get(row.text_form or "", row.text_form or "")


def _more() -> Selection:
    stored = st.session_state.get(MORE)
    return Selection.from_json(stored) if stored else Selection()


def _text_label(row: OutcomeRow) -> str | None:
    """Return the label of the text; None where it was never read."""
    return matrix.NO_LABEL if row.text_label is None and row.text_form else row.text_label


def _marked(label: str | None, row: OutcomeRow) -> str:
    # A sign after the label: colour alone would not be accessible.
    return "" if label is None else f"{'✓' if label == row.gold_label else '✗'} {reveal(label)}"


def _pick(view: ErrorsView) -> None:
    labels = view.labels
    has_both = view.text is not None and view.head is not None
    columns = iter(st.columns(5 if has_both else 3))
    with next(columns):
        _choice(say("outcome_items.gold_label"), labels, "errors_gold", reveal)
    if view.text is not None:
        with next(columns):
            _choice(
                say("outcome_items.text_label"), (*labels, NO_LABEL), "errors_text", _label_words
            )
        with next(columns):
            _choice(
                say("outcome_items.answer_form_filter"),
                FORM_ORDER,
                "errors_form",
                FORM_WORDS.__getitem__,
            )
    if view.head is not None:
        with next(columns):
            _choice(say("outcome_items.head_label"), labels, "errors_head", reveal)
    if has_both:
        with next(columns):
            _choice(
                say("outcome_items.text_head"), PAIR_OUTCOMES, "errors_pair", PAIR_WORDS.__getitem__
            )


def _draw_more(selection: Selection) -> None:
    """Draw the conditions that have no picker, with a button that clears everything."""
    if selection.is_empty:
        return
    words = selection_words(_more())
    with st.container(horizontal=True, vertical_alignment="center"):
        if words:
            st.text(say("outcome_items.also", conditions=reveal(words)))
        st.button(
            say("outcome_items.show_all_items"),
            key="errors_clear",
            on_click=choose,
            args=(Selection(),),
            type="tertiary",
        )


def _pick_order(view: ErrorsView, total: int) -> ItemOrder:
    order: ItemOrder = "item_id"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(say_count("outcome_items.count_note", total))
        if view.head is not None:
            order = choices.pick(
                say("outcome_items.order"),
                _ORDER_WORDS,
                key="errors_order",
                bind="query-params",
                label_visibility="collapsed",
            )
    return order


def _label_words(label: str) -> str:
    return matrix.NO_LABEL if label == NO_LABEL else reveal(label)


def _choice(title: str, options: Sequence[_T], key: str, words: Callable[[_T], str]) -> _T | None:
    return st.selectbox(
        title,
        options,
        index=None,
        placeholder=say("outcome_items.any"),
        format_func=words,
        key=key,
        bind="query-params",
    )
