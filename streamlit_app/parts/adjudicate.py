"""Adjudicate: items on which people differ, one at a time; what holds, and why they differed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import streamlit as st

from db.errors import DbError, NotPermittedError
from db.records import AdjudicationReason, AnnotationOrigin, Item, Reviewer, labels_text
from db.review.adjudications import Disputed, list_disputed
from db.review.agreement import RatingScope
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.components import (
    annotation_cards,
    answer_card,
    blind_items,
    choices,
    item_card,
    keyboard,
    label_picker,
    reference_card,
)
from streamlit_app.components.progress_line import track
from streamlit_app.logic.agreement_tables import load_scopes
from streamlit_app.logic.label_sets import label_set_words
from streamlit_app.logic.review.adjudication import Dispute, decide, load_dispute
from streamlit_app.logic.review.adjudication_list import SettlingList
from streamlit_app.markup import element, reveal
from streamlit_app.safe_text import NoticeKind
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say, words

REASONS: tuple[AdjudicationReason, ...] = get_args(AdjudicationReason)
SHOWS: tuple[Disputed, ...] = get_args(Disputed)
WHOSE: tuple[AnnotationOrigin | Literal["all"], ...] = ("all", *get_args(AnnotationOrigin))


@dataclass
class Session:
    """The position of an adjudicator in the list of items."""

    items: SettlingList = field(default_factory=SettlingList)
    item_id: str | None = None
    adjudication_id: str = ""
    """Made when the item is shown, so that a press sent twice is stored once."""
    num_draws: int = 0
    message: str = ""
    message_kind: NoticeKind = "info"

    def show(self, item_id: str | None) -> None:
        """Show an item; None for the end of the list."""
        self.item_id, self.adjudication_id = item_id, str(uuid.uuid4())

    def say(self, message: str, kind: NoticeKind = "info") -> None:
        """Set the line that the next draw shows above the decision."""
        self.message, self.message_kind = message, kind


def session() -> Session:
    """Return this browser session's place in the list."""
    found: Session = st.session_state.setdefault("adjudicate_session", Session())
    return found


def draw() -> None:
    """Draw this part."""
    person = sign_in.current_person()
    viewer = services.viewer_of(person.reviewer_id)
    with st.sidebar:
        item_ids = pick(viewer, load_scopes(services.database(), viewer))
    try:
        services.check_permission(person, "adjudicate")
    except NotPermittedError as error:
        safe_text.draw_notice(say("adjudicate.not_allowed", who=error), kind="warning")
        return
    blind_items.draw_left_out(viewer)
    here = session()
    here.items = SettlingList(item_ids)
    if here.item_id is None or here.item_id not in here.items:
        here.show(here.items.next_open())
    draw_body(person)
    keyboard.load_script()


def pick(viewer: Viewer, scopes: Sequence[RatingScope]) -> list[str]:
    """Draw the filters and return the items that pass them, the most consequential first."""
    show = choices.pick_from(
        say("adjudicate.show"), SHOWS, words("adjudicate_show"), key="adjudicate_show"
    )
    whose = choices.pick_from(
        say("adjudicate.annotators"), WHOSE, words("adjudicate_whose"), key="adjudicate_whose"
    )
    sources = list(dict.fromkeys(scope.source for scope in scopes))
    source = choices.pick_from(
        say("adjudicate.source"),
        sources,
        {name: reveal(name) for name in sources},
        key="adjudicate_source",
        any_words=say("adjudicate.any"),
    )
    label_sets = list(dict.fromkeys(scope.label_set for scope in scopes))
    label_set = choices.pick_from(
        say("adjudicate.labels"),
        label_sets,
        {name: label_set_words(name) for name in label_sets},
        key="adjudicate_labels",
        any_words=say("adjudicate.any"),
    )
    return list_disputed(
        services.database().cursor(),
        viewer,
        show or "open",
        origin=whose if whose in ("review", "import") else None,
        source=source,
        label_set=label_set,
    )


