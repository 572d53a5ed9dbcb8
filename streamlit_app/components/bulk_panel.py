"""Acting on every item of a list: what would happen, one press, and one to take it back."""

from __future__ import annotations

import uuid
from typing import get_args

import streamlit as st

from db.bulk_actions import (
    BulkAction,
    BulkKind,
    do_action,
    list_actions,
    preview_action,
    undo_action,
)
from db.errors import DbError
from db.permissions import is_permitted
from db.records import Reviewer
from db.review import ReviewFilter
from db.reviewers import list_reviewers
from streamlit_app.components import safe_text
from streamlit_app.services import database
from streamlit_app.text_safety import reveal
from streamlit_app.wording import say, words

_SAID = "bulk_said"
_BATCH = "bulk_batch"
_SHOWN_PAST = 5


def draw(flt: ReviewFilter, total: int, person: Reviewer) -> None:
    """Draw the switch that opens the panel, and the panel where it is open.

    Args:
        flt: The filter of the list.
        total: How many items pass it.
        person: Who is at the screen.
    """
    if not st.toggle(say("bulk.title", total=total), key="bulk_open"):
        return
    with st.container(border=True, key="bulk_panel"):
        _draw_said()
        if not is_permitted(person, "bulk"):
            safe_text.draw_notice(say("bulk.not_open"))
            return
        _draw_action(flt, person)
        _draw_past(person)


def _draw_action(flt: ReviewFilter, person: Reviewer) -> None:
    kind_words = words("bulk_kind")
    kinds = get_args(BulkKind) if flt.run_id is not None else ("retract", "flag")
    kind: BulkKind = st.segmented_control(
        say("bulk.kind"),
        kinds,
        format_func=kind_words.__getitem__,
        default=kinds[0],
        required=True,
        key="bulk_kind",
    )
    seen = preview_action(database().cursor(), flt, kind, person.reviewer_id)
    if not seen.num_changed:
        st.text(say("bulk.nothing"))
        return
    st.text(say("bulk.would", changed=seen.num_changed, found=seen.num_found))
    if seen.labels:
        counted = " · ".join(f"{reveal(label)} {count:,}" for label, count in seen.labels.items())
        st.text(say("bulk.labels", labels=counted))
    # One id for each showing of the button: a press that is sent twice acts once.
    batch_id = st.session_state.setdefault(_BATCH, str(uuid.uuid4()))
    st.button(
        say("bulk.do", changed=seen.num_changed),
        type="primary",
        key="bulk_do",
        on_click=_do,
        args=(flt, kind, person.reviewer_id, batch_id, seen.num_changed),
    )


def _draw_past(person: Reviewer) -> None:
    cur = database().cursor()
    names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
    standing = [action for action in list_actions(cur) if action.undone_at is None]
    for action in standing[:_SHOWN_PAST]:
        who = reveal(names.get(action.reviewer_id, action.reviewer_id))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(
                say(
                    "bulk.past",
                    when=f"{action.created_at:%Y-%m-%d %H:%M}",
                    who=who,
                    what=words("bulk_kind")[action.kind],
                    count=action.num_items,
                )
            )
            if action.reviewer_id == person.reviewer_id or person.role == "admin":
                st.button(
                    say("bulk.undo"),
                    key=f"bulk_undo_{action.batch_id}",
                    on_click=_undo,
                    args=(action, person.reviewer_id),
                )


def _do(
    flt: ReviewFilter, kind: BulkKind, reviewer_id: str, batch_id: str, num_expected: int
) -> None:
    try:
        with database().transaction() as cur:
            done = do_action(
                cur,
                flt,
                kind,
                reviewer_id=reviewer_id,
                batch_id=batch_id,
                num_expected=num_expected,
            )
    except DbError as error:
        st.session_state[_SAID] = ("error", str(error))
        return
    st.session_state.pop(_BATCH, None)
    said = say("bulk.done", count=done.num_items, what=words("bulk_kind")[kind])
    st.session_state[_SAID] = ("success", said)


def _undo(action: BulkAction, reviewer_id: str) -> None:
    try:
        with database().transaction() as cur:
            undo_action(cur, action.batch_id, reviewer_id=reviewer_id)
    except DbError as error:
        st.session_state[_SAID] = ("error", str(error))
        return
    said = say("bulk.undone", count=action.num_items, what=words("bulk_kind")[action.kind])
    st.session_state[_SAID] = ("success", said)


def _draw_said() -> None:
    kind, message = st.session_state.pop(_SAID, (None, ""))
    if message:
        safe_text.draw_notice(message, kind=kind)
