"""Home: how far the items and the queues are, what is in use, and when the next run is due."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from db.content.overview import Funnel
from db.records import Reviewer
from db.retraining.model_versions import find_by_alias, list_alias_events
from db.review.queue_progress import list_states
from db.review.queues import list_queues_seen_by
from streamlit_app import safe_text
from streamlit_app.components import queue_card
from streamlit_app.components.progress_line import track
from streamlit_app.errors import shown_errors
from streamlit_app.logic.figures import percent
from streamlit_app.logic.home_figures import find_due, funnel_steps
from streamlit_app.logic.training.models_view import gate_words, version_name
from streamlit_app.markup import Html, element, join
from streamlit_app.server import services
from streamlit_app.session.local_time import local
from streamlit_app.wording import say, say_count
from training.control.triggers import Readiness, TriggerPolicy, get_policy

MAX_QUEUES = 6


def draw_funnel(funnel: Funnel) -> None:
    """Draw how many items have come how far: bars with their numbers, read as a list."""
    total = max(funnel.num_imported, 1)
    rows = (
        element(
            "li",
            element("span", name, cls="lc-funnel-name", title=explanation),
            track(count / total),
            element("span", f"{count:,}", element("small", percent(count / total, 0))),
        )
        for name, count, explanation in funnel_steps(funnel)
    )
    safe_text.draw(element("ol", *rows, cls="lc-funnel"))


def draw_queues(person: Reviewer) -> None:
    """Draw how far each person is in the newest open queues: all, for who may manage them."""
    st.header(say("home.queues"), anchor=False)
    cur = services.database().cursor()
    queues = [one for one in list_queues_seen_by(cur, person.reviewer_id) if not one.is_closed]
    if not queues:
        st.caption(say("home.no_queues"))
        return
    for state in list_states(cur, queues[:MAX_QUEUES]):
        queue_card.draw_summary(state)
    if len(queues) > MAX_QUEUES:
        st.caption(say_count("home.more_queues", len(queues) - MAX_QUEUES))


def draw_in_use() -> None:
    """Draw which model is in use, since when, and what the gate said of it."""
    st.header(say("home.in_use"), anchor=False)
    cur = services.database().cursor()
    champion = find_by_alias(cur, "champion")
    if champion is None:
        st.caption(say("home.no_champion"))
        return
    event = next(iter(list_alias_events(cur, "champion")))
    facts = say(
        "home.promoted",
        when=local(event.created_at),
        who=event.reviewer,
        gate=gate_words(event).lower(),
    )
    name = element("strong", version_name(champion))
    safe_text.draw(join(element("div", name), element("div", facts, cls="lc-quiet")))


def draw_due(readiness: Readiness) -> None:
    """Draw how near the next run is."""
    st.header(say("home.next_run"), anchor=False)
    policy = TriggerPolicy()
    with shown_errors():
        policy = get_policy(services.database())
    due = find_due(policy, readiness, datetime.now(UTC))
    bar = Html() if due.share is None else track(due.share)
    safe_text.draw(join(bar, element("div", due.words)))
