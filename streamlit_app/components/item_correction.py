"""Correcting one item of a list, and setting it aside: the small form on Browse."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from db.content.item_versions import (
    MAX_REASON_CHARACTERS,
    correct_item,
    list_set_aside,
    set_items_aside,
)
from db.content.items import get_item
from db.people.permissions import is_permitted
from db.records import Item, Reviewer, Split
from db.review.item_list import ReviewRow
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.markup import reveal
from streamlit_app.server.services import database
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say

_NOTICE = "correction_notice"

Change = Callable[[Any], object]


def draw(
    rows: Sequence[ReviewRow], person: Reviewer, viewer: Viewer, tools: DeltaGenerator
) -> None:
    """Draw the switch that opens the form, and the form, for those who may correct items.

    Args:
        rows: The items of the page, one of which is corrected.
        person: Who is at the screen.
        viewer: For whom items are read: one to be labelled blind is not open to correction.
        tools: The row of the switch.
    """
    if not is_permitted(person, "edit_items"):
        return
    if not tools.toggle(say("correction.title"), key="correction_open"):
        return
    questions = {row.item_id: row.question for row in rows}
    with st.container(border=True, key="correction_panel"):
        draw_message(_NOTICE)
        item_id = st.selectbox(
            say("correction.item"),
            list(questions),
            format_func=lambda key: reveal(f"{key}: {questions[key]}"),
            key="correction_item",
        )
        item = get_item(database().cursor(), item_id, viewer)
        if item.is_hidden:
            safe_text.draw_notice(say("correction.blind"))
            return
        _draw_form(item, person)


def _draw_form(item: Item, person: Reviewer) -> None:
    # Another version is another form: its fields begin with what is stored.
    key = f"correction_{{}}_{zlib.crc32(f'{item.item_id}/{item.version}'.encode())}".format
    st.text(say("correction.version", version=item.version))
    changed = replace(
        item,
        question=_text(say("correction.question"), item.question, key("question")),
        context=tuple(
            replace(part, text=_text(part.heading or say("correction.context"), part.text, key(n)))
            for n, part in enumerate(item.context)
        ),
        options=tuple(
            replace(part, text=_text(part.label, part.text, key(part.label)))
            for part in item.options
        ),
        gold_label=_pick_gold(item, key("gold")),
        split=_pick(say("correction.split"), get_args(Split), item.split, key("split")),
    )
    has_new_sense = st.checkbox(
        say("correction.changes_sense"), help=say("correction.sense_help"), key=key("sense")
    )
    reason = st.text_input(
        say("correction.reason"), max_chars=MAX_REASON_CHARACTERS, key=key("reason")
    )
    who = person.reviewer_id
    with st.container(horizontal=True):

        def correct(cur: Any) -> object:
            return correct_item(
                cur, changed, reviewer_id=who, reason=reason, changes_sense=has_new_sense
            )

        _draw_button("save", correct, is_off=changed == item or not reason.strip())
        is_aside = bool(list_set_aside(database().cursor(), item.item_id))
        _draw_button(
            "restore" if is_aside else "set_aside",
            lambda cur: set_items_aside(
                cur, [item.item_id], reviewer_id=who, reason=reason, is_aside=not is_aside
            ),
            is_off=not reason.strip(),
        )


def _text(label: str, text: str, key: str) -> str:
    return st.text_area(reveal(label), text, key=key)


def _pick_gold(item: Item, key: str) -> str | None:
    if not item.is_several:
        return _pick(say("correction.gold"), (None, *item.labels), item.gold_label, key)  # type: ignore[no-any-return]
    right = st.multiselect(
        say("correction.gold"), item.labels, item.gold_labels, format_func=reveal, key=key
    )
    return item.label_of(right)


def _pick(label: str, choices: Sequence[Any], chosen: Any, key: str) -> Any:
    return st.selectbox(
        label,
        choices,
        index=list(choices).index(chosen),
        format_func=lambda one: say("correction.none") if one is None else reveal(one),
        key=key,
    )


def _draw_button(name: str, change: Change, *, is_off: bool) -> None:
    st.button(
        say(f"correction.{name}"),
        key=f"correction_{name}",
        disabled=is_off,
        on_click=_do,
        args=(name, change),
    )


def _do(name: str, change: Change) -> None:
    with deferred_errors(_NOTICE):
        with database().transaction() as cur:
            change(cur)
        keep(say(f"correction.done_{name}"), _NOTICE)
