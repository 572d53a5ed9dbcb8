"""When runs start by themselves: the policy, in one form."""

from __future__ import annotations

import streamlit as st

from db.people.permissions import is_permitted
from db.records import Reviewer
from streamlit_app.components.training_live import told_errors
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.wording import say
from training.control.plan import TIERS
from training.control.triggers import Mode, TriggerPolicy, get_policy, set_policy
from training.run.energy import WORLD, list_countries

MODE_WORDS: dict[Mode, str] = {
    "manual": say("policy.only_when_somebody"),
    "corrections": say("policy.after_so_many"),
    "schedule": say("policy.schedule_where_something"),
    "errors": say("policy.when_error_fresh"),
}
TIER_WORDS = {
    "recalibrate": say("policy.recalibrate"),
    "refit": say("policy.refit_head"),
    "joint": say("policy.adapter_head"),
    "gpu": say("policy.gpu"),
}


def draw(person: Reviewer) -> None:
    """Draw the policy that holds, and where the role allows it the form that sets another."""
    policy = get_policy(services.database())
    each = say("policy.and_each") if policy.refit_after_each else ""
    label = say("policy.when_runs_start", mode=MODE_WORDS[policy.mode], each=each)
    with st.expander(label), st.form("training_policy", border=False):
        may = is_permitted(person, "train")
        modes = list(MODE_WORDS)
        left, right = st.columns(2)
        with left:
            st.selectbox(
                say("policy.start_run"),
                modes,
                index=modes.index(policy.mode),
                format_func=MODE_WORDS.__getitem__,
                key="policy_mode",
            )
            st.selectbox(
                say("policy.which"),
                TIERS,
                index=TIERS.index(policy.tier),
                format_func=TIER_WORDS.__getitem__,
                key="policy_tier",
            )
            st.toggle(
                say("policy.refit_head_after"),
                value=policy.refit_after_each,
                key="policy_each",
                help=say("policy.reviewers_see_what"),
            )
        with right:
            st.number_input(
                say("policy.adjudicated_corrections"),
                1,
                100_000,
                policy.num_corrections,
                key="policy_number",
            )
            st.number_input(
                say("policy.hours_between_runs"),
                1.0,
                8784.0,
                policy.every_hours,
                key="policy_hours",
            )
            st.number_input(
                say("policy.rise_error_points"),
                1,
                100,
                round(100 * policy.error_rise),
                key="policy_rise",
                help=say("policy.whole_interval_must"),
            )
            countries = {WORLD: say("policy.world_average"), **list_countries()}
            st.selectbox(
                say("policy.country_power_carbon"),
                list(countries),
                index=list(countries).index(policy.country) if policy.country in countries else 0,
                format_func=lambda code: reveal(countries[code]),
                key="policy_country",
            )
        st.form_submit_button(
            say("policy.set_policy"), disabled=not may, on_click=_set, args=(person.reviewer_id,)
        )
        if not may:
            st.caption(say("policy.setting_policy_open"))


def _set(reviewer_id: str) -> None:
    state = st.session_state
    with told_errors():
        policy = TriggerPolicy(
            mode=state["policy_mode"],
            tier=state["policy_tier"],
            refit_after_each=state["policy_each"],
            num_corrections=state["policy_number"],
            every_hours=state["policy_hours"],
            error_rise=state["policy_rise"] / 100,
            country=state["policy_country"],
        )
        set_policy(services.database(), policy, reviewer_id)
