"""Saved queues in the sidebar: choosing one, each reviewer's progress, creating and closing one."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from db.errors import DbError
from db.people.permissions import is_permitted
from db.records import Reviewer
from db.review.item_list import Order, ReviewFilter
from db.review.queues import Queue, QueueOrder, QueueSettings
from streamlit_app import safe_text
from streamlit_app.components import queue_draw, queue_mode
from streamlit_app.markup import element, reveal
from streamlit_app.server import review_service, services
from streamlit_app.session import address
from streamlit_app.session.state import review_session
from streamlit_app.wording import say, say_count, words

QUEUE_PARAM = "queue"
"""Widget and address parameter that hold the queue chosen."""


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
    """Draw what a queue asks for and how far its people are; who may, adds to it or closes it."""
    about = say(
        "queue.about",
        order=words("queue_order")[queue.settings.order],
        reviewers=queue.settings.num_reviewers,
        mode=words("review_mode")[queue.settings.mode],
    )
    safe_text.draw(element("p", about, cls="lc-quiet"))
    if drawn := queue_draw.about(queue.settings):
        safe_text.draw(element("p", drawn, cls="lc-quiet"))
    with st.expander(say("queue.progress"), key="queue_progress", on_change="rerun") as opened:
        if opened.open:
            _draw_progress(queue)
    if is_permitted(reviewer, "manage_queues"):
        with st.container(horizontal=True):
            st.button(
                say("queue.extend"), key="queue_extend", on_click=_extend, args=(queue, reviewer)
            )
            st.button(
                say("queue.close"), key="queue_close", on_click=_close, args=(queue, reviewer)
            )


def draw_make(flt: ReviewFilter, order: Order, reviewer: Reviewer) -> None:
    """Draw the form that freezes the items on hand into a queue, for whom may make one."""
    if not is_permitted(reviewer, "manage_queues"):
        return
    with st.popover(say("queue.create_heading"), width="stretch"):
        safe_text.draw(element("p", say("queue.create_help"), cls="lc-quiet"))
        _draw_make_form(flt, order, reviewer)


def _draw_progress(queue: Queue) -> None:
    names = {one.reviewer_id: one.name for one in services.all_people()}
    rows = [
        element(
            "tr",
            element("td", names.get(one.reviewer_id or "", one.reviewer_id or "")),
            element("td", f"{one.num_done:,}/{one.num_items:,}"),
            element("td", "" if one.median_seconds is None else f"{one.median_seconds:.0f} s"),
            element("td", f"{one.num_fast:,}"),
        )
        for one in review_service.progress_of(queue)
    ]
    heads = [say(f"queue.{name}") for name in ("person", "done", "median", "fast")]
    head = element("tr", *(element("th", text, scope="col") for text in heads))
    safe_text.draw(
        element("table", element("thead", head), element("tbody", *rows), cls="lc-people")
    )


def _draw_make_form(flt: ReviewFilter, order: Order, reviewer: Reviewer) -> None:
    people = {one.reviewer_id: one.name for one in services.all_people()}
    orders: list[QueueOrder] = list(words("queue_order"))  # type: ignore[arg-type]
    first: QueueOrder = "uncertain" if order == "confidence" else "item_id"
    with st.form("queue_form", border=False):
        st.text_input(say("queue.name"), key="queue_name", max_chars=80)
        _select("order", orders, words("queue_order"), index=orders.index(first))
        st.number_input(say("queue.num_reviewers"), 1, 20, key="queue_num_reviewers")
        queue_mode.pick("queue_mode")
        st.multiselect(
            say("queue.people"),
            list(people),
            format_func=lambda key: reveal(people[key]),
            placeholder=say("queue.people_placeholder"),
            key="queue_people",
        )
        _select("sharing", ["anyone", "dealt"], words("sharing"))
        st.number_input(say("queue.repeat_share"), 0, 50, key="queue_repeat_share")
        queue_draw.pick()
        st.form_submit_button(
            say("queue.create"), key="queue_create", on_click=_create, args=(flt, reviewer)
        )


def _select(
    name: str,
    options: list[str] | list[QueueOrder],
    shown: dict[str, str],
    index: int = 0,
) -> None:
    st.selectbox(
        say(f"queue.{name}"),
        options,
        index=index,
        format_func=shown.__getitem__,
        key=f"queue_{name}",
    )


def _create(flt: ReviewFilter, reviewer: Reviewer) -> None:
    state = st.session_state
    seed, design = queue_draw.picked()
    settings = QueueSettings(
        name=state["queue_name"],
        # A queue is shared: what its filter says about one reviewer applies to any.
        filter=replace(flt, reviewer_id=None),
        order=state["queue_order"],
        num_reviewers=state["queue_num_reviewers"],
        mode=state["queue_mode"],
        sharing=state["queue_sharing"],
        reviewer_ids=tuple(state["queue_people"]),
        repeat_share=state["queue_repeat_share"] / 100,
        seed=seed,
        design=design,
    )
    try:
        queue, count = review_service.make_queue(settings, reviewer.reviewer_id)
    except DbError as error:
        review_session().say(str(error), "error")
        return
    made = say_count("queue.made", count, name=queue.settings.name)
    review_session().say(f"{made} {queue_draw.about(queue.settings)}".strip(), "success")
    if queue.settings.is_open_to(reviewer.reviewer_id):
        state[QUEUE_PARAM] = queue.queue_id


def _extend(queue: Queue, reviewer: Reviewer) -> None:
    try:
        count = review_service.extend(queue, reviewer.reviewer_id)
    except DbError as error:
        review_session().say(str(error), "error")
        return
    review_session().restart_desk()
    review_session().say(say_count("queue.extended", count), "success")


def _close(queue: Queue, reviewer: Reviewer) -> None:
    try:
        review_service.close(queue, reviewer.reviewer_id)
    except DbError as error:
        review_session().say(str(error), "error")
        return
    st.session_state[QUEUE_PARAM] = None
