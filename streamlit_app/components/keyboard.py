"""The Review page's keys: the script that listens, and the help that lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from streamlit_app.components import safe_text
from streamlit_app.text_safety import Html, element

# Served by our own server: the page's Content-Security-Policy runs no inline script.
_SCRIPT: Final = '<script src="/assets/review_keys.js"></script>'

_COMMANDS: Final = (
    ("Enter", "Save and show the next item"),
    ("S", "Skip: come back to it later"),
    ("U", "Undo the last label"),
    ("← →", "Item before, item after"),
    ("↑ ↓ Page", "Scroll"),
    ("T", "Write a note"),
    ("W", "Correct the answer's text"),
    ("Esc", "Leave a text field"),
    ("Ctrl Enter", "Save from inside a text field"),
    ("?", "This list"),
)


def load_script() -> None:
    """Add the script to the page; it acts only while the Review page's marker is there."""
    st.html(_SCRIPT, unsafe_allow_javascript=True)


def draw_marker(item_id: str, num_draws: int, keys: Mapping[str, int]) -> None:
    """Draw what the script goes by: drawn last, so everything before it is on screen too.

    Args:
        item_id: The item whose question is on screen; empty where none is.
        num_draws: Differs from the draw before, so that the script knows a press was answered.
        keys: The label's place by its key.
    """
    pairs = " ".join(f"{key}:{place}" for key, place in keys.items())
    safe_text.draw(
        element(
            "div",
            cls="lc-marker",
            data_lc_on=item_id,
            data_lc_draw=str(num_draws),
            data_lc_keys=pairs,
        )
    )


def draw_help(labels: Sequence[str], keys: Mapping[str, int]) -> None:
    """Draw the list of keys, opened with ``?``."""
    picks = [
        (" ".join(key.upper() for key, at in keys.items() if at == place), f"Label {label}")
        for place, label in enumerate(labels)
    ]
    rows: list[Html] = [
        element("tr", element("th", *_caps(shown)), element("td", meaning))
        for shown, meaning in (*picks, *_COMMANDS)
    ]
    safe_text.draw(
        element(
            "details",
            element("summary", "Keys ", element("kbd", "?")),
            element("table", element("tbody", *rows)),
            cls="lc-help",
        )
    )


def _caps(shown: str) -> list[Html]:
    return [element("kbd", cap) for cap in shown.split()]
