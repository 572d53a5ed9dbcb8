"""Label sets: made, described, renamed, merged and retired, in versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, get_args

import streamlit as st

from db.people.permissions import is_permitted
from db.records import LabelKind, LabelSet
from streamlit_app import safe_text
from streamlit_app.components import label_definitions
from streamlit_app.logic import label_sets
from streamlit_app.logic.review.label_keys import keys_of
from streamlit_app.markup import element, reveal
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say, words

_NEW: Final = ""
_NOTICE: Final = "data_label_set_notice"
_ROUND: Final = "data_label_set_round"
_KINDS: Final[tuple[LabelKind, ...]] = get_args(LabelKind)


def draw() -> None:
    """Draw the stored label sets, and the form of the chosen or of a new one."""
    person = sign_in.current_person()
    known = label_sets.load(services.database())
    name = st.selectbox(
        say("label_sets.choose"),
        [_NEW, *known],
        format_func=lambda one: reveal(one) or say("label_sets.new"),
        key="data_label_set",
    )
    draw_message(_NOTICE)
    # A new key after each save: the editor would show the edits on top of what was stored.
    key = f"data_label_set_{name}_{st.session_state.get(_ROUND, 0)}"
    before = known.get(name)
    name_key = f"{key}_name"
    edited = _draw_form(before, key, name_key, is_open=is_permitted(person, "edit_items"))
    _draw_preview(edited)
    if not is_permitted(person, "edit_items"):
        safe_text.draw_notice(say("label_sets.not_open"))
        return
    moves = _draw_moves(before, edited, key)
    reason = st.text_input(
        say("label_sets.reason"), key=f"{key}_reason", help=say("label_sets.reason_help")
    )
    st.button(
        say("label_sets.save"),
        key="data_label_set_save",
        on_click=_save,
        args=(edited, name_key, moves, reason, person.reviewer_id),
    )


def _draw_form(before: LabelSet | None, key: str, name_key: str, *, is_open: bool) -> LabelSet:
    """Draw the fields and return the label set that they describe, faults and all."""
    name_column, kind_column = st.columns([2, 3], vertical_alignment="bottom")
    with name_column:
        if before is None:
            _draw_name(name_key)
        elif before.version:
            st.caption(say("label_sets.version", version=before.version))
    with kind_column:
        kind: LabelKind = st.segmented_control(
            say("label_sets.kind"),
            _KINDS,
            format_func=words("label_kind").__getitem__,
            default=before.kind if before else "single",
            required=True,
            key=f"{key}_kind",
            help=say("label_sets.kind_help"),
            disabled=not is_open,
        )
    columns = words("label_set_column")
    rows = st.data_editor(
        label_sets.rows_of(before),
        column_config={one: st.column_config.TextColumn(title) for one, title in columns.items()},
        column_order=list(columns),
        num_rows="dynamic",
        hide_index=True,
        key=f"{key}_labels",
        disabled=not is_open,
    )
    name = before.name if before else st.session_state[name_key].strip()
    return label_sets.set_of(name, kind, rows)


@st.fragment
def _draw_name(name_key: str) -> None:
    """Draw the field of a new name apart: a rerun of the page takes the focus from the grid."""
    st.text_input(say("label_sets.name"), key=name_key)


def _draw_preview(edited: LabelSet) -> None:
    """Draw the buttons and the definitions as reviewers get them."""
    if len(edited.labels) < 2:
        return
    keys = keys_of(edited.names, [label.key for label in edited.labels])
    buttons = [
        element(
            "span",
            label.short_name or label.name,
            " ",
            *(element("kbd", key) for key in own),
            cls=f"lc-chip lc-position-{place % 5}",
        )
        for place, (label, own) in enumerate(zip(edited.labels, keys, strict=True))
    ]
    st.caption(say("label_sets.preview"))
    safe_text.draw(element("p", *buttons, cls="lc-facts"))
    if definitions := label_definitions.panel(edited):
        safe_text.draw(definitions)


def _draw_moves(before: LabelSet | None, edited: LabelSet, key: str) -> Mapping[str, str | None]:
    """Draw a choice of what became of each label that is no longer there."""
    gone = [name for name in before.names if name not in edited.names] if before else []
    moves: dict[str, str | None] = {}
    targets: Sequence[str | None] = [None, *edited.names]
    for place, name in enumerate(gone):
        moves[name] = st.selectbox(
            say("label_sets.became", label=reveal(name)),
            targets,
            index=_likely_target(before, edited, name),
            format_func=lambda one: say("label_sets.retired") if one is None else reveal(one),
            key=f"{key}_move_{place}",
        )
    return moves


def _likely_target(before: LabelSet | None, edited: LabelSet, name: str) -> int:
    """Return the place among the targets of the new label where the old one was, 0 for none."""
    is_same_length = before is not None and len(before.labels) == len(edited.labels)
    return 1 + before.names.index(name) if before is not None and is_same_length else 0


def _save(
    edited: LabelSet,
    name_key: str,
    moves: Mapping[str, str | None],
    reason: str,
    reviewer_id: str,
) -> None:
    edited = replace(edited, name=st.session_state.get(name_key, edited.name).strip())
    with deferred_errors(_NOTICE):
        made = label_sets.save(
            services.database(), edited, moves, reviewer_id=reviewer_id, reason=reason
        )
        keep(say("label_sets.saved", name=made.name, version=made.version), _NOTICE)
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        st.session_state["data_label_set"] = made.name
