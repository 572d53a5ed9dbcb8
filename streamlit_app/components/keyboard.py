"""The keys of Adjudicate: the script that listens, and the line that names the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from streamlit_app import safe_text
from streamlit_app.logic.review.label_keys import keys_of, label_keys
from streamlit_app.markup import element
from streamlit_app.server.script_files import script
from streamlit_app.wording import say

_HINTS: Final = (("W", "reason"), ("T", "note"), ("S", "skip"), ("← →", "move"))
_MOST_NAMED: Final = 5
"""Keys of labels in the line; further labels follow the same order."""


def load_script() -> None:
    """Add the script to the page; it acts only while the page's marker is there."""
    st.html(script("adjudicate_keys.js"), unsafe_allow_javascript=True)


def draw_marker(item_id: str, num_draws: int, labels: Sequence[str], token: str) -> None:
    """Draw the keys in a line, and what the script goes by.

    Drawn last, so everything before it is on screen too.

    Args:
        item_id: The item whose question is on screen.
        num_draws: Differs from the draw before, so that the script knows a press was answered.
        labels: The item's labels in order.
        token: Names this presentation of the item.
    """
    keys = label_keys(labels)
    caps = {"label": [own[0].upper() for own in keys_of(labels)[:_MOST_NAMED]]}
    for shown, name in _HINTS:
        caps[name] = ["Shift", shown] if shown.lower() in keys else shown.split()
    hints = [
        element("span", *(element("kbd", cap) for cap in each), " ", _meaning(name), " ")
        for name, each in caps.items()
    ]
    safe_text.draw(
        element(
            "p",
            *hints,
            cls="lc-quiet lc-adjudicate-marker",
            data_lc_on=item_id,
            data_lc_draw=str(num_draws),
            data_lc_keys=" ".join(f"{key}:{place}" for key, place in keys.items()),
            data_lc_token=token,
        )
    )


def _meaning(name: str) -> str:
    return say(f"adjudicate_keys.{name}")
