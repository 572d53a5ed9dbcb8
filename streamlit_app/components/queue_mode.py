"""The choice between blind and open review of a new queue."""

from __future__ import annotations

from typing import Final

import streamlit as st

from db.review.settings import ReviewMode
from streamlit_app import safe_text
from streamlit_app.markup import element
from streamlit_app.wording import say, words

_MODES: Final[tuple[ReviewMode, ...]] = ("blind", "open")
"""Blind first: open is chosen by those who know what it costs."""


def pick(key: str) -> ReviewMode:
    """Draw the choice, with what open review costs; the value is held under the key."""
    mode: ReviewMode = st.selectbox(
        say("queue.mode"),
        _MODES,
        format_func=words("review_mode").__getitem__,
        key=key,
        help=say("queue.mode_help"),
    )
    safe_text.draw(element("p", say("queue.open_cost"), cls="lc-quiet"))
    return mode
