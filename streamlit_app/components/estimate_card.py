"""One figure with its interval, in a card."""

from __future__ import annotations

import streamlit as st

from eci.statistics.estimates import Estimate
from streamlit_app.logic.figures import interval_text, percent


def draw(label: str, estimate: Estimate, *, explanation: str) -> None:
    """Draw a share as a percentage with its 95 % interval under it.

    Args:
        label: Our own words; Streamlit reads it as markdown.
        explanation: Shown at the question mark, after n; our own words as well.
    """
    draw_text(
        label,
        percent(estimate.value),
        interval_text(estimate),
        explanation=f"n = {estimate.n:,}. {explanation}",
    )


def draw_text(label: str, value: str, note: str, *, explanation: str) -> None:
    """Draw a figure that is already written out, with a note under it."""
    st.metric(
        label,
        value,
        delta=note,
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=explanation,
    )
