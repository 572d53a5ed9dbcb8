"""Who sits at the screen."""

from __future__ import annotations

import streamlit as st

from db.records import Reviewer
from streamlit_app import address, services
from streamlit_app.text_safety import reveal

DEFAULT_NAME = "Reviewer 1"
"""Who reviews on one's own machine until somebody enters a name."""


def pick() -> Reviewer:
    """Draw the name picker and give the reviewer; the name stays in the address.

    Raises:
        InvalidReviewerError: The name typed is empty or too long.
    """
    by_name = {reviewer.name: reviewer for reviewer in services.all_reviewers()}
    names = list(dict.fromkeys((DEFAULT_NAME, *by_name)))
    address.seed("reviewer")
    typed = st.session_state.get("reviewer")
    if typed is not None and typed not in names:
        names.append(typed)
    chosen = st.selectbox(
        "Reviewing as",
        names,
        accept_new_options=True,
        format_func=reveal,
        key="reviewer",
        persist_state="session",
        help="Choose your name, or type a new one and press Enter.",
    )
    address.keep("reviewer", chosen, DEFAULT_NAME)
    return by_name.get(chosen) or services.reviewer_named(chosen)
