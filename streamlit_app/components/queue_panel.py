"""Saved queues in the sidebar: choosing one, and what it asks for."""

from __future__ import annotations

import streamlit as st

from db.people.permissions import is_permitted
from db.records import Reviewer
from db.review.queues import Queue
from streamlit_app import safe_text
from streamlit_app.components import queue_form
from streamlit_app.markup import element, reveal
from streamlit_app.server import review_service
from streamlit_app.session import address
from streamlit_app.session.state import QUEUE_PARAM
from streamlit_app.wording import say, say_count


def pick(reviewer: Reviewer) -> Queue | None:
    """Draw the choice of what to work on; None means the filtered items."""
    queues = {queue.queue_id: queue for queue in review_service.queues_for(reviewer.reviewer_id)}
    if not queues:
        st.session_state.pop(QUEUE_PARAM, None)
        address.keep(QUEUE_PARAM, None)
        return None
    address.seed(QUEUE_PARAM, queues)
    if st.session_state.get(QUEUE_PARAM) not in queues:
        st.session_state[QUEUE_PARAM] = None
    chosen = st.selectbox(
        say("queue.queue"),
        [None, *queues],
        format_func=lambda key: reveal(queues[key].settings.name) if key else say("queue.filters"),
        key=QUEUE_PARAM,
        persist_state="session",
    )
    address.keep(QUEUE_PARAM, chosen)
    return queues.get(chosen) if chosen else None


def draw_waiting(chosen: Queue | None, reviewer: Reviewer) -> None:
    """Draw how many items blind queues have passed over here, and the way to each queue."""
    if chosen is not None and chosen.settings.mode == "blind":
        return
    for queue, count in review_service.waiting_in_queues(reviewer.reviewer_id):
        words = say_count("queue.waiting", count, name=queue.settings.name)
        safe_text.draw(element("p", words, cls="lc-quiet"))
        st.button(
            say("queue.go_to", name=reveal(queue.settings.name)),
            key=f"queue_go_to_{queue.queue_id}",
            on_click=choose,
            args=(queue.queue_id,),
            width="stretch",
        )


def choose(queue_id: str | None) -> None:
    """Choose what to work on, in a callback."""
    st.session_state[QUEUE_PARAM] = queue_id


def draw_about(queue: Queue, reviewer: Reviewer) -> None:
    """Draw what a queue asks for, and for whom may manage it the way to its people."""
    texts = (queue_form.about(queue.settings), queue_form.about_draw(queue.settings))
    for text in filter(None, texts):
        safe_text.draw(element("p", text, cls="lc-quiet"))
    if is_permitted(reviewer, "manage_queues"):
        params = {QUEUE_PARAM: queue.queue_id}
        st.page_link("views/queues.py", label=say("queue.progress"), query_params=params)
