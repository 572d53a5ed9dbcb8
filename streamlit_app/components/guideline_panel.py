"""The current guideline for an item, next to it."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from db.review.guidelines import Guideline
from streamlit_app import safe_text
from streamlit_app.logic.markdown import render
from streamlit_app.markup import Html, element
from streamlit_app.wording import say


@lru_cache(16)
def panel(guideline: Guideline) -> Html:
    """Return the markup of a guideline, folded."""
    summary = element("summary", say("guidelines.panel", version=guideline.version))
    body = element("div", render(guideline.body), cls="lc-guideline")
    return element("details", summary, body, cls="lc-reference")


def draw_whole(guideline: Guideline) -> None:
    """Draw one version unfolded."""
    with st.container(border=True, key=f"guideline_{guideline.version}"):
        safe_text.draw(element("div", render(guideline.body), cls="lc-guideline"))
