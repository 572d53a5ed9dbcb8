"""Who sits at the screen, in the header: the name picker, or the name signed in."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from db.errors import DbError
from db.people.reviewers import MAX_NAME_LENGTH
from db.records import Reviewer
from streamlit_app import safe_text
from streamlit_app.markup import element, reveal
from streamlit_app.server import services
from streamlit_app.session import address, sign_in
from streamlit_app.session.sign_in import DEFAULT_NAME, NAME_KEY
from streamlit_app.wording import say

_ADD_KEY = "reviewer_add"
"""Whether the popover for a new name is open."""
_NEW_KEY = "reviewer_new_name"
_NOTICE = "reviewer_notice"


def pick() -> Reviewer:
    """Draw the choice of the reviewer and return them; a name chosen stays in the address.

    Raises:
        ReviewerNotFoundError: No reviewer has the name in the address, and none was picked.
        NotPermittedError: An admin has taken this person's access away.
    """
    if sign_in.has_provider():
        person = sign_in.current_person()
        safe_text.draw(
            element("p", say("sign_in.signed_in_as"), " ", element("strong", person.name))
        )
        sign_in.draw_sign_out()
        return person
    names = list(dict.fromkeys((DEFAULT_NAME, *(one.name for one in services.all_people()))))
    _seed(names)
    # No new options here: the next keys after a choice are meant for the item.
    chosen = st.selectbox(
        say("sign_in.reviewing_as"),
        names,
        index=0 if st.session_state[NAME_KEY] else None,
        placeholder=say("sign_in.choose_name"),
        format_func=reveal,
        key=NAME_KEY,
        persist_state="session",
        label_visibility="collapsed",
        width=170,
    )
    if chosen is not None:
        address.keep(NAME_KEY, chosen, DEFAULT_NAME)
    _draw_add()
    return sign_in.current_person()


def _seed(names: Collection[str]) -> None:
    """Pick the name held, else the one in the address; none where no one has the one asked for.

    Written at every draw: a value that was only ever set by us is lost on the way to another page,
    and a reviewer who came by an address with their name would be another person there.
    """
    held = st.session_state.get(NAME_KEY)
    if held not in names:
        held = _name_in_address(otherwise=None if NAME_KEY in st.session_state else DEFAULT_NAME)
    st.session_state[NAME_KEY] = held


def _name_in_address(otherwise: str | None) -> str | None:
    asked = st.query_params.get(NAME_KEY)
    if asked is None:
        return otherwise
    try:
        return services.person_named(asked).name
    except DbError:  # `current_person` says why
        return DEFAULT_NAME if asked == DEFAULT_NAME else None


def _draw_add() -> None:
    """Draw the button for a new name; who enters one is that person from then on."""
    with (
        st.popover(
            say("sign_in.add_name"), key=_ADD_KEY, on_change="rerun", icon=":material/person_add:"
        ),
        st.form("reviewer_form", border=False),
    ):
        st.text_input(say("sign_in.new_name"), key=_NEW_KEY, max_chars=MAX_NAME_LENGTH)
        st.form_submit_button(say("sign_in.add"), key="reviewer_add_submit", on_click=_add)
        message = st.session_state.pop(_NOTICE, "")
        if message:
            safe_text.draw_notice(message, kind="error")


def _add() -> None:
    try:
        person = services.add_person_named(st.session_state[_NEW_KEY])
    except DbError as error:
        st.session_state[_NOTICE] = str(error)
        return
    st.session_state[NAME_KEY] = person.name
    st.session_state[_NEW_KEY] = ""
    st.session_state[_ADD_KEY] = False
