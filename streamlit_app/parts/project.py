"""The project: its name, and how reviewing works where no queue says otherwise."""

from __future__ import annotations

import streamlit as st

from db.people.permissions import is_permitted
from db.review.settings import MAX_NAME_LENGTH, WORDS_PER_MINUTE_BOUNDS, ReviewSettings
from streamlit_app.components import evidence_panel
from streamlit_app.server import review_service
from streamlit_app.session import sign_in
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.session.state import review_session
from streamlit_app.wording import say, words

_MODES = ("open", "blind")
_NOTICE = "project_notice"


def draw() -> None:
    """Draw the settings of the project, and the button that stores them."""
    person = sign_in.current_person()
    may = is_permitted(person, "manage_queues")
    stored = review_service.settings()
    low, high = WORDS_PER_MINUTE_BOUNDS
    with st.form("project_form", border=False, width=560):
        st.text_input(
            say("project.name"),
            stored.project,
            max_chars=MAX_NAME_LENGTH,
            help=say("project.name_help"),
            key="project_name",
        )
        st.selectbox(
            say("project.default_mode"),
            _MODES,
            index=_MODES.index(stored.mode),
            format_func=words("review_mode").__getitem__,
            key="project_mode",
        )
        st.number_input(
            say("project.words_per_minute"),
            low,
            high,
            stored.words_per_minute,
            step=50,
            help=say("project.words_per_minute_help"),
            key="project_speed",
        )
        st.checkbox(
            say("project.hides_names"),
            value=stored.hides_names,
            help=say("project.hides_names_help"),
            key="project_names",
        )
        st.form_submit_button(
            say("project.store"),
            key="project_store",
            on_click=_store,
            args=(person.reviewer_id,),
            disabled=not may,
        )
    draw_message(_NOTICE)
    if not may:
        st.caption(say("project.not_open"))
    evidence_panel.draw(person)


def _store(reviewer_id: str) -> None:
    state = st.session_state
    wanted = ReviewSettings(
        state["project_mode"],
        state["project_speed"],
        hides_names=state["project_names"],
        project=state["project_name"],
    )
    with deferred_errors(_NOTICE):
        review_service.store_settings(wanted, reviewer_id)
        review_session().restart_desk()  # the mode may be another
        keep(say("project.stored"), _NOTICE)
