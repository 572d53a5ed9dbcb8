"""Tables of which one row can be selected; those of items are ways into Review.

What a hidden item says is left out where it is read, in ``db``; here its rows are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from streamlit_app.components import blind_items
from streamlit_app.logic.review.browse_rows import num_pages
from streamlit_app.session.state import open_in_review

Row = TypeVar("Row")
Columns = Mapping[str, Sequence[Any]]
"""Cells by the title of their column, a cell a row."""


def draw(
    rows: Sequence[Row],
    columns: Columns,
    item_id: Callable[[Row], str],
    *,
    key: str,
    run_id: str | None = None,
    num_masked: int = 0,
    **look: Any,
) -> None:
    """Draw items as a table; the one that is selected is opened in Review.

    Args:
        item_id: Gives the item of a row.
        run_id: The run whose prediction Review shows; the one chosen there when None.
        num_masked: How many of the rows show the question alone.
        look: Further options of ``st.dataframe``.
    """
    blind_items.draw_masked(num_masked)
    chosen = select(rows, columns, key=key, **look)
    if chosen is not None:
        open_in_review(item_id(chosen), run_id=run_id)


def select(
    rows: Sequence[Row],
    columns: Columns,
    *,
    key: str,
    by_cell: bool = False,
    **look: Any,
) -> Row | None:
    """Draw rows as a table and return the selected one; None if there is none.

    Args:
        by_cell: Let a click on any cell select, rather than on the box before the row.
    """
    event = st.dataframe(
        dict(columns),
        key=key,
        on_select="rerun",
        selection_mode="single-cell" if by_cell else "single-row",
        hide_index=True,
        **look,
    )
    return _chosen(rows, event.selection)


def on_select(
    rows: Sequence[Row],
    columns: Columns,
    act: Callable[[Row], None],
    *,
    key: str,
    **look: Any,
) -> None:
    """Draw rows as a table, and act on the one that is selected before the page is drawn again."""

    def take() -> None:
        chosen = _chosen(rows, st.session_state[key].selection)
        if chosen is not None:
            act(chosen)

    st.dataframe(
        dict(columns),
        key=key,
        on_select=take,
        selection_mode="single-row",
        hide_index=True,
        **look,
    )


def page_number(key: str, total: int, page_size: int) -> int:
    """Return the page that :func:`draw_pages` was left at, counted from 1."""
    number: int = st.session_state.get(key, 1)
    return min(number, num_pages(total, page_size))


def draw_pages(key: str, total: int, page_size: int) -> None:
    """Draw the choice of a page, where there are several."""
    pages = num_pages(total, page_size)
    if pages > 1:
        st.pagination(pages, key=key)


def _chosen(rows: Sequence[Row], selection: Any) -> Row | None:
    """Return the selected row; a selection outlives the rows that it was made of."""
    places = [*(row for row, _ in selection.get("cells", ())), *selection.get("rows", ())]
    return rows[places[0]] if places and places[0] < len(rows) else None
