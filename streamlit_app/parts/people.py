"""People: who may come in, what their role is, and who changed it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from db.people.permissions import is_permitted
from db.people.reviewers import list_changes, list_people, list_reviewers
from db.people.sign_in import add_person, change_person
from db.records import Reviewer
from db.review.queue_changes import hand_over_shares
from streamlit_app import safe_text
from streamlit_app.components import identity_panel
from streamlit_app.logic.people_tables import GIVEN_ROLES, change_table, people_table, role_table
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session import local_time, sign_in
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say, words

_NOTICE = "people_notice"


def draw() -> None:
    """Draw this part."""
    person = sign_in.current_person()
    everyone = list_people(services.database().cursor())
    people = [one for one in everyone if one.merged_into is None]
    table, form = st.columns([3, 2], gap="large")
    with table:
        st.header(say("people.access_heading"), anchor=False, divider="gray")
        st.dataframe(people_table(people), hide_index=True, key="people_table")
        if not sign_in.has_provider():
            st.caption(say("people.roles_note"))
    with form:
        st.header(say("people.change"), anchor=False, divider="gray")
        draw_message(_NOTICE)
        if is_permitted(person, "manage_people"):
            draw_form(people, person)
        else:
            admins = ", ".join(reveal(one.name) for one in people if one.role == "admin")
            safe_text.draw_notice(say("people.admins_only", admins=admins))
    if is_permitted(person, "manage_people"):
        st.header(say("identity.title"), anchor=False, divider="gray", help=say("identity.help"))
        identity_panel.draw(people, person.reviewer_id)
        st.header(say("privacy.title"), anchor=False, divider="gray")
        identity_panel.draw_privacy(person.reviewer_id)
    st.header(say("people.roles"), anchor=False, divider="gray")
    st.dataframe(role_table(), hide_index=True, key="people_roles", width="content")
    with st.expander(say("people.changes")):
        draw_changes()


def draw_form(people: Sequence[Reviewer], admin: Reviewer) -> None:
    """Draw the choice of a person, or a new one, and what becomes of them."""
    by_id = {person.reviewer_id: person for person in people}
    chosen = st.selectbox(
        say("people.person"),
        ["", *by_id],
        format_func=lambda one: reveal(by_id[one].name) if one else say("people.new"),
        key="people_person",
    )
    known = by_id.get(chosen)
    # The keys carry the person: what was typed for one must never be saved for another.
    mark = chosen or "new"
    if known is None:
        st.text_input(say("people.name"), key=f"people_name_{mark}")
    role_words = words("role")
    st.selectbox(
        say("people.role"),
        GIVEN_ROLES,
        index=GIVEN_ROLES.index(known.role) if known else 0,
        format_func=role_words.__getitem__,
        key=f"people_role_{mark}",
    )
    st.text_input(
        say("people.email"),
        value=(known.email or "") if known else "",
        help=say("people.email_help"),
        key=f"people_email_{mark}",
    )
    st.text_input(
        say("people.issuer"),
        value=(known.issuer if known else None) or sign_in.current_issuer() or "",
        help=say("people.issuer_help"),
        key=f"people_issuer_{mark}",
    )
    st.button(
        say("people.save") if known else say("people.add"),
        type="primary",
        key="people_save",
        on_click=save,
        args=(chosen, admin.reviewer_id),
    )


def save(chosen: str, admin_id: str) -> None:
    """Store the form's values of a person; the empty id means a new one."""
    mark = chosen or "new"
    role = st.session_state[f"people_role_{mark}"]
    invitation = {name: st.session_state[f"people_{name}_{mark}"] for name in ("email", "issuer")}
    num_handed = 0
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            if chosen:
                person = change_person(cur, chosen, role=role, by=admin_id, **invitation)
                if not is_permitted(person, "annotate"):
                    num_handed = hand_over_shares(cur, chosen, by=admin_id)
            else:
                name = st.session_state[f"people_name_{mark}"]
                person = add_person(cur, name, role=role, by=admin_id, is_new=True, **invitation)
        if not chosen:
            st.session_state["people_name_new"] = st.session_state["people_email_new"] = ""
        key = "people.saved_and_handed_over" if num_handed else "people.saved"
        role_words = words("role")[person.role]
        keep(say(key, name=person.name, role=role_words, handed=num_handed), _NOTICE)


def draw_changes() -> None:
    """Draw every change of a role, the latest first."""
    cur = services.database().cursor()
    names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
    st.dataframe(
        change_table(list_changes(cur), names),
        hide_index=True,
        key="people_changes",
        column_config={say("people.when"): local_time.column()},
    )
