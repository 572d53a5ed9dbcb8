"""Queues: what is left of each and with whom, and what becomes of its people and its items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

import streamlit as st

from db.people.permissions import is_permitted
from db.records import Reviewer
from db.review.item_list import ReviewFilter
from db.review.queue_changes import close_queue, reassign_share, reopen_queue, set_queue_people
from db.review.queue_progress import QueueState, list_states
from db.review.queues import Queue, extend_queue, list_queues_seen_by
from db.review.rights import known_reviewers
from streamlit_app import safe_text
from streamlit_app.components import queue_card, queue_form, room
from streamlit_app.errors import shown_errors
from streamlit_app.markup import element, reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.session.rooms import address_of
from streamlit_app.session.state import QUEUE_PARAM, open_queue
from streamlit_app.wording import say, say_count

PAGE_SIZE: Final = 20
"""Open queues shown at once."""
_NOTICE: Final = "queues_notice"


def main() -> None:
    """Draw the page."""
    person = sign_in.current_person()
    cur = services.database().cursor()
    queues = list_queues_seen_by(cur, person.reviewer_id)
    closed = [queue for queue in queues if queue.is_closed]
    asked = st.query_params.get(QUEUE_PARAM)
    still_open = sorted(
        (queue for queue in queues if not queue.is_closed), key=lambda one: one.queue_id != asked
    )
    draw_head(person, len(still_open))
    draw_message(_NOTICE)
    if not still_open:
        safe_text.draw_notice(say("queues.none"))
    page = 1
    if len(still_open) > PAGE_SIZE:
        page = st.pagination(-(-len(still_open) // PAGE_SIZE), key="queues_page", width="content")
    shown = still_open[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    names = {one.reviewer_id: one.name for one in known_reviewers(services.database())}
    for state in list_states(cur, shown):
        draw_queue(state, person, names, is_asked=state.queue.queue_id == asked)
    if closed:
        draw_closed(closed, person)


def draw_head(person: Reviewer, num_open: int) -> None:
    """Draw how many queues are open, and the form of a new one."""
    with st.container(horizontal=True, vertical_alignment="center", key="queues_head"):
        safe_text.draw(element("p", say_count("queues.open_queues", num_open), cls="lc-quiet"))
        runs = services.all_runs()
        flt = ReviewFilter(run_id=runs[0].run_id if runs else None)
        source = queue_form.of_filter(flt, "item_id", person)
        queue_form.draw("queues_new", say("queue.create_heading"), source, person)
        if is_permitted(person, "manage_queues"):
            st.page_link("views/items.py", label=say("queues.choose_items"))


def draw_queue(
    state: QueueState, person: Reviewer, names: Mapping[str, str], *, is_asked: bool
) -> None:
    """Draw an open queue: how far it is, and what can be done with it."""
    queue, key = state.queue, f"queues_{state.queue.queue_id}"
    with st.container(border=True, key=key):
        queue_card.draw(state)
        with st.container(horizontal=True, vertical_alignment="center"):
            is_theirs = is_permitted(person, "annotate") and queue.is_open_to(person.reviewer_id)
            if is_theirs and st.button(say("queues.review"), key=f"{key}_review"):
                open_queue(queue.queue_id)
            with st.popover(say("queues.share"), icon=":material/link:"):
                st.caption(say("queues.share_help"))
                link = address_of("review", **{QUEUE_PARAM: queue.queue_id})
                st.code(link, language=None, wrap_lines=True)
        if is_permitted(person, "manage_queues"):
            # Another one where the address names the queue: it opens though this one was closed.
            panel = f"{key}_manage_asked" if is_asked else f"{key}_manage"
            with st.expander(
                say("queues.manage"), expanded=is_asked, key=panel, on_change="rerun"
            ) as opened:
                if opened.open:
                    draw_manage(state, person, names)


def draw_manage(state: QueueState, person: Reviewer, names: Mapping[str, str]) -> None:
    """Draw the forms that change a queue: its people, their shares, more items, the end."""
    queue, key = state.queue, f"queues_{state.queue.queue_id}"
    by = person.reviewer_id
    draw_people(queue, key, by, names)
    if queue.settings.sharing == "dealt" and len(queue.present_ids) > 1:
        draw_reassign(state, key, by, names)
    with _line(f"{key}_extend"):
        st.number_input(
            say("queues.num_more"),
            1,
            1_000_000,
            None,
            placeholder=say("queues.num_more_placeholder"),
            help=say("queues.num_more_help"),
            key=f"{key}_more",
        )
        st.form_submit_button(
            say("queues.extend"), key=f"{key}_do_extend", on_click=extend, args=(queue, key, by)
        )
    press = partial(close_queue, queue_id=queue.queue_id, reviewer_id=by)
    done = say("queues.closed", name=queue.settings.name)
    st.button(say("queue.close"), key=f"{key}_close", on_click=_do, args=(press, done))


@contextmanager
def _line(key: str) -> Iterator[None]:
    """Draw a form of one line."""
    with (
        st.form(key, border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        yield


def draw_people(queue: Queue, key: str, by: str, names: Mapping[str, str]) -> None:
    """Draw the people of a queue, to add and to remove."""
    people = queue_form.names_of_reviewers()
    with _line(f"{key}_people_form"):
        st.multiselect(
            say("queue.people"),
            list(dict.fromkeys((*people, *queue.settings.reviewer_ids))),
            default=list(queue.settings.reviewer_ids),
            format_func=lambda one: reveal(people.get(one) or names.get(one, one)),
            placeholder=say("queue.people_placeholder"),
            help=say("queues.people_help"),
            key=f"{key}_people",
        )
        st.form_submit_button(
            say("queues.save_people"), key=f"{key}_save_people", on_click=save_people,
            args=(queue, key, by),
        )  # fmt: skip


def draw_reassign(state: QueueState, key: str, by: str, names: Mapping[str, str]) -> None:
    """Draw whose open items of a dealt queue go to whom; who is behind first."""
    present = sorted(
        (one for one in state.people if one.reviewer_id in state.queue.present_ids),
        key=lambda one: (not state.is_behind(one), -one.num_left),
    )
    ids = [one.reviewer_id or "" for one in present]
    with _line(f"{key}_reassign_form"):
        st.selectbox(
            say("queues.share_of"),
            ids,
            format_func=lambda one: reveal(names[one]),
            key=f"{key}_from",
        )
        st.selectbox(
            say("queues.share_to"),
            [None, *ids],
            format_func=lambda one: reveal(names[one]) if one else say("queues.all_others"),
            key=f"{key}_to",
        )
        st.form_submit_button(
            say("queues.reassign"),
            key=f"{key}_reassign",
            on_click=reassign,
            args=(state.queue, key, by),
        )


def draw_closed(queues: list[Queue], person: Reviewer) -> None:
    """Draw the closed queues, with the way to open them again."""
    with st.expander(say_count("queues.closed_queues", len(queues)), key="queues_closed"):
        for queue in queues:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(reveal(queue.settings.name))
                if is_permitted(person, "manage_queues"):
                    press = partial(
                        reopen_queue, queue_id=queue.queue_id, reviewer_id=person.reviewer_id
                    )
                    done = say("queues.reopened", name=queue.settings.name)
                    st.button(
                        say("queues.reopen"), key=f"queues_reopen_{queue.queue_id}", on_click=_do,
                        args=(press, done),
                    )  # fmt: skip


def save_people(queue: Queue, key: str, by: str) -> None:
    """Store who works on a queue from now on."""
    people = st.session_state[f"{key}_people"]
    done = say("queues.people_saved", name=queue.settings.name)
    _do(
        partial(set_queue_people, queue_id=queue.queue_id, reviewer_ids=people, changed_by=by), done
    )


def reassign(queue: Queue, key: str, by: str) -> None:
    """Move what one person has not begun to another, or to all others."""
    state = st.session_state
    _do(
        partial(
            reassign_share,
            queue_id=queue.queue_id,
            reviewer_id=state[f"{key}_from"],
            changed_by=by,
            to=state[f"{key}_to"],
        ),
        "queues.reassigned",
    )


def extend(queue: Queue, key: str, by: str) -> None:
    """Append items to a queue."""
    more = st.session_state[f"{key}_more"]
    _do(partial(extend_queue, queue=queue, reviewer_id=by, num_items=more), "queue.extended")


def _do(press: Callable[..., object], done: str) -> None:
    """Change a queue in one transaction; a number that comes back is put into the text ``done``."""
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            result = press(cur)
        keep(say_count(done, result) if isinstance(result, int) else done, _NOTICE)


room.draw_heading("queues")
with shown_errors():
    main()
