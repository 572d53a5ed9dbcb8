"""Stacked bars that each make up a whole: parts of 100 %, distinguished by colour and by text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from streamlit_app.charts.style import finish, plain, room_for, translucent


def draw_shares(
    groups: Mapping[str, Mapping[str, int]],
    parts: Sequence[tuple[str, str, str]],
    *,
    axis: str,
) -> go.Figure:
    """Draw one bar a group, each part of it as its share.

    Args:
        groups: Name of the group to its counts by part.
        parts: Key, name and colour of each part, in order.
        axis: Title of the x axis, with its unit.
    """
    names = [plain(name, 40) for name in groups]
    totals = [max(sum(counts.values()), 1) for counts in groups.values()]
    traces = []
    for key, name, color in parts:
        counts = [counted.get(key, 0) for counted in groups.values()]
        if not any(counts):
            continue
        shares = [count / total for count, total in zip(counts, totals, strict=True)]
        traces.append(
            {
                "type": "bar",
                "x": shares,
                "y": names,
                "orientation": "h",
                "name": plain(name, 40),
                # Tinted, not filled: the theme's own text colour is readable on it.
                "marker": {
                    "color": translucent(color, 0.5),
                    "line": {"color": color, "width": 1.5},
                },
                "text": [
                    f"{plain(name, 20)} {share:.0%}" if share > 0.07 else "" for share in shares
                ],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "customdata": [[key, count] for count in counts],
                "hovertemplate": (
                    f"%{{y}}: {plain(name, 40)} %{{x:.1%}} (%{{customdata[1]:,}})<extra></extra>"
                ),
            }
        )
    figure = go.Figure(
        data=traces,
        layout={
            "barmode": "stack",
            "bargap": 0.35,
            "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
            "xaxis": {
                "title": {"text": plain(axis, 60)},
                "range": [0, 1],
                "tickformat": ".0%",
                "fixedrange": True,
            },
            "yaxis": {"autorange": "reversed", "fixedrange": True},
        },
    )
    return finish(figure, height=46 * len(names) + 100, left=room_for(names))
