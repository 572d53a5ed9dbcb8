"""Horizontal bars: shares of a whole, labelled with count and percentage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from streamlit_app.charts.style import finish, plain
from streamlit_app.wording import say

ITEMS = say("charts.items")


@dataclass(frozen=True)
class BarPart:
    """One part of a whole: its name, how many items it holds, its colour as ``#RRGGBB``.

    ``key`` is what a click on the bar gives.
    """

    name: str
    count: int
    color: str
    key: str = ""


def draw_bars(parts: Sequence[BarPart], *, unit: str = ITEMS) -> go.Figure:
    """Draw one bar a part, first part on top, each written with its count and its share."""
    unit = plain(unit)
    total = max(sum(part.count for part in parts), 1)
    largest = max((part.count for part in parts), default=0)
    figure = go.Figure(
        data=[
            {
                "type": "bar",
                "x": [part.count for part in parts],
                "y": [plain(part.name, 40) for part in parts],
                "orientation": "h",
                "marker": {"color": [part.color for part in parts]},
                "selected": {"marker": {"opacity": 1}},
                "unselected": {"marker": {"opacity": 0.55}},
                "text": [f"{part.count:,}  ({part.count / total:.1%})" for part in parts],
                "textposition": "outside",
                "textfont": {"size": 13},
                "cliponaxis": False,
                "customdata": [[part.key] for part in parts],
                "hovertemplate": say("charts.bar", total=total, unit=unit) + "<extra></extra>",
            }
        ],
        layout={
            "clickmode": "event+select",
            # Room on the right for the text outside the longest bar.
            "xaxis": {
                "title": {"text": say("charts.number_of", unit=unit)},
                "range": [0, max(largest, 1) * 1.5],
                "fixedrange": True,
            },
            "yaxis": {"autorange": "reversed", "fixedrange": True},
        },
    )
    return finish(figure, height=34 * len(parts) + 70)
