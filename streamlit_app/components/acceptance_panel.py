"""Which answers may be accepted without review: the second reader, its certificate, the rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import streamlit as st

from db.outcomes.acceptance import AcceptanceRule, add_acceptance, undo_acceptance
from db.people.permissions import is_permitted
from db.retraining.correctness import CorrectnessFit
from streamlit_app.charts.trend import draw_trend
from streamlit_app.charts.yield_curve import draw_yield
from streamlit_app.components import chart, figure_table
from streamlit_app.components.scope_picker import PickedScope
from streamlit_app.logic.figures import number_text, percent
from streamlit_app.logic.outcomes.acceptance import (
    OrderYield,
    certificate_sentence,
    final_points,
    load_acceptance,
    load_plan,
    pair_of,
    stopping_sentence,
)
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.session.local_time import local_text
from streamlit_app.session.press_notice import deferred_errors, draw_message, keep
from streamlit_app.wording import say, say_count, words
from training.evaluation.acceptance import AcceptancePlan
from training.head.second_reader import fit_second_reader

_RISKS: Final = (1, 2, 3, 5, 10, 15, 20, 30)
"""In per cent, as are the levels."""
_LEVELS: Final = (90, 95, 99)
_NOTICE: Final = "acceptance_notice"


def draw(scope: PickedScope) -> None:
    """Draw the whole section."""
    draw_message(_NOTICE)
    view = load_acceptance(services.database(), scope.flt)
    _draw_fit(view.fit, scope)
    if view.fit is not None:
        _draw_plan(scope)
    if view.rules:
        _draw_rules(view.rules)
    if view.yields:
        _draw_yields(view.yields)
    if view.fit is not None:
        _draw_final(view.fit)


def _draw_fit(fit: CorrectnessFit | None, scope: PickedScope) -> None:
    st.markdown(say("acceptance.head_heading"), help=say("acceptance.head_help"))
    if fit is None:
        st.info(say("acceptance.not_fitted"), icon=":material/info:")
    else:
        found = fit.figures
        st.text(
            say(
                "acceptance.fitted",
                right=found.num_right,
                wrong=found.num_wrong,
                auroc=percent(found.auroc, 0),
                low=percent(found.auroc_low, 0),
                high=percent(found.auroc_high, 0),
            )
        )
    st.button(
        say("acceptance.fit" if fit is None else "acceptance.refit"),
        key="acceptance_fit",
        icon=":material/model_training:",
        disabled=not is_permitted(sign_in.current_person(), "train"),
        help=say("acceptance.fit_help"),
        on_click=_fit,
        args=(scope.flt.run_id, scope.flt.label_set),
    )


def _fit(run_id: str, label_set: str) -> None:
    with deferred_errors(_NOTICE):
        services.check_permission(sign_in.current_person(), "train")
        fit_second_reader(services.database(), run_id, label_set)


def _draw_plan(scope: PickedScope) -> None:
    st.markdown(say("acceptance.plan_heading"), help=say("acceptance.plan_help"))
    left, right = st.columns(2)
    risk = left.selectbox(
        say("acceptance.risk"),
        _RISKS,
        index=_RISKS.index(5),
        format_func=lambda one: f"{one} %",
        key="acceptance_risk",
        bind="query-params",
    )
    level = right.selectbox(
        say("acceptance.level"),
        _LEVELS,
        index=_LEVELS.index(95),
        format_func=lambda one: f"{one} %",
        key="acceptance_level",
        bind="query-params",
    )
    flt = pair_of(scope.flt, scope.source, scope.split)
    plan = load_plan(services.database(), flt, risk / 100, level / 100)
    box = st.success if plan.accepted else st.info
    box(certificate_sentence(plan))
    if plan.accepted:
        _draw_accept(scope, plan)


def _draw_final(fit: CorrectnessFit) -> None:
    """Draw by when answers in several paragraphs have their label, where there are enough."""
    points = final_points(fit)
    if not points:
        return
    st.markdown(say("acceptance.final_heading"), help=say("acceptance.final_help"))
    name = say("acceptance.final")
    chart.draw(
        draw_trend([(name, points)], axis=say("acceptance.share_read"), of=name),
        key="acceptance_final",
        alt=say("acceptance.final_alt"),
        table={
            say("acceptance.share_read"): [point.x for point in points],
            name: [point.value for point in points],
            "low": [point.low for point in points],
            "high": [point.high for point in points],
            "n": [point.num_items for point in points],
        },
    )
    if sentence := stopping_sentence(fit):
        st.caption(sentence)


def _draw_accept(scope: PickedScope, plan: AcceptancePlan) -> None:
    if not is_permitted(sign_in.current_person(), "accept"):
        st.caption(say("acceptance.not_open"))
        return
    with st.popover(say_count("acceptance.accept", len(plan.accepted)), icon=":material/done_all:"):
        share = st.slider(
            say("acceptance.review_share"),
            1,
            50,
            5,
            format="%d %%",
            help=say("acceptance.review_share_help"),
            key="acceptance_share",
        )
        name = st.text_input(
            say("acceptance.queue_name"), value=say("acceptance.queue_default"), max_chars=80
        )
        st.button(
            say("acceptance.confirm"),
            key="acceptance_confirm",
            type="primary",
            on_click=partial(_accept, scope, plan, share / 100, name),
        )


def _accept(scope: PickedScope, plan: AcceptancePlan, share: float, name: str) -> None:
    flt = pair_of(scope.flt, scope.source, scope.split)
    person = sign_in.current_person()
    with deferred_errors(_NOTICE):
        with services.database().transaction() as cur:
            add_acceptance(
                cur,
                plan.terms(flt, share),
                plan.accepted,
                last_event=plan.last_event,
                queue_name=name,
                created_by=person.reviewer_id,
            )
        keep(say_count("acceptance.accepted", len(plan.accepted), queue=name), _NOTICE)


def _draw_rules(rules: Sequence[AcceptanceRule]) -> None:
    st.markdown(say("acceptance.rules_heading"))
    for rule in rules:
        if rule.action == "suspend":
            text = say(
                "acceptance.suspended",
                accepted=rule.num_accepted,
                errors=rule.num_audit_errors,
                reviews=rule.num_audited,
                risk=percent(rule.terms.risk, 0),
            )
            st.warning(text, icon=":material/pause_circle:")
    figure_table.draw(rule_columns(rules), alt=say("acceptance.rules_alt"))
    if not is_permitted(sign_in.current_person(), "accept"):
        return
    for rule in rules:
        if rule.action == "accept":
            st.button(
                say_count(
                    "acceptance.undo", rule.num_accepted, created=local_text(rule.created_at)
                ),
                key=f"acceptance_undo_{rule.rule_id}",
                icon=":material/undo:",
                on_click=_undo,
                args=(rule,),
            )


def rule_columns(rules: Sequence[AcceptanceRule]) -> dict[str, list[str | int]]:
    """Arrange rules as columns, for the page and the report."""
    states = words("acceptance_state")
    return {
        say("acceptance.created"): [local_text(rule.created_at) for rule in rules],
        say("acceptance.num_accepted"): [rule.num_accepted for rule in rules],
        say("acceptance.risk"): [percent(rule.terms.risk, 0) for rule in rules],
        say("acceptance.level"): [percent(rule.terms.level, 0) for rule in rules],
        say("acceptance.based_on"): [rule.terms.num_reviewed for rule in rules],
        say("acceptance.reviewed_since"): [rule.num_audited for rule in rules],
        say("acceptance.wrong_since"): [rule.num_audit_errors for rule in rules],
        say("acceptance.state"): [states[rule.action] for rule in rules],
    }


def _undo(rule: AcceptanceRule) -> None:
    with deferred_errors(_NOTICE), services.database().transaction() as cur:
        undo_acceptance(cur, rule, sign_in.current_person().reviewer_id)


def _draw_yields(yields: Sequence[OrderYield]) -> None:
    st.markdown(say("acceptance.yield_heading"), help=say("acceptance.yield_help"))
    curves = yield_curves(yields)
    chart.draw(
        draw_yield(curves),
        key="errors_yield",
        alt=say("acceptance.yield_alt"),
        table={
            say("acceptance.order"): [name for name, minutes, _ in curves for _ in minutes],
            "minutes": [minute for _, minutes, _ in curves for minute in minutes],
            "errors": [error for _, _, errors in curves for error in errors],
        },
    )
    figure_table.draw(yield_columns(yields), alt=say("acceptance.yield_table_alt"))


def yield_curves(
    yields: Sequence[OrderYield],
) -> list[tuple[str, tuple[float, ...], tuple[int, ...]]]:
    """Return name, minutes and errors of each order, for the chart."""
    names = words("queue_order")
    return [(names[one.order], one.minutes, one.errors) for one in yields]


def yield_columns(yields: Sequence[OrderYield]) -> dict[str, list[str | int]]:
    """Arrange what each order found as columns, for the page and the report."""
    names = words("queue_order")
    return {
        say("acceptance.order"): [names[one.order] for one in yields],
        say("acceptance.reviews"): [one.rate.n for one in yields],
        say("acceptance.minutes"): [f"{one.minutes[-1]:.0f}" for one in yields],
        say("acceptance.errors"): [one.errors[-1] for one in yields],
        say("acceptance.errors_a_minute"): [number_text(one.rate, 2) for one in yields],
        say("acceptance.over_random"): [
            "–" if one.ratio is None else number_text(one.ratio, 2) for one in yields
        ],
    }
