"""The form of a new queue, wherever items are at hand: how many there are, who labels them, how."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, get_args

import streamlit as st

from db.errors import DbError
from db.people.permissions import is_permitted
from db.records import Reviewer
from db.review.draws import FLOOR, QueueDesign, Strata
from db.review.item_list import Order, ReviewFilter
from db.review.queues import FIXED_ORDERS, MAX_NAME, ORDERS, QueueOrder, QueueSettings, Sharing
from db.review.settings import ReviewMode
from streamlit_app import safe_text
from streamlit_app.components import filters
from streamlit_app.markup import element, reveal
from streamlit_app.server import review_service, services
from streamlit_app.server.worklist import shared_ids
from streamlit_app.session.rooms import go_to
from streamlit_app.session.state import QUEUE_PARAM, review_session
from streamlit_app.wording import say, say_count, words

MAX_SEED: Final = 2**31 - 1
MODES: Final[tuple[ReviewMode, ...]] = ("blind", "open")
"""Blind first: open is chosen by those who know what it costs."""
_GO: Final = "queue_form_go"
"""The queue to review, once its page can be opened."""


@dataclass(frozen=True)
class QueueSource:
    """The items that a queue is made of, and what its form starts with.

    Attributes:
        filter: Passed by the items; with ``item_ids`` only its run counts.
        words: Which items these are, in words; they hold texts from the data.
        name: What the queue is called unless its maker calls it otherwise.
        count: Counts the items; called when the form is open.
        item_ids: Returns chosen items in their order; None where the filter says which.
        num_items: Places to start with; all where None.
    """

    filter: ReviewFilter
    words: str
    name: str
    count: Callable[[], int]
    item_ids: Callable[[], list[str]] | None = None
    order: QueueOrder = "item_id"
    num_items: int | None = None
    num_reviewers: int = 1


def of_filter(flt: ReviewFilter, order: Order, person: Reviewer) -> QueueSource:
    """Return the source of a queue of all items that pass filters."""
    # A queue is shared: what its filter says about one reviewer applies to any.
    flt = replace(flt, reviewer_id=None)
    return QueueSource(
        flt,
        filters.in_words(flt),
        filters.in_words(replace(flt, run_id=None, only_predicted=False)),
        lambda: len(
            shared_ids(services.database(), flt, services.viewer_of(person.reviewer_id), "item_id")
        ),
        order="uncertain" if order == "confidence" else "item_id",
    )


def of_items(words: str, count: int, item_ids: Callable[[], list[str]], run_id: str) -> QueueSource:
    """Return the source of a queue of chosen items, shown with the answers of a run."""
    return QueueSource(ReviewFilter(run_id=run_id), words, words, lambda: count, item_ids, "listed")


def draw(key: str, title: str, source: QueueSource, person: Reviewer) -> None:
    """Draw the button that opens the form, and what became of the last queue made with it.

    Nothing is drawn for who may not create queues.
    """
    if not is_permitted(person, "manage_queues"):
        return
    if queue_id := st.session_state.pop(_GO, None):
        go_to("review", **{QUEUE_PARAM: queue_id})
    with st.popover(
        title, icon=":material/playlist_add:", key=f"{key}_open", on_change="rerun"
    ) as opened:
        if opened.open:
            _draw_form(key, source, person)
    queue_id, message = st.session_state.pop(f"{key}_made", (None, ""))
    if queue_id:
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_done"):
            safe_text.draw_line(message, kind="success")
            st.page_link(
                "views/queues.py",
                label=say("queue_form.show"),
                query_params={QUEUE_PARAM: queue_id},
            )


def draw_review(key: str, source: QueueSource, person: Reviewer) -> None:
    """Draw the button that opens the items in Review, as a queue for the person alone.

    Open, not blind: the person who sees them listed has seen what the model answered. Nothing is
    drawn for a person who may not create queues or label.
    """
    if is_permitted(person, "manage_queues") and is_permitted(person, "annotate"):
        st.button(
            say("queue_form.review"),
            key=f"{key}_review",
            type="primary",
            icon=":material/rate_review:",
            on_click=_review,
            args=(key, source, person),
        )


def arrived() -> None:
    """Record that the Review page is open, and with it the queue that was just made."""
    st.session_state.pop(_GO, None)


def about(settings: QueueSettings) -> str:
    """Return what a queue asks for: its order, and how many label how."""
    return say(
        "queue.about",
        order=words("queue_order")[settings.order],
        reviewers=settings.num_reviewers,
        mode=words("review_mode")[settings.mode],
    )


def about_draw(settings: QueueSettings) -> str:
    """Return what makes the draw of a queue again; empty where nothing was drawn."""
    design = settings.design
    if design is None or settings.order in FIXED_ORDERS:
        return ""
    return say(
        "queue.drawn_by" if settings.order == "random" else "queue.drawn_floor",
        seed=settings.seed,
        floor=design.floor,
        strata=words("strata")[design.strata] if design.strata else say("queue.no_strata"),
    )


def _draw_form(key: str, source: QueueSource, person: Reviewer) -> None:
    if message := st.session_state.pop(f"{key}_refused", ""):
        safe_text.draw_notice(message, kind="error")
    total = source.count()
    if not total:
        safe_text.draw_notice(say("queue_form.nothing"))
        return
    shown = say_count("queue_form.items", total, words=source.words)
    safe_text.draw(element("p", shown, cls="lc-quiet"))
    with st.form(f"{key}_form", border=False, enter_to_submit=False):
        st.text_input(
            say("queue.name"), _free_name(source.name), key=f"{key}_name", max_chars=MAX_NAME
        )
        _draw_items(key, source, total)
        _draw_people(key, source)
        st.segmented_control(
            say("queue.mode"),
            MODES,
            format_func=words("review_mode").__getitem__,
            default=MODES[0],
            required=True,
            key=f"{key}_mode",
            help=say("queue.mode_help"),
        )
        safe_text.draw(element("p", say("queue.open_cost"), cls="lc-quiet"))
        with st.expander(say("queue_form.more")):
            _draw_more(key)
        with st.container(horizontal=True):
            if is_permitted(person, "annotate"):
                _draw_submit(key, "create_and_review", source, person, total, "primary")
            _draw_submit(key, "create", source, person, total)


def _draw_items(key: str, source: QueueSource, total: int) -> None:
    left, right = st.columns(2)
    with left:
        num_items = min(source.num_items or total, total)
        st.number_input(say("queue_form.num_items"), 1, total, num_items, key=f"{key}_num_items")
    with right:
        orders: list[QueueOrder] = [*ORDERS]
        if source.item_ids:
            orders = ["listed", *(one for one in ORDERS if one not in FIXED_ORDERS)]
        st.selectbox(
            say("queue.order"),
            orders,
            index=orders.index(source.order),
            format_func=words("queue_order").__getitem__,
            key=f"{key}_order",
        )


def _draw_people(key: str, source: QueueSource) -> None:
    st.multiselect(
        say("queue.people"),
        list(people := names_of_reviewers()),
        format_func=lambda one: reveal(people[one]),
        placeholder=say("queue.people_placeholder"),
        key=f"{key}_people",
    )
    left, right = st.columns(2)
    with left:
        st.number_input(
            say("queue.num_reviewers"), 1, 20, source.num_reviewers, key=f"{key}_num_reviewers"
        )
    with right:
        st.selectbox(
            say("queue.sharing"),
            get_args(Sharing),
            format_func=words("sharing").__getitem__,
            key=f"{key}_sharing",
        )


def _draw_more(key: str) -> None:
    strata = words("strata")
    st.number_input(say("queue.repeat_share"), 0, 50, key=f"{key}_repeat_share")
    st.number_input(
        say("queue.floor"),
        0,
        100,
        round(100 * FLOOR),
        help=say("queue.floor_help"),
        key=f"{key}_floor",
    )
    st.selectbox(
        say("queue.strata"),
        [None, *get_args(Strata)],
        format_func=lambda one: strata[one] if one else say("queue.no_strata"),
        help=say("queue.strata_help"),
        key=f"{key}_strata",
    )
    st.number_input(
        say("queue.seed"),
        0,
        MAX_SEED,
        None,
        placeholder=say("queue.seed_placeholder"),
        help=say("queue.seed_help"),
        key=f"{key}_seed",
    )


def _draw_submit(
    key: str, name: str, source: QueueSource, person: Reviewer, total: int, kind: str = "secondary"
) -> None:
    st.form_submit_button(
        say(f"queue_form.{name}"),
        type=kind,  # type: ignore[arg-type]
        key=f"{key}_{name}",
        on_click=_create,
        args=(key, source, person, total, name == "create_and_review"),
    )


def names_of_reviewers() -> dict[str, str]:
    """Return the people who may label, by id."""
    return {
        one.reviewer_id: one.name for one in services.all_people() if is_permitted(one, "annotate")
    }


def _free_name(wanted: str) -> str:
    """Return a name for a queue that no open one has."""
    taken = review_service.names_of_open_queues()
    wanted = " ".join(reveal(wanted).split())[: MAX_NAME - 5]
    numbered = (f"{wanted} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbered) if name not in taken)


def _settings(key: str, source: QueueSource, total: int) -> QueueSettings:
    state = st.session_state
    seed, num_items = state[f"{key}_seed"], state[f"{key}_num_items"]
    return QueueSettings(
        name=state[f"{key}_name"],
        filter=source.filter,
        order=state[f"{key}_order"],
        num_reviewers=state[f"{key}_num_reviewers"],
        mode=state[f"{key}_mode"],
        sharing=state[f"{key}_sharing"],
        reviewer_ids=tuple(state[f"{key}_people"]),
        repeat_share=state[f"{key}_repeat_share"] / 100,
        seed=secrets.randbelow(MAX_SEED) if seed is None else int(seed),
        design=QueueDesign(
            floor=state[f"{key}_floor"] / 100,
            num_items=num_items if num_items < total else None,
            strata=state[f"{key}_strata"],
        ),
    )


def _create(key: str, source: QueueSource, person: Reviewer, total: int, opens: bool) -> None:
    _make(key, _settings(key, source, total), source, person, opens=opens)


def _review(key: str, source: QueueSource, person: Reviewer) -> None:
    settings = QueueSettings(
        _free_name(source.name), source.filter, source.order, reviewer_ids=(person.reviewer_id,)
    )
    _make(key, settings, source, person, opens=True)


def _make(
    key: str, settings: QueueSettings, source: QueueSource, person: Reviewer, *, opens: bool
) -> None:
    state = st.session_state
    item_ids = source.item_ids() if source.item_ids else None
    try:
        queue, count = review_service.make_queue(settings, person.reviewer_id, item_ids)
    except DbError as error:
        state[f"{key}_refused"], state[f"{key}_open"] = str(error), True
        return
    state[f"{key}_open"] = False
    made = say_count("queue.made", count, name=queue.settings.name)
    message = f"{made} {about_draw(queue.settings)}".strip()
    if opens and queue.is_open_to(person.reviewer_id):
        review_session().say(message, "success")
        state[QUEUE_PARAM] = state[_GO] = queue.queue_id
    else:
        state[f"{key}_made"] = (queue.queue_id, message)
