"""Accuracy of runs in order: over time, or over the number of corrections they learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from streamlit_app import palette
from streamlit_app.charts.style import NEUTRAL, finish, plain, translucent
from streamlit_app.logic.outcomes.comparison import TrendPoint
from streamlit_app.wording import say, say_count

_LOOKS = ((palette.TEXT.chart, "solid", "circle"), (palette.HEAD.chart, "dash", "diamond"))


_LINE = 24
"""Characters of a name on one line under the x axis."""


def draw_trend(
    series: Sequence[tuple[str, Sequence[TrendPoint]]],
    *,
    axis: str,
    ceiling: tuple[str, float, float, float] | None = None,
    of: str | None = None,
) -> go.Figure:
    """Draw the accuracy of text and head, distinguished by colour, dash and symbol.

    Args:
        series: Name of each, the text first, with its points in the order of the x axis.
        axis: Title of the x axis.
        ceiling: Name, value and ends of the interval of a line over the whole width.
        of: Title of the y axis, where it is not accuracy.
    """
    # By place, not by name: two runs whose names are cut alike stay two.
    places = {x: place for place, x in enumerate(_names(series))}
    traces = [
        _trace(name, points, look, places)
        for (name, points), look in zip(series, _LOOKS, strict=False)
        if points
    ]
    ticks = {
        "tickvals": list(places.values()),
        "ticktext": [_in_lines(name) for name in places],
        "range": [-0.4, len(places) - 0.6],
    }
    figure = go.Figure(
        data=traces,
        layout={
            "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
            "showlegend": True,
            "shapes": _band(ceiling),
            "annotations": _note(ceiling),
            "xaxis": {
                "title": {"text": plain(axis, 60)},
                "fixedrange": True,
                **(ticks if places else _whole_numbers(series)),
            },
            "yaxis": {
                "title": {"text": of or say("charts.accuracy")},
                "tickformat": ".0%",
                "fixedrange": True,
            },
        },
    )
    return finish(figure, height=360)


def _whole_numbers(series: Sequence[tuple[str, Sequence[TrendPoint]]]) -> dict[str, Any]:
    """Return an axis of counts: from 0, with room for the marks at its ends, and no fractions."""
    top = max([int(point.x) for _, points in series for point in points], default=0)
    top = max(top, 5)
    steps = (step * 10**power for power in range(9) for step in (1, 2, 5))
    return {
        "range": [-0.03 * top, 1.03 * top],
        "dtick": next(step for step in steps if top / step <= 8),
        "zeroline": False,
    }


def _names(series: Sequence[tuple[str, Sequence[TrendPoint]]]) -> list[str]:
    """Return the places on the x axis that have a name, in the order of the longest series."""
    ordered = sorted((points for _, points in series), key=len, reverse=True)
    found = (point.x for points in ordered for point in points if isinstance(point.x, str))
    return list(dict.fromkeys(found))


def _in_lines(name: str) -> str:
    """Write a name in up to three lines, cut where it is longer still."""
    return "<br>".join(plain(line) for line in wrap(name, _LINE, max_lines=3, placeholder="…"))


def _trace(
    name: str,
    points: Sequence[TrendPoint],
    look: tuple[str, str, str],
    places: Mapping[str, int],
) -> dict[str, Any]:
    color, dash, symbol = look
    return {
        "type": "scatter",
        "x": [places[point.x] if isinstance(point.x, str) else point.x for point in points],
        "y": [point.value for point in points],
        "mode": "lines+markers",
        "name": plain(name, 40),
        "line": {"color": color, "dash": dash, "width": 2},
        "marker": {"size": 9, "color": color, "symbol": symbol},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.value for point in points],
            "arrayminus": [point.value - point.low for point in points],
            "color": color,
            "thickness": 1.2,
            "width": 4,
        },
        "customdata": [[_hover(name, point)] for point in points],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _hover(name: str, point: TrendPoint) -> str:
    return say(
        "charts.trend_point",
        run=plain(point.run, 60),
        name=plain(name, 40),
        value=point.value,
        low=point.low,
        high=point.high,
        items=say_count("figures.items", point.num_items),
    )


def _band(ceiling: tuple[str, float, float, float] | None) -> list[dict[str, Any]]:
    if ceiling is None:
        return []
    _, value, low, high = ceiling
    across = {"xref": "paper", "x0": 0, "x1": 1}
    return [
        {
            "type": "rect",
            **across,
            "y0": low,
            "y1": high,
            "line": {"width": 0},
            "fillcolor": translucent(palette.PEOPLE.chart, 0.14),
            "layer": "below",
        },
        {
            "type": "line",
            **across,
            "y0": value,
            "y1": value,
            "line": {"dash": "dash", "width": 1.5, "color": NEUTRAL},
        },
    ]


def _note(ceiling: tuple[str, float, float, float] | None) -> list[dict[str, Any]]:
    if ceiling is None:
        return []
    return [
        {
            "xref": "paper",
            "x": 1,
            "y": ceiling[1],
            "xanchor": "right",
            "yanchor": "bottom",
            "text": f"{plain(ceiling[0], 50)} {100 * ceiling[1]:.1f} %",
            "showarrow": False,
            "font": {"size": 12},
        }
    ]
