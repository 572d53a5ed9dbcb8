"""When runs start automatically: the policy, in one form."""

from __future__ import annotations

import streamlit as st

from db.people.permissions import is_permitted
from db.records import Reviewer
from streamlit_app.errors import shown_errors
from streamlit_app.markup import reveal
from streamlit_app.server import services
from streamlit_app.session.press_notice import deferred_errors
from streamlit_app.wording import say
from training.control.plan import TIERS, Tier
from training.control.triggers import Mode, TriggerPolicy, get_policy, set_policy
from training.run.energy import WORLD, list_countries

MODE_WORDS: dict[Mode, str] = {
    "manual": say("policy.manual"),
    "corrections": say("policy.corrections"),
    "schedule": say("policy.schedule"),
    "errors": say("policy.errors"),
}
TIER_WORDS: dict[Tier, str] = {
    "recalibrate": say("policy.recalibrate"),
    "refit": say("policy.refit_head"),
    "joint": say("policy.adapter_head"),
    "gpu": say("policy.gpu"),
}


def draw(person: Reviewer) -> None:
    """Draw the policy that holds, and where the role allows it the form that sets another."""
    policy = TriggerPolicy()
    with shown_errors():
        policy = get_policy(services.database())
    key = "policy.summary_with_refits" if policy.refit_after_each else "policy.summary"
    label = say(key, mode=MODE_WORDS[policy.mode])
    with st.expander(label), st.form("training_policy", border=False):
        may = is_permitted(person, "train")
        modes = list(MODE_WORDS)
        left, right = st.columns(2)
        with left:
            st.selectbox(
                say("policy.mode"),
                modes,
                index=modes.index(policy.mode),
                format_func=MODE_WORDS.__getitem__,
                key="policy_mode",
            )
            st.selectbox(
                say("policy.tier"),
                TIERS,
                index=TIERS.index(policy.tier),
                format_func=TIER_WORDS.__getitem__,
                key="policy_tier",
            )
            st.toggle(
                say("policy.refit_after_each"),
                value=policy.refit_after_each,
                key="policy_each",
                help=say("policy.refit_after_each_help"),
            )
        with right:
            st.number_input(
                say("policy.num_corrections"),
                1,
                100_000,
                policy.num_corrections,
                key="policy_number",
            )
            st.number_input(
                say("policy.every_hours"),
                1.0,
                8784.0,
                policy.every_hours,
                key="policy_hours",
            )
            st.number_input(
                say("policy.error_rise"),
                1,
                100,
                round(100 * policy.error_rise),
                key="policy_rise",
                help=say("policy.error_rise_help"),
            )
            countries = {WORLD: say("policy.world_average"), **list_countries()}
            st.selectbox(
                say("policy.country"),
                list(countries),
                index=list(countries).index(policy.country) if policy.country in countries else 0,
                format_func=lambda code: reveal(countries[code]),
                key="policy_country",
            )
        st.form_submit_button(
            say("policy.save"), disabled=not may, on_click=_set, args=(person.reviewer_id,)
        )
        if not may:
            st.caption(say("policy.not_open"))


def _set(reviewer_id: str) -> None:
    state = st.session_state
    with deferred_errors():
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
