"""What becomes of a person: another name, one of two entries, an erased identity; their data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from db.evidence.person_data import read_person_data
from db.people.identity_changes import erase_person, rename_person
from db.people.merged_people import merge_people
from db.people.privacy import LEAST_CELL_BOUNDS, PrivacySettings, get_privacy, save_privacy
from db.records import Reviewer
from db.review.queue_changes import hand_over_shares
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say

_NOTICE = "identity_notice"


def draw(people: Sequence[Reviewer], admin_id: str) -> None:
    """Draw the actions for an admin.

    Args:
        people: All of them; those merged into another one are left out.
        admin_id: Who is at the screen.
    """
    draw_message(_NOTICE)
    by_id = {one.reviewer_id: one for one in people if one.merged_into is None}
    chosen: str = st.selectbox(
        say("identity.person"),
        by_id,
        format_func=lambda one: reveal(by_id[one].name),
        key="identity_person",
    )
    if not chosen:
        return
    rename, merge, leave = st.columns(3, gap="large")
    with rename:
        _draw_rename(by_id[chosen], admin_id)
    with merge:
        _draw_merge(by_id, chosen, admin_id)
    with leave:
        _draw_data_and_erasure(by_id[chosen], admin_id)


def draw_privacy(admin_id: str) -> None:
    """Draw how people are named in exports and reports."""
    stored = get_privacy(services.database().cursor())
    with st.form("privacy_form", border=False):
        st.checkbox(
            say("privacy.pseudonyms"),
            value=stored.uses_pseudonyms,
            help=say("privacy.pseudonyms_help"),
            key="privacy_pseudonyms",
        )
        st.number_input(
            say("privacy.least_cell"),
            *LEAST_CELL_BOUNDS,
            value=stored.least_cell,
            help=say("privacy.least_cell_help"),
            key="privacy_least_cell",
        )
        st.form_submit_button(
            say("privacy.save"), key="privacy_save", on_click=_save_privacy, args=(admin_id,)
        )


def _draw_rename(person: Reviewer, admin_id: str) -> None:
    key = f"identity_name_{person.reviewer_id}"
    st.text_input(say("identity.new_name"), value=person.name, key=key)
    st.button(
        say("identity.rename"),
        key="identity_rename",
        on_click=_rename,
        args=(person.reviewer_id, key, admin_id),
    )


def _draw_merge(by_id: Mapping[str, Reviewer], chosen: str, admin_id: str) -> None:
    into = st.selectbox(
        say("identity.into"),
        [one for one in by_id if one != chosen],
        index=None,
        format_func=lambda one: reveal(by_id[one].name),
        help=say("identity.into_help"),
        key=f"identity_into_{chosen}",
    )
    st.button(
        say("identity.merge"),
        disabled=into is None,
        key="identity_merge",
        on_click=_merge,
        args=(chosen, into, admin_id),
    )


def _draw_data_and_erasure(person: Reviewer, admin_id: str) -> None:
    st.download_button(
        say("identity.download"),
        data=partial(_build_data, person.reviewer_id, admin_id),
        file_name=f"{person.reviewer_id}.json",
        mime="application/json",
        key="identity_download",
        on_click="ignore",
    )
    key = f"identity_sure_{person.reviewer_id}"
    is_sure = st.checkbox(
        say("identity.sure", name=reveal(person.name)), help=say("identity.erase_help"), key=key
    )
    st.button(
        say("identity.erase"),
        disabled=not is_sure,
        key="identity_erase",
        on_click=_erase,
        args=(person.reviewer_id, admin_id),
    )


def _build_data(reviewer_id: str, admin_id: str) -> bytes:
    found = read_person_data(services.database().cursor(), reviewer_id, by=admin_id)
    return json.dumps(found, ensure_ascii=False, indent=1).encode()


def _rename(reviewer_id: str, key: str, admin_id: str) -> None:
    name = st.session_state[key]

    def change() -> str:
        with services.database().transaction() as cur:
            person = rename_person(cur, reviewer_id, name, by=admin_id)
        return say("identity.renamed", name=person.name)

    _report(change)


def _merge(reviewer_id: str, into: str, admin_id: str) -> None:
    def change() -> str:
        with services.database().transaction() as cur:
            done = merge_people(cur, reviewer_id, into, by=admin_id)
            num_handed = hand_over_shares(cur, reviewer_id, by=admin_id, to=into)
        return say(
            "identity.merged",
            name=done.person.name,
            carried=done.num_carried,
            retracted=done.num_retracted,
            handed=num_handed,
        )

    _report(change)


def _erase(reviewer_id: str, admin_id: str) -> None:
    def change() -> str:
        with services.database().transaction() as cur:
            person = erase_person(cur, reviewer_id, by=admin_id)
            num_handed = hand_over_shares(cur, reviewer_id, by=admin_id)
        return say("identity.erased", name=person.name, handed=num_handed)

    _report(change)


def _save_privacy(admin_id: str) -> None:
    state = st.session_state
    settings = PrivacySettings(state["privacy_pseudonyms"], state["privacy_least_cell"])

    def change() -> str:
        with services.database().transaction() as cur:
            save_privacy(cur, settings, admin_id)
        return say("privacy.saved")

    _report(change)


def _report(change: Callable[[], str]) -> None:
    """Make a change, and keep what to say of it for the next draw."""
    with deferred_errors(_NOTICE):
        keep(change(), _NOTICE)
