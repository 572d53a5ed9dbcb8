"""Yield curve: errors that reviewers found over the minutes they spent, by order of the queue."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import plotly.graph_objects as go

from streamlit_app import palette
from streamlit_app.charts.style import finish, plain
from streamlit_app.wording import say

_TONES = (
    palette.GREY,
    palette.GREEN,
    palette.BLUE,
    palette.PURPLE,
    palette.OCHRE,
    palette.VERMILLION,
    palette.PINK,
)
_DASHES = ("dash", "solid", "dot", "dashdot", "longdash", "longdashdot")
"""One fewer than tones: no two of the eight orders look alike."""


def draw_yield(curves: Sequence[tuple[str, Sequence[float], Sequence[int]]]) -> go.Figure:
    """Draw one line for each order.

    Args:
        curves: Name, minutes and errors by then; the random order first.
    """
    traces = [
        {
            "type": "scatter",
            "x": [0.0, *minutes],
            "y": [0, *errors],
            "mode": "lines",
            "name": plain(name, 40),
            "line": {"color": tone.chart, "dash": dash, "width": 2.5, "shape": "hv"},
            "hovertemplate": say("charts.yield_point") + "<extra></extra>",
        }
        for (name, minutes, errors), tone, dash in zip(
            curves, cycle(_TONES), cycle(_DASHES), strict=False
        )
    ]
    axis = {"fixedrange": True, "rangemode": "tozero"}
    figure = go.Figure(
        data=traces,
        layout={
            "showlegend": True,
            "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
            "xaxis": {"title": {"text": say("charts.minutes_of_review")}, **axis},
            "yaxis": {"title": {"text": say("charts.errors_found")}, **axis},
        },
    )
    return finish(figure, height=320, left=60)
