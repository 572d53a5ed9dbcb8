"""Colours, defined once for pages and charts.

Hues follow the Okabe-Ito set, which people with any common colour blindness can distinguish. Each
has a light-theme and a dark-theme tone with at least 4.5:1 contrast against that theme's surfaces
(WCAG AA), and one middle tone with at least 3:1 against both for charts that serve both themes.
Colour is never the only cue: labels carry their name, outcomes a sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tone:
    """One colour as ``#RRGGBB`` for text and marks on light and on dark, and for charts on both."""

    light: str
    dark: str
    chart: str


BLUE = Tone("#0A5C9E", "#74B9F2", "#0072B2")
VERMILLION = Tone("#AD3F00", "#FF9A5A", "#D55E00")
PURPLE = Tone("#7A3E9D", "#CFA2EE", "#A56CC1")
GREEN = Tone("#00694F", "#4FCBA5", "#009E73")
PINK = Tone("#A3326E", "#F29AC2", "#C8558F")
OCHRE = Tone("#7A5800", "#E2B545", "#B07D00")
GREY = Tone("#55606E", "#A4AFBD", "#8A8A8A")

RIGHT = BLUE
"""A label that agrees with the label of record."""
WRONG = VERMILLION
"""A label that disagrees with it."""

TEXT = OCHRE
"""What is read from an answer's text."""
HEAD = BLUE
"""What the ECI head says."""
PEOPLE = PURPLE
"""What people say."""

LABEL_TONES = {
    "yes": BLUE,
    "no": VERMILLION,
    "maybe": PURPLE,
    "A": BLUE,
    "B": VERMILLION,
    "C": GREEN,
    "D": PURPLE,
    "E": OCHRE,
}
_IN_ORDER = (BLUE, VERMILLION, GREEN, PURPLE, OCHRE)

PAGE = "#F7F9FB"
"""The light theme's background, as in ``.streamlit/config.toml``."""

TONES = {
    **{f"label-{name}": tone for name, tone in LABEL_TONES.items()},
    **{f"position-{number}": tone for number, tone in enumerate(_IN_ORDER)},
    "right": RIGHT,
    "wrong": WRONG,
    "muted": GREY,
    "text": Tone("#1A2230", "#E7EBF1", "#8A8A8A"),
    "surface": Tone("#FFFFFF", "#1A2029", "#FFFFFF"),
    "sunken": Tone("#F3F5F8", "#131820", "#F3F5F8"),
    "line": Tone("#D8DEE6", "#323C49", "#8A8A8A"),
    "mark": Tone("#FFE9A8", "#5A4708", "#E2B545"),
    "accent": Tone("#0B5D75", "#6CC4DE", "#2A8BA5"),
}
"""Every named colour of the style sheet; ``--lc-<name>`` there."""


def label_tone(label: str | None, labels: Sequence[str] = ()) -> Tone:
    """Return a label's colour: by name where it is known, else by its place among ``labels``."""
    if label is None:
        return GREY
    if label in LABEL_TONES:
        return LABEL_TONES[label]
    return _IN_ORDER[labels.index(label) % len(_IN_ORDER)] if label in labels else GREY
