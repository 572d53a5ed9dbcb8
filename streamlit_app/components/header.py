"""The bar on every page: product, project, what is going on, and who sits at the screen."""

from __future__ import annotations

import streamlit as st

from db.connection import explained_damage
from db.errors import DbError
from db.paths import database_path, runs_dir
from db.records import Reviewer
from db.retraining.training_runs import list_active_run_ids
from streamlit_app import safe_text
from streamlit_app.components import reviewer_picker
from streamlit_app.errors import OUR_ERRORS
from streamlit_app.logic.training.training_view import STATE_WORDS
from streamlit_app.markup import element, join
from streamlit_app.server import review_service, services
from streamlit_app.server.script_files import script
from streamlit_app.session import sign_in
from streamlit_app.session.rooms import go_to
from streamlit_app.wording import say
from training.control import features_ahead
from training.run.run_dir import RunDir
from training.run.status import Status

CHIP_SECONDS = 5.0
"""How often an open page asks whether a run is going on: some 2 ms of the server each time."""


def draw() -> Reviewer:
    """Draw the bar and return who sits at the screen.

    Raises:
        ReviewerNotFoundError: No reviewer has the name in the address, and none was picked.
        NotPermittedError: An admin has taken this person's access away.
    """
    skip = element("span", data_lc_skip=say("header.skip"))
    st.html(join(script("page_frame.js"), skip), unsafe_allow_javascript=True)
    with st.container(key="lc_header", horizontal=True, vertical_alignment="center"):
        brand = element("strong", say("navigation.app"))
        name = project_name()
        project = element("span", name, cls="lc-quiet", title=name)
        safe_text.draw(element("div", brand, project, cls="lc-brand"))
        person = reviewer_picker.pick()
        st.fragment(run_every=CHIP_SECONDS)(_draw_chip)()
        return person


def project_name() -> str:
    """Return what the project is called; empty where nobody named it."""
    try:
        return review_service.settings().project
    except DbError:  # a damaged file: the page itself says so
        return ""


def _draw_chip() -> None:
    """Draw how far the newest run is that is going on, as the way to the Training page."""
    try:
        name, status = _newest_at_work()
        features = _features_status() if status is None else None
    except (*OUR_ERRORS, OSError):  # the page itself says so
        return
    if features is not None:
        words = say("header.features", percent=_percent(features) or 0)
        if st.button(words, key="lc_chip", help=say("header.features_help"), type="tertiary"):
            go_to("training", "runs")
        return
    if status is None:
        return
    state = STATE_WORDS[status.state]
    percent = _percent(status)
    shown = state if percent is None else say("header.run", state=state, percent=percent)
    explanation = say("header.run_help", run=name)
    if st.button(shown, key="lc_chip", help=explanation, type="tertiary"):
        go_to("training", "runs")


def _percent(status: Status) -> int | None:
    return 100 * status.step // status.num_steps if status.num_steps else None


def _features_status() -> Status | None:
    """Return the status of the job that computes features ahead; None while none is going on."""
    found = features_ahead.find_job() if sign_in.may("read") else None
    return found[1] if found and found[1].is_active else None


def _newest_at_work() -> tuple[str, Status | None]:
    """Return the newest run that is going on by name; none for who has lost access."""
    with explained_damage(database_path()):
        run_ids = list_active_run_ids(services.database().cursor()) if sign_in.may("read") else []
        if not run_ids:
            return "", None
        name = services.run_names()[run_ids[0]]
    return name, RunDir(runs_dir() / run_ids[0]).read_status()
