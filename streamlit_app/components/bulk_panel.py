"""Bulk editing of a list: preview, apply and undo."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from db.people.permissions import is_permitted
from db.people.reviewers import list_reviewers
from db.records import Reviewer
from db.review.bulk_actions import (
    BulkAction,
    ItemKind,
    do_action,
    list_actions,
    preview_action,
    undo_action,
)
from db.review.item_list import ReviewFilter
from streamlit_app import safe_text
from streamlit_app.components import choices
from streamlit_app.markup import reveal
from streamlit_app.server.services import database
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say, say_count, words

_NOTICE = "bulk_notice"
_BATCH = "bulk_batch"
_SHOWN_PAST = 5

Press = Callable[..., BulkAction]
"""Does the action in a transaction; takes its cursor, ``batch_id`` and ``reviewer_id``."""


def draw(flt: ReviewFilter, total: int, person: Reviewer, tools: DeltaGenerator) -> None:
    """Draw the switch that opens the panel, and the panel where it is open.

    Args:
        flt: The filter of the list.
        total: How many items pass it.
        person: Who is at the screen.
        tools: The row of the switch.
    """
    if not tools.toggle(say_count("bulk.title", total), key="bulk_open"):
        return
    with st.container(border=True, key="bulk_panel"):
        draw_message(_NOTICE)
        if not is_permitted(person, "bulk"):
            safe_text.draw_notice(say("bulk.not_open"))
            return
        _draw_action(flt, _pick_kind(flt), person)
        _draw_past(person)


def _pick_kind(flt: ReviewFilter) -> ItemKind:
    kind_words = words("bulk_kind")
    kinds: tuple[ItemKind, ...] = ("retract", "flag") if flt.run_id is None else get_args(ItemKind)
    return choices.pick(
        say("bulk.kind"), {kind: kind_words[kind] for kind in kinds}, key="bulk_kind"
    )


def _draw_action(flt: ReviewFilter, kind: ItemKind, person: Reviewer) -> None:
    seen = preview_action(database().cursor(), flt, kind, person.reviewer_id)
    if not seen.num_changed:
        st.text(say("bulk.nothing"))
        return
    st.text(say("bulk.would", changed=seen.num_changed, found=seen.num_found))
    if seen.labels:
        counted = " · ".join(f"{reveal(label)} {count:,}" for label, count in seen.labels.items())
        st.text(say("bulk.labels", labels=counted))
    press = partial(do_action, flt=flt, kind=kind, num_expected=seen.num_changed)
    _draw_button(say_count("bulk.apply", seen.num_changed), press, person)


def _draw_button(title: str, press: Press, person: Reviewer) -> None:
    # One id for each draw of the button: a press that is sent twice acts once.
    batch_id = st.session_state.setdefault(_BATCH, str(uuid.uuid4()))
    st.button(
        title,
        type="primary",
        key="bulk_do",
        on_click=_do,
        args=(partial(press, batch_id=batch_id, reviewer_id=person.reviewer_id),),
    )


def _draw_past(person: Reviewer) -> None:
    cur = database().cursor()
    names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
    standing = [action for action in list_actions(cur) if action.undone_at is None]
    for action in standing[:_SHOWN_PAST]:
        who = reveal(names.get(action.reviewer_id, action.reviewer_id))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(
                say_count(
                    "bulk.past",
                    action.num_items,
                    when=local_text(action.created_at),
                    who=who,
                    what=words("bulk_kind")[action.kind],
                )
            )
            if action.reviewer_id == person.reviewer_id or person.role == "admin":
                st.button(
                    say("bulk.undo"),
                    key=f"bulk_undo_{action.batch_id}",
                    on_click=_undo,
                    args=(action, person.reviewer_id),
                )


def _do(press: Press) -> None:
    with deferred_errors(_NOTICE):
        with database().transaction() as cur:
            done = press(cur)
        st.session_state.pop(_BATCH, None)
        what = words("bulk_kind")[done.kind]
        keep(say_count("bulk.done", done.num_items, what=what), _NOTICE)


def _undo(action: BulkAction, reviewer_id: str) -> None:
    with deferred_errors(_NOTICE):
        with database().transaction() as cur:
            undo_action(cur, action.batch_id, reviewer_id=reviewer_id)
        what = words("bulk_kind")[action.kind]
        keep(say_count("bulk.undone", action.num_items, what=what), _NOTICE)
