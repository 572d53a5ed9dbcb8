"""How far the features of new items are, which are computed while no run goes on."""

from __future__ import annotations

import streamlit as st

from db.people.permissions import is_permitted
from db.records import Reviewer
from streamlit_app import safe_text
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.press_notice import deferred_errors
from streamlit_app.wording import say
from training.control.features_ahead import find_job, stop
from training.run.run_dir import RunDir

REFRESH_SECONDS = 2.0


def draw(person: Reviewer) -> None:
    """Draw the line; while a job goes on, it alone is drawn again."""
    found = find_job()
    is_active = found is not None and found[1].is_active
    sign_in.fragment(run_every=REFRESH_SECONDS if is_active else None)(_draw)(person)


def _draw(person: Reviewer) -> None:
    found = find_job()
    if found is None:
        return
    job, status = found
    if status.is_active:
        words = say("features_line.starting")
        if status.num_steps:
            words = say("features_line.progress", step=status.step, num_steps=status.num_steps)
        st.progress(status.step / status.num_steps if status.num_steps else 0.0, words)
        st.button(
            say("features_line.stop"),
            key="features_stop",
            icon=":material/stop_circle:",
            disabled=not is_permitted(person, "train"),
            on_click=_stop,
            args=(job,),
        )
    elif status.state == "failed":
        safe_text.draw_notice(say("features_line.failed", message=status.message), kind="warning")
    elif "stopped_by" in job.read_settings():
        st.caption(say("features_line.stopped"))


def _stop(job: RunDir) -> None:
    with deferred_errors():
        person = sign_in.current_person()
        services.check_permission(person, "train")
        stop(job, person.reviewer_id)
