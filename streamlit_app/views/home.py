"""Home: how good is the model, what changed, what to do next; by role."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from db.records import Reviewer
from db.review.day import read_day
from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.components import blind_items, day_card, last_change, room
from streamlit_app.errors import shown_errors
from streamlit_app.logic.home_figures import (
    load_funnel,
    load_last_change,
    load_readiness,
    newest_pair,
    state_of,
)
from streamlit_app.logic.outcomes.run_outcomes import refresh
from streamlit_app.parts.home import accuracy, empty_store, next_steps, overview
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say

EVER = datetime(2000, 1, 1, tzinfo=UTC)


def main() -> None:
    """Draw the page."""
    person = sign_in.current_person()
    if not services.all_sources():
        empty_store.draw(person)
        return
    viewer = services.viewer_of(person.reviewer_id)
    blind_items.draw_left_out(viewer)
    database = services.database()
    state = state_of(database)
    funnel = load_funnel(database, state, viewer)
    readiness = load_readiness(database, state, viewer)
    st.header(say("home.next"), anchor=False)
    next_steps.draw(person, funnel, readiness)
    if person.role == "reviewer":
        draw_own(person)
        return
    wide, narrow = st.columns([3, 2], gap="large")
    with wide:
        st.header(say("home.progress"), anchor=False)
        overview.draw_funnel(funnel)
        picture = st.container()
    with narrow:
        overview.draw_in_use()
        overview.draw_due(readiness)
        change = st.container()
        overview.draw_queues(person)
    # Last, because it takes longest. Never for who is held back: who sees that labels lower or
    # raise a figure may label for it.
    if not viewer.is_held_back:
        draw_runs(viewer, picture, change)


def draw_own(person: Reviewer) -> None:
    """Draw a reviewer's queues and what came of their work so far."""
    overview.draw_queues(person)
    day = read_day(services.database().cursor(), person.reviewer_id, EVER)
    if own := day_card.markup(day, say("home.own_work")):
        safe_text.draw(own)


def draw_runs(
    viewer: Viewer,
    picture: st.delta_generator.DeltaGenerator,
    change: st.delta_generator.DeltaGenerator,
) -> None:
    """Draw accuracy over the runs, and what the newest one changed."""
    runs, database = services.newest_runs(), services.database()
    version = refresh(database, *(run.run_id for run in runs))
    pair = newest_pair(runs)
    if pair is not None:
        with change:
            st.header(say("last_change.heading"), anchor=False)
            last_change.draw(load_last_change(database, version, viewer, *pair), "home")
    with picture:
        accuracy.draw(runs, version, viewer)


room.draw_heading("home")
with shown_errors():
    main()
