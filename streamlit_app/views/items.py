"""Items: every item that passes the filters, a page at a time; a click opens it in Review."""

from __future__ import annotations

import zlib

import streamlit as st

from db.exporters.scope import ExportScope
from db.people.permissions import is_permitted
from db.records import Reviewer
from db.review.item_list import Order, ReviewFilter, ReviewRow, get_rows
from streamlit_app import safe_text
from streamlit_app.components import (
    bulk_panel,
    export_form,
    filters,
    item_correction,
    item_table,
    queue_form,
    room,
)
from streamlit_app.errors import shown_errors
from streamlit_app.logic.review.browse_rows import COLUMNS, PAGE_SIZE, num_pages, table
from streamlit_app.markup import element
from streamlit_app.server.services import database, viewer_of
from streamlit_app.server.worklist import shared_ids
from streamlit_app.session import sign_in
from streamlit_app.session.rooms import go_to
from streamlit_app.wording import say, say_count

ROW_HEIGHT = 34
"""Height of a line of the table in pixels."""
WIDTHS = {
    "question": 440,
    "gold": 125,
    "text": 80,
    "head": 80,
    "confidence": 60,
    "mine": 70,
    "reviews": 75,
    "origin": 235,
    "form": 165,
    "source": 100,
    "split": 60,
    "item": 150,
}
"""Widths of the columns in pixels."""
OF_A_HEAD = (COLUMNS["head"], COLUMNS["confidence"])
"""Columns that stay empty, and are left out, where the run has no head."""


def draw_list(flt: ReviewFilter, order: Order, person: Reviewer) -> None:
    """Draw the count, the pages and one page of items."""
    # The ids of the list are read once for all of its pages, and shared by sessions.
    viewer = viewer_of(person.reviewer_id)
    ids = shared_ids(database(), flt, viewer, order)
    total = len(ids)
    with st.container(horizontal=True, vertical_alignment="center", key="browse_head"):
        safe_text.draw(element("h2", say_count("browse.count", total), cls="lc-count"))
        page = pick_page(num_pages(total), flt, order)
        if st.button(say("browse.review"), key="browse_review", disabled=total == 0):
            go_to("review")
    if total == 0:
        filters.draw_no_item()
        return
    tools = st.container(horizontal=True, vertical_alignment="center")
    source = queue_form.of_filter(flt, order, person)
    with tools:
        queue_form.draw("browse_queue", say("queue.create_heading"), source, person)
    bulk_panel.draw(flt, total, person, tools)
    shown = ids.slice((page - 1) * PAGE_SIZE, PAGE_SIZE).to_pylist()
    run_id, reviewer_id = flt.run_id, flt.reviewer_id
    rows = get_rows(database().cursor(), shown, viewer, run_id=run_id, reviewer_id=reviewer_id)
    item_correction.draw(rows, person, viewer, tools)
    if is_permitted(person, "export") and tools.toggle(
        say_count("browse.export", total), key="browse_export"
    ):
        with st.container(border=True, key="browse_export_panel"):
            export_form.draw(person, ExportScope(ids), page="browse")
    draw_page(rows)


def pick_page(pages: int, flt: ReviewFilter, order: Order) -> int:
    """Draw the pages and give the chosen one, counted from 1."""
    if pages == 1:
        return 1
    # A page number belongs to one list: other filters start at the first page again.
    key = f"browse_page_{zlib.crc32(repr((flt, order)).encode())}"
    return st.pagination(pages, key=key, persist_state="session", width="content")


def draw_page(rows: list[ReviewRow]) -> None:
    """Draw one page of items and open the one that is clicked."""
    shown = {
        name: cells for name, cells in table(rows).items() if name not in OF_A_HEAD or any(cells)
    }
    item_table.draw(
        rows,
        shown,
        lambda row: row.item_id,
        key="browse_table",
        num_masked=sum(row.is_hidden for row in rows),
        by_cell=True,
        height=ROW_HEIGHT * (len(rows) + 1) + 3,
        row_height=ROW_HEIGHT,
        column_config={
            COLUMNS[name]: st.column_config.Column(width=width) for name, width in WIDTHS.items()
        },
    )


room.draw_heading("items")
with shown_errors():
    reviewer = sign_in.current_person()
    with st.sidebar:
        chosen_filter, chosen_order, _ = filters.pick(reviewer.reviewer_id)
    draw_list(chosen_filter, chosen_order, reviewer)
