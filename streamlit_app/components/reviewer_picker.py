"""Who sits at the screen, in the sidebar: the name picker, or the name signed in."""

from __future__ import annotations

import streamlit as st

from db.records import Reviewer
from streamlit_app import safe_text
from streamlit_app.markup import element, reveal
from streamlit_app.server import services
from streamlit_app.session import address, sign_in
from streamlit_app.session.sign_in import DEFAULT_NAME, NAME_KEY
from streamlit_app.wording import say


def pick() -> Reviewer:
    """Draw who reviews and give them; on one's own machine the name stays in the address.

    Raises:
        InvalidReviewerError: The name typed is empty or too long.
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
    address.seed(NAME_KEY)
    typed = st.session_state.get(NAME_KEY)
    if typed is not None and typed not in names:
        names.append(typed)
    chosen = st.selectbox(
        say("sign_in.reviewing_as"),
        names,
        accept_new_options=True,
        format_func=reveal,
        key=NAME_KEY,
        persist_state="session",
        help=say("sign_in.reviewing_as_help"),
    )
    address.keep(NAME_KEY, chosen, DEFAULT_NAME)
    return sign_in.current_person()
