"""Estimates with their intervals, one under the other on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from streamlit_app.charts.style import finish, plain


@dataclass(frozen=True)
class IntervalRow:
    """One estimate in [0, 1] with its 95 % interval, from ``num_items`` items."""

    name: str
    value: float
    low: float
    high: float
    num_items: int
    color: str


def draw_intervals(rows: Sequence[IntervalRow], *, axis: str) -> go.Figure:
    """Draw each estimate as a dot with its interval as a line, first row on top."""
    figure = go.Figure()
    for row in rows:
        figure.add_scatter(
            x=[row.value],
            y=[plain(row.name, 40)],
            mode="markers+text",
            marker={"size": 12, "color": row.color},
            text=[f"{row.value:.1%}"],
            textposition="top center",
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row.high - row.value],
                "arrayminus": [row.value - row.low],
                "color": row.color,
                "thickness": 2,
                "width": 5,
            },
            hovertemplate=(
                f"%{{y}}: {row.value:.1%}, 95 % interval {row.low:.1%} to {row.high:.1%}, "
                f"{row.num_items} items<extra></extra>"
            ),
        )
    figure.update_xaxes(title=plain(axis, 60), range=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_yaxes(
        autorange="reversed",
        fixedrange=True,
        categoryorder="array",
        categoryarray=[plain(row.name, 40) for row in rows],
    )
    figure.update_layout(showlegend=False)
    return finish(figure, height=56 * len(rows) + 70)
