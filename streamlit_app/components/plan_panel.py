"""How many items to review for a statement, and the queue of them; watching the model in use."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import streamlit as st

from db.records import Reviewer
from db.viewer import Viewer
from eci.statistics.planning import Plan
from streamlit_app import safe_text
from streamlit_app.components import queue_form
from streamlit_app.errors import OUR_ERRORS
from streamlit_app.logic.figures import duration, percent
from streamlit_app.logic.training.watching import watch_words
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.wording import say, words
from training.control.triggers import Readiness, TriggerPolicy, get_policy
from training.evaluation.review_plan import (
    Goal,
    Question,
    Workplace,
    make_review_plan,
    measure_workplace,
    planned_queue,
)

_EXPECTED: dict[Goal, float] = {
    "accuracy": 80.0,
    "alpha": 70.0,
    "certificate": 0.0,
    "no_worse": 0.0,
    "difference": 0.0,
}
_WITH_EXPECTED: tuple[Goal, ...] = ("accuracy", "alpha", "certificate")
_WITH_DISCORDANT: tuple[Goal, ...] = ("difference", "no_worse")


def draw(person: Reviewer, viewer: Viewer, readiness: Readiness) -> None:
    """Draw the planner and the watch, folded away."""
    with st.expander(say("plan.title")):
        workplace = measure_workplace(services.database().cursor(), viewer)
        question = _ask(workplace)
        try:
            plan = make_review_plan(question, workplace)
        except OUR_ERRORS as error:
            safe_text.draw_notice(str(error))
            return
        _draw_plan(question, plan, workplace)
        _draw_make(person, plan)
    with st.expander(say("plan.watch_title")):
        try:
            policy = get_policy(services.database())
        except OUR_ERRORS:  # the form of the policy says what is wrong with it
            policy = TriggerPolicy()
        for line in watch_words(readiness, policy.error_rise):
            safe_text.draw_line(line)


def _ask(workplace: Workplace) -> Question:
    goal: Goal = st.selectbox(
        say("plan.goal"),
        get_args(Goal),
        format_func=words("plan_goal").__getitem__,
        key="plan_goal",
    )
    first, second, third, fourth = st.columns(4)
    expected, discordant = _EXPECTED[goal], 20.0
    with first:
        margin = st.number_input(
            say(f"plan.margin_{goal}"), 0.1, 50.0, 5.0, step=0.5, key=f"plan_margin_{goal}"
        )
    with second:
        if goal in _WITH_EXPECTED:
            expected = st.number_input(
                say(f"plan.expected_{goal}"), 0.0, 99.9, expected, key=f"plan_expected_{goal}"
            )
        if goal in _WITH_DISCORDANT:
            discordant = st.number_input(
                say("plan.discordant"),
                0.1,
                100.0,
                20.0,
                key="plan_discordant",
                help=say("plan.discordant_help"),
            )
    with third:
        readers = st.number_input(
            say("plan.readers"), 2 if goal == "alpha" else 1, 20, key=f"plan_readers_{goal}"
        )
    with fourth:
        statements = st.number_input(
            say("plan.statements"), 1, 100, key="plan_statements", help=say("plan.statements_help")
        )
    is_finite = st.checkbox(
        say("plan.finite", items=workplace.num_items),
        key="plan_finite",
        help=say("plan.finite_help"),
    )
    return Question(
        goal,
        expected / 100,
        margin / 100,
        discordant / 100,
        readers,
        workplace.num_items if is_finite and workplace.num_items else None,
        statements,
    )


def _draw_plan(question: Question, plan: Plan, workplace: Workplace) -> None:
    lines = [say("plan.answer", items=plan.num_items, readers=plan.num_readers)]
    if plan.power is not None:
        lines.append(say("plan.power", power=percent(plan.power, 0)))
    if workplace.seconds is None:
        lines.append(say("plan.not_timed"))
    else:
        hours = plan.hours(workplace.seconds)
        time = duration(workplace.seconds)
        lines.append(say("plan.hours", hours=hours, time=time, third=hours / 3))
    if question.goal == "alpha":
        prevalence = ", ".join(percent(share, 0) for share in workplace.prevalence)
        lines.append(say("plan.prevalence", prevalence=prevalence))
    for line in lines:
        safe_text.draw_line(line)
    if workplace.num_items and plan.num_items > workplace.num_items:
        safe_text.draw_line(say("plan.too_few", items=workplace.num_items), kind="warning")


def _draw_make(person: Reviewer, plan: Plan) -> None:
    names = services.run_names()
    run_id = st.selectbox(
        say("plan.run"),
        [None, *(run.run_id for run in services.all_runs())],
        format_func=lambda run_id: reveal(names[run_id]) if run_id else say("plan.any_run"),
        key="plan_run",
    )
    st.caption(say("plan.make_note"))
    planned = planned_queue("", plan, run_id, seed=0)
    source = queue_form.of_filter(planned.filter, "item_id", person)
    source = replace(
        source, order="random", num_items=plan.num_items, num_reviewers=plan.num_readers
    )
    queue_form.draw("plan_queue", say("queue.create_heading"), source, person)
