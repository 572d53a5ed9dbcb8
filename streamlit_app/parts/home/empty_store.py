"""Home of an empty store: the ways to something to work on."""

from __future__ import annotations

import streamlit as st

from db.demo import load_demo
from db.people.permissions import is_permitted, require
from db.records import Reviewer
from streamlit_app import safe_text
from streamlit_app.server import services
from streamlit_app.session.press_notice import deferred_errors, draw_message
from streamlit_app.session.rooms import go_to
from streamlit_app.wording import say
from training.evaluation.readings import read_new_answers

_MESSAGE = "home_message"


def draw(person: Reviewer) -> None:
    """Draw the buttons for whom may import; for others, who can."""
    safe_text.draw_notice(say("empty_store.empty"))
    draw_message(_MESSAGE)
    if not is_permitted(person, "import"):
        st.caption(say("empty_store.not_open"))
        return
    demo, file, model = st.columns(3)
    with demo, st.container(border=True, height="stretch"):
        st.write(say("empty_store.demo_note"))
        st.button(
            say("empty_store.demo"),
            key="home_demo",
            type="primary",
            on_click=_load_demo,
            args=(person.reviewer_id,),
        )
    with file, st.container(border=True, height="stretch"):
        st.write(say("empty_store.file_note"))
        if st.button(say("empty_store.file"), key="home_import"):
            go_to("settings", "data")
    with model, st.container(border=True, height="stretch"):
        st.write(say("empty_store.model_note"))
        if st.button(say("empty_store.model"), key="home_ask"):
            go_to("training", "runs")


def _load_demo(reviewer_id: str) -> None:
    with deferred_errors(_MESSAGE):
        require(services.database().cursor(), reviewer_id, "import")
        load_demo(services.database())
        read_new_answers(services.database())