@sign_in.fragment("adjudicate")
def draw_body(person: Reviewer) -> None:
    """Draw the item on screen; a press of its buttons reruns this part alone."""
    here = session()
    here.num_draws += 1
    if here.item_id is None:
        draw_message()
        done = len(here.items) > 0
        safe_text.draw_notice(
            say("adjudicate.all_done" if done else "adjudicate.nothing"),
            kind="success" if done else "info",
        )
        return
    viewer = services.viewer_of(person.reviewer_id)
    dispute = load_dispute(services.database(), here.item_id, viewer)
    left, right = st.columns([1.7, 1], gap="large")
    with left, st.container(key="adjudicate_left"):
        item_card.draw_question(dispute.item)
        st.header(say("adjudicate.judgements"), anchor=False)
        annotation_cards.draw(dispute)
        item_card.draw_context(dispute.item)
        if dispute.prediction is not None and dispute.run is not None:
            answer_card.draw(dispute.prediction, dispute.run.model)
        reference_card.draw(dispute.item)
    with right, st.container(key="adjudicate_right"):
        draw_progress()
        annotation_cards.draw_tally(dispute)
        draw_form(dispute, person)
        labels = dispute.item.labels
        keyboard.draw_marker(here.item_id, here.num_draws, labels, here.adjudication_id)
        st.header(say("adjudicate.decisions"), anchor=False)
        annotation_cards.draw_decisions(dispute.decisions, dispute.names)


def draw_progress() -> None:
    """Draw how much of the list is adjudicated, and the place of the item on screen."""
    items, item_id = session().items, session().item_id or ""
    place = say("review.place", number=items.number(item_id), total=len(items))
    progress = say("adjudicate.progress", done=items.num_done, total=len(items))
    safe_text.draw(
        element(
            "div",
            element("span", place, cls="lc-progress-place"),
            track(items.num_done / len(items)),
            element("span", progress),
            cls="lc-progress",
        )
    )


def draw_form(dispute: Dispute, person: Reviewer) -> None:
    """Draw the decision: which label holds, why people differed, a note."""
    item_id = dispute.item.item_id
    draw_message()
    label_picker.draw(dispute.item, page="adjudicate")
    reason_words = words("adjudication_reason")
    st.selectbox(
        say("adjudicate.reason"),
        REASONS,
        index=None,
        placeholder=say("adjudicate.reason_placeholder"),
        format_func=reason_words.__getitem__,
        key=f"adjudicate_reason_{item_id}",
        on_change="ignore",
    )
    st.text_area(
        say("adjudicate.note"), key=f"adjudicate_note_{item_id}", height=90, on_change="ignore"
    )
    st.button(
        say("adjudicate.save"),
        type="primary",
        width="stretch",
        key=f"adjudicate_save_{item_id}",
        on_click=save,
        args=(dispute.item, person.reviewer_id),
    )
    with st.container(horizontal=True):
        for key, step in (("previous", -1), ("next", 1)):
            st.button(
                say(f"adjudicate.{key}"),
                key=f"adjudicate_{key}_{item_id}",
                on_click=move,
                args=(item_id, step),
            )
        st.button(
            say("adjudicate.skip"),
            key=f"adjudicate_skip_{item_id}",
            on_click=skip,
            args=(item_id,),
        )


def draw_message() -> None:
    """Draw the line that says what the last press did; its place is kept when it is empty."""
    safe_text.draw_line(session().message, kind=session().message_kind)
    session().say("")


def save(item: Item, reviewer_id: str) -> None:
    """Store the decision on an item and show the next one."""
    here, item_id = session(), item.item_id
    if here.item_id != item_id:
        here.say(say("adjudicate.late_press"), "warning")
        return
    if not sign_in.is_at_screen(reviewer_id):
        here.say(say("review.other_person"), "warning")
        return
    label = label_picker.picked(item, "adjudicate")
    reason: AdjudicationReason | None = st.session_state.get(f"adjudicate_reason_{item_id}")
    note = (st.session_state.get(f"adjudicate_note_{item_id}") or "").strip()
    if label is None:
        here.say(say("adjudicate.pick_label"), "warning")
        return
    if reason is None:
        here.say(say("adjudicate.pick_reason"), "warning")
        return
    if reason == "other" and not note:
        here.say(say("adjudicate.other_needs_note"), "warning")
        return
    try:
        gold = decide(
            services.database(),
            adjudication_id=here.adjudication_id,
            item_id=item_id,
            reviewer_id=reviewer_id,
            label=label,
            reason=reason,
            note=note,
        )
    except DbError as error:
        here.say(str(error), "error")
        return
    here.items.mark_done(item_id)
    here.say(say("adjudicate.saved", item=item_id, label=labels_text(gold.label)), "success")
    here.show(here.items.next_open(item_id))


def skip(item_id: str) -> None:
    """Postpone an item until nothing else is open."""
    here = session()
    if here.item_id == item_id:
        here.items.put_off(item_id)
        here.show(here.items.next_open(item_id))


def move(item_id: str, step: int) -> None:
    """Show the item before or after, adjudicated or not."""
    here = session()
    neighbour = here.items.neighbour(item_id, step)
    if here.item_id == item_id and neighbour is not None:
        here.show(neighbour)
