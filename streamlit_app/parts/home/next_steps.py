"""Home: what to do next, as at most three buttons, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import streamlit as st

from db.content.overview import Funnel
from db.people.permissions import is_permitted
from db.records import Reviewer
from db.retraining.model_versions import find_by_alias
from db.retraining.training_runs import list_training_runs
from streamlit_app import safe_text
from streamlit_app.logic.training.models_view import version_name
from streamlit_app.logic.training.readiness import with_test_items
from streamlit_app.markup import element, reveal
from streamlit_app.server import review_service, services
from streamlit_app.session.rooms import Room, go_to
from streamlit_app.session.state import QUEUE_PARAM
from streamlit_app.wording import say, say_count
from training.control.triggers import Readiness

MAX_STEPS = 3
MAX_QUEUES = 2


@dataclass(frozen=True)
class Step:
    """Something that waits, and the button that leads to it."""

    words: str
    button: str
    room: Room
    part: str | None = None
    params: dict[str, str] = field(default_factory=dict)


def draw(person: Reviewer, funnel: Funnel, readiness: Readiness) -> None:
    """Draw the steps side by side; a press opens the page where it is done."""
    steps = _find_steps(person, funnel, readiness)
    for place, (column, step) in enumerate(zip(st.columns(MAX_STEPS), steps, strict=False)):
        with column, st.container(border=True, height="stretch", key=f"home_step_{place}"):
            safe_text.draw(element("p", step.words, cls="lc-step"))
            if st.button(
                step.button, key=f"home_go_{place}", type="secondary" if place else "primary"
            ):
                go_to(step.room, step.part, **step.params)


def _find_steps(person: Reviewer, funnel: Funnel, readiness: Readiness) -> Iterator[Step]:
    """Yield what waits, the most urgent first; last what always can be done."""
    if is_permitted(person, "annotate"):
        yield from _queue_steps(person)
    if funnel.num_disputed and is_permitted(person, "adjudicate"):
        words = say_count("next_step.disputed", funnel.num_disputed)
        yield Step(words, say("next_step.adjudicate"), "agreement", "adjudicate")
    if is_permitted(person, "train"):
        yield from _training_steps(funnel, readiness)
    if funnel.num_unreviewed and is_permitted(person, "annotate"):
        words = say_count("next_step.unreviewed", funnel.num_unreviewed)
        yield Step(words, say("next_step.review"), "review", params={"show": "unreviewed"})
    if funnel.num_answered and is_permitted(person, "manage_queues"):
        yield Step(say("next_step.wrong"), say("next_step.errors"), "quality")
    yield Step(say("next_step.rules"), say("next_step.guidelines"), "guidelines")


def _queue_steps(person: Reviewer) -> Iterator[Step]:
    """Yield the queues in which items wait for this person."""
    for queue, count in review_service.open_queues(person.reviewer_id, None, MAX_QUEUES):
        words = say_count("next_step.waiting", count, name=reveal(queue.settings.name))
        yield Step(words, say("next_step.review"), "review", params={QUEUE_PARAM: queue.queue_id})


def _training_steps(funnel: Funnel, readiness: Readiness) -> Iterator[Step]:
    """Yield what waits for an engineer: a failed run, a challenger, corrections, no answers."""
    cur = services.database().cursor()
    newest = next(iter(list_training_runs(cur)), None)
    if newest is not None and newest.state in ("failed", "interrupted"):
        words = say("next_step.failed", run=newest.name)
        yield Step(words, say("next_step.see_run"), "training", "runs")
    challenger = find_by_alias(cur, "challenger")
    if challenger is not None:
        words = say("next_step.challenger", name=version_name(challenger))
        yield Step(words, say("next_step.gate"), "training", "models")
    counts = readiness.counts
    if counts.num_corrected:
        words = say_count("next_step.corrected", counts.num_corrected)
        words = with_test_items(words, counts.num_test_corrected)
        yield Step(words, say("next_step.retrain"), "training", "runs")
    if funnel.num_answered < funnel.num_imported:
        words = say_count("next_step.unanswered", funnel.num_imported - funnel.num_answered)
        yield Step(words, say("next_step.ask"), "training", "runs")
