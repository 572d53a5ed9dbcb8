"""Reliability diagram: what the head's confidence is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from streamlit_app.charts.style import NEUTRAL, RIGHT, SECOND, finish
from streamlit_app.wording import say


@dataclass(frozen=True)
class ReliabilityPoint:
    """One bin of confidence, shares in [0, 1]; ``low`` to ``high``: accuracy, 95 % interval."""

    bin_low: float
    bin_high: float
    count: int
    mean_confidence: float
    accuracy: float
    low: float
    high: float


def draw_reliability(
    points: Sequence[ReliabilityPoint], after: Sequence[ReliabilityPoint] = ()
) -> go.Figure:
    """Draw accuracy over mean confidence for each bin, and below how many items each bin holds.

    Points under the dashed line are overconfident. Empty bins are left out.

    Args:
        points: As the run gave its confidences.
        after: The same after calibration; drawn as a second line.
    """
    filled = [point for point in points if point.count]
    confidence = {"range": [0, 1], "tickformat": ".0%", "fixedrange": True}
    traces = [
        {
            "type": "scatter",
            "x": [0, 1],
            "y": [0, 1],
            "mode": "lines",
            "line": {"dash": "dash", "color": NEUTRAL, "width": 1.5},
            "hoverinfo": "skip",
            "showlegend": False,
        },
        _accuracies(filled, say("head_confidence.as_predicted"), RIGHT, "circle"),
    ]
    if after:
        shown = [point for point in after if point.count]
        traces.append(_accuracies(shown, say("head_confidence.rescaled"), SECOND, "diamond"))
    traces.append(
        {
            "type": "bar",
            "x": [(point.bin_low + point.bin_high) / 2 for point in filled],
            "y": [point.count for point in filled],
            "width": [(point.bin_high - point.bin_low) * 0.92 for point in filled],
            "marker": {"color": NEUTRAL},
            "hovertemplate": say("charts.reliability_bar") + "<extra></extra>",
            "showlegend": False,
            "yaxis": "y2",
        }
    )
    figure = go.Figure(
        data=traces,
        layout={
            "clickmode": "event+select",
            "showlegend": bool(after),
            "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
            "xaxis": {
                **confidence,
                "title": {"text": say("charts.confidence")},
                "anchor": "y2",
            },
            "yaxis": {
                **confidence,
                "title": {"text": say("charts.share_right")},
                "domain": [0.3, 1],
            },
            "yaxis2": {
                "title": {"text": say("charts.items_axis")},
                "domain": [0, 0.22],
                "fixedrange": True,
            },
        },
    )
    return finish(figure, height=420, left=72)


def _accuracies(
    points: Sequence[ReliabilityPoint], name: str, color: str, symbol: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [point.mean_confidence for point in points],
        "y": [point.accuracy for point in points],
        "mode": "lines+markers",
        "name": name,
        "marker": {"size": 9, "color": color, "symbol": symbol},
        "line": {"color": color, "width": 2},
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.accuracy for point in points],
            "arrayminus": [point.accuracy - point.low for point in points],
            "color": color,
            "thickness": 1.2,
            "width": 3,
        },
        "customdata": [
            [point.bin_low, point.bin_high, point.count, point.low, point.high] for point in points
        ],
        "hovertemplate": say("charts.reliability_point") + "<extra></extra>",
    }
