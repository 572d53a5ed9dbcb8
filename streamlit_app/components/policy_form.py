"""When runs start by themselves: the policy, in one form."""

from __future__ import annotations

import streamlit as st

from db.permissions import is_permitted
from db.records import Reviewer
from streamlit_app import services
from streamlit_app.components.training_live import told_errors
from streamlit_app.text_safety import reveal
from training.energy import WORLD, list_countries
from training.plan import TIERS
from training.triggers import Mode, TriggerPolicy, get_policy, set_policy

MODE_WORDS: dict[Mode, str] = {
    "manual": "only when somebody presses Retrain",
    "corrections": "after so many adjudicated corrections",
    "schedule": "on a schedule, where something was corrected",
    "errors": "when the error on fresh reviews rises",
}
TIER_WORDS = {
    "recalibrate": "Recalibrate",
    "refit": "Refit the head",
    "joint": "Adapter and head",
    "gpu": "On a GPU",
}


def draw(person: Reviewer) -> None:
    """Draw the policy that holds, and where the role allows it the form that sets another."""
    policy = get_policy(services.database())
    label = f"When runs start: {MODE_WORDS[policy.mode]}"
    with st.expander(label), st.form("training_policy", border=False):
        may = is_permitted(person, "train")
        modes = list(MODE_WORDS)
        left, right = st.columns(2)
        with left:
            st.selectbox(
                "Start a run",
                modes,
                index=modes.index(policy.mode),
                format_func=MODE_WORDS.__getitem__,
                key="policy_mode",
            )
            st.selectbox(
                "Which",
                TIERS,
                index=TIERS.index(policy.tier),
                format_func=TIER_WORDS.__getitem__,
                key="policy_tier",
            )
            st.toggle(
                "Refit the head after each correction",
                value=policy.refit_after_each,
                key="policy_each",
                help="Reviewers see what their session changes while they sit in it. Needs cached "
                "features: refit the head once before.",
            )
        with right:
            st.number_input(
                "Adjudicated corrections", 1, 100_000, policy.num_corrections, key="policy_number"
            )
            st.number_input(
                "Hours between runs", 1.0, 8784.0, policy.every_hours, key="policy_hours"
            )
            st.number_input(
                "Rise of the error, in points",
                1,
                100,
                round(100 * policy.error_rise),
                key="policy_rise",
                help="The whole 95 % interval must lie so far above the error on the test split.",
            )
            countries = {WORLD: "World average", **list_countries()}
            st.selectbox(
                "Country of the power, for the carbon figures",
                list(countries),
                index=list(countries).index(policy.country) if policy.country in countries else 0,
                format_func=lambda code: reveal(countries[code]),
                key="policy_country",
            )
        st.form_submit_button(
            "Set the policy", disabled=not may, on_click=_set, args=(person.reviewer_id,)
        )
        if not may:
            st.caption("Setting the policy is open to engineers and admins.")


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
