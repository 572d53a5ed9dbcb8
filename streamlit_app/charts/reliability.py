"""Reliability diagram: what the head's confidence is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from streamlit_app.charts.style import NEUTRAL, RIGHT, finish


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


def draw_reliability(points: Sequence[ReliabilityPoint]) -> go.Figure:
    """Draw accuracy over mean confidence for each bin, and below how many items each bin holds.

    Points under the dashed line are overconfident. Empty bins are left out.
    """
    filled = [point for point in points if point.count]
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.04
    )
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"dash": "dash", "color": NEUTRAL, "width": 1.5},
        hoverinfo="skip",
        row=1,
        col=1,
    )
    figure.add_trace(_accuracies(filled), row=1, col=1)
    figure.add_bar(
        x=[(point.bin_low + point.bin_high) / 2 for point in filled],
        y=[point.count for point in filled],
        width=[(point.bin_high - point.bin_low) * 0.92 for point in filled],
        marker={"color": NEUTRAL},
        hovertemplate="%{y} items<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_xaxes(title="Confidence of the head (%)", row=2, col=1)
    figure.update_yaxes(
        title="Right (%)", range=[0, 1.02], tickformat=".0%", fixedrange=True, row=1, col=1
    )
    figure.update_yaxes(title="Items", fixedrange=True, row=2, col=1)
    figure.update_layout(showlegend=False)
    return finish(figure, height=420)


def _accuracies(points: Sequence[ReliabilityPoint]) -> go.Scatter:
    return go.Scatter(
        x=[point.mean_confidence for point in points],
        y=[point.accuracy for point in points],
        mode="lines+markers",
        marker={"size": 9, "color": RIGHT},
        line={"color": RIGHT, "width": 2},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.accuracy for point in points],
            "arrayminus": [point.accuracy - point.low for point in points],
            "color": RIGHT,
            "thickness": 1.2,
            "width": 3,
        },
        customdata=[
            [point.bin_low, point.bin_high, point.count, point.low, point.high] for point in points
        ],
        hovertemplate=(
            "Confidence %{customdata[0]:.0%} to %{customdata[1]:.0%}<br>"
            "mean confidence %{x:.1%}, right %{y:.1%} "
            "(%{customdata[3]:.1%} to %{customdata[4]:.1%})<br>"
            "%{customdata[2]} items<extra></extra>"
        ),
    )
