"""What went into a run and what came of it, as a flow from left to right."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from streamlit_app import palette
from streamlit_app.charts.style import finish, plain, translucent

OUTCOME_COLORS = {"fixed": palette.GREEN.chart, "broken": palette.WRONG.chart}


def draw_flow(
    sources: Mapping[str, int], run: str, outcomes: Mapping[str, tuple[str, int]]
) -> go.Figure:
    """Draw corrections, the run that learned from them, and the items that it changed.

    Args:
        sources: Number of corrections of each kind, by its name.
        run: What the run is called.
        outcomes: Name and number of items of each outcome.
    """
    left = [(name, count, palette.PEOPLE.chart) for name, count in sources.items() if count]
    right = [
        (name, count, OUTCOME_COLORS[outcome])
        for outcome, (name, count) in outcomes.items()
        if count
    ]
    middle = len(left)
    named = [f"{plain(name, 40)}: {count:,}" for name, count, _ in (*left, *right)]
    colors = [color for _, _, color in (*left, *right)]
    links = [
        *((place, middle, count, color) for place, (_, count, color) in enumerate(left)),
        *(
            (middle, middle + 1 + place, count, color)
            for place, (_, count, color) in enumerate(right)
        ),
    ]
    source, target, value, tone = zip(*links, strict=True) if links else ((), (), (), ())
    figure = go.Figure(
        go.Sankey(
            arrangement="fixed",
            node={
                "label": [*named[:middle], plain(run, 40), *named[middle:]],
                "color": [*colors[:middle], palette.HEAD.chart, *colors[middle:]],
                "pad": 24,
                "thickness": 14,
                "line": {"width": 0},
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": source,
                "target": target,
                "value": value,
                "color": [translucent(color, 0.3) for color in tone],
                "hoverinfo": "skip",
            },
        )
    )
    return finish(figure, height=80 + 50 * max(len(left), len(right), 1))
