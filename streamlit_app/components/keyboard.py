"""The keys of Review and Adjudicate: the scripts that listen, and the help that lists the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from streamlit_app import safe_text
from streamlit_app.markup import Html, element
from streamlit_app.wording import say

# Served by our own server: the page's Content-Security-Policy runs no inline script.
_SCRIPT: Final = '<script type="module" src="/assets/review_keys.js"></script>'
_ADJUDICATE_SCRIPT: Final = '<script type="module" src="/assets/adjudicate_keys.js"></script>'

_COMMANDS: Final = (
    ("Enter", "enter"),
    ("S", "skip"),
    ("U", "undo"),
    ("F", "flag"),
    ("← →", "move"),
    ("↑ ↓ Page", "scroll"),
    ("T", "note"),
    ("V", "more"),
    ("W", "answer"),
    ("Esc", "escape"),
    ("Ctrl Enter", "save_inside"),
    ("?", "help"),
)
"""Keys and the name of their meaning in the catalogue."""
_ADJUDICATE_HINTS: Final = (("W", "reason"), ("T", "note"), ("S", "skip"), ("← →", "move"))


def load_script() -> None:
    """Add the script to the page; it acts only while the Review page's marker is there."""
    st.html(_SCRIPT, unsafe_allow_javascript=True)


def draw_marker(item_id: str, num_draws: int, keys: Mapping[str, int], token: str = "") -> None:
    """Draw what the script goes by: drawn last, so everything before it is on screen too.

    Args:
        item_id: The item whose question is on screen; empty where none is.
        num_draws: Differs from the draw before, so that the script knows a press was answered.
        keys: The label's place by its key.
        token: Names this presentation of the item; the script hands in drafts under it.
    """
    pairs = " ".join(f"{key}:{place}" for key, place in keys.items())
    safe_text.draw(
        element(
            "div",
            cls="lc-marker",
            data_lc_on=item_id,
            data_lc_draw=str(num_draws),
            data_lc_keys=pairs,
            data_lc_token=token,
        )
    )


def load_adjudicate_script() -> None:
    """Add the Adjudicate page's script; it acts only while that page's marker is there."""
    st.html(_ADJUDICATE_SCRIPT, unsafe_allow_javascript=True)


def draw_adjudicate_marker(
    item_id: str, num_draws: int, keys: Mapping[str, int], token: str
) -> None:
    """Draw the keys in a line, and what their script goes by; see :func:`draw_marker`."""
    pairs = " ".join(f"{key}:{place}" for key, place in keys.items())
    hints = [
        element("span", *_caps(shown), " ", say(f"adjudicate_keys.{name}"), " ")
        for shown, name in _ADJUDICATE_HINTS
    ]
    safe_text.draw(
        element(
            "p",
            *hints,
            cls="lc-quiet lc-adjudicate-marker",
            data_lc_on=item_id,
            data_lc_draw=str(num_draws),
            data_lc_keys=pairs,
            data_lc_token=token,
        )
    )


def draw_help(labels: Sequence[str], keys: Mapping[str, int]) -> None:
    """Draw the list of keys, opened with ``?``."""
    picks = [
        (
            " ".join(
                f"Shift {key}" if key.isupper() else key.upper()
                for key, at in keys.items()
                if at == place
            ),
            say("review_keys.label", label=label),
        )
        for place, label in enumerate(labels)
    ]
    commands = [(shown, say(f"review_keys.{name}")) for shown, name in _COMMANDS]
    rows: list[Html] = [
        element("tr", element("th", *_caps(shown)), element("td", meaning))
        for shown, meaning in (*picks, *commands)
    ]
    safe_text.draw(
        element(
            "details",
            element(
                "summary",
                say("review_keys.title"),
                " ",
                element("kbd", "?"),
                element(
                    "span",
                    cls="lc-draft",
                    role="status",
                    data_lc_kept=say("review_keys.draft_kept"),
                    data_lc_lost=say("review_keys.draft_lost"),
                ),
            ),
            element("table", element("tbody", *rows)),
            cls="lc-help",
        )
    )


def _caps(shown: str) -> list[Html]:
    return [element("kbd", cap) for cap in shown.split()]
