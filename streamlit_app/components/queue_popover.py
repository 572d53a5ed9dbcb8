"""A selection of items as a review queue."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import streamlit as st

from db.errors import DbError
from db.people.permissions import is_permitted
from db.review.item_list import ReviewFilter
from db.review.queues import MAX_NAME, QueueSettings, add_item_queue
from streamlit_app.components import queue_mode
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say, say_count

MAX_ITEMS = 20_000
"""Items that one queue may take from a selection."""
NOTICE = "errors_notice"
"""Where the page finds what to say after a button was pressed."""


def draw(key: str, title: str, total: int, item_ids: Callable[[], list[str]], run_id: str) -> None:
    """Draw a button that asks for a name and makes a queue of the items.

    Args:
        total: How many items there are.
        item_ids: Gives their ids in the order of the queue; called when the queue is made.
        run_id: The run whose answers the queue shows.
    """
    with st.popover(title, icon=":material/playlist_add:"):
        if not is_permitted(sign_in.current_person(), "manage_queues"):
            st.caption(say("queue_popover.not_open"))
            return
        st.text_input(say("queue_popover.name"), key=f"{key}_name", max_chars=MAX_NAME)
        shown = (
            say_count("figures.items", total)
            if total <= MAX_ITEMS
            else say("queue_popover.first_items", max_items=MAX_ITEMS)
        )
        st.caption(say("queue_popover.in_order", shown=shown))
        queue_mode.pick(f"{key}_mode")
        st.button(
            say("queue_popover.make"),
            key=f"{key}_make",
            on_click=_make,
            args=(key, item_ids, run_id),
        )


def _make(key: str, item_ids: Callable[[], list[str]], run_id: str) -> None:
    try:
        with services.database().transaction() as cur:
            queue = add_item_queue(
                cur,
                QueueSettings(
                    st.session_state[f"{key}_name"],
                    ReviewFilter(run_id=run_id),
                    mode=st.session_state[f"{key}_mode"],
                ),
                item_ids()[:MAX_ITEMS],
                queue_id=str(uuid.uuid4()),
                created_by=sign_in.current_person().reviewer_id,
            )
    except DbError as error:
        st.session_state[NOTICE] = str(error)
        return
    st.session_state[NOTICE] = say("queue_popover.made", name=queue.settings.name)
