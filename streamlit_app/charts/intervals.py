"""Estimates with their intervals, one under the other on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from streamlit_app import palette
from streamlit_app.charts.style import NEUTRAL, finish, plain, translucent
from streamlit_app.wording import say, say_count


@dataclass(frozen=True)
class IntervalRow:
    """One estimate with its 95 % interval, from ``num_items`` items."""

    name: str
    value: float
    low: float
    high: float
    num_items: int
    color: str


def draw_intervals(
    rows: Sequence[IntervalRow],
    *,
    axis: str,
    reference: IntervalRow | None = None,
    is_difference: bool = False,
    thresholds: Mapping[str, float] = MappingProxyType({}),
) -> go.Figure:
    """Draw each estimate as a dot with its interval as a line, first row on top.

    Args:
        rows: Shares in [0, 1], or differences of shares in [-1, 1].
        axis: Title of the x axis with its unit.
        reference: Drawn as a dashed line over all rows, its interval as a band.
        is_difference: Scale the axis to the rows, with a line at 0, instead of from 0 to 1.
        thresholds: Name and value of further lines over differences.

    Returns:
        A figure whose dots have the place of their row as ``customdata``.
    """
    sign = "+" if is_difference else ""
    scale = 100 if is_difference else 1
    names = [plain(row.name, 48) for row in rows]
    trace = {
        "type": "scatter",
        "x": [scale * row.value for row in rows],
        "y": list(range(len(rows))),
        "mode": "markers+text",
        "marker": {"size": 11, "color": [row.color for row in rows]},
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "text": [f"{100 * row.value:{sign}.1f}{'' if is_difference else ' %'}" for row in rows],
        "textposition": "top center",
        "textfont": {"size": 11},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [scale * (row.high - row.value) for row in rows],
            "arrayminus": [scale * (row.value - row.low) for row in rows],
            "color": NEUTRAL,
            "thickness": 2,
            "width": 4,
        },
        "customdata": [[place, _hover(row, is_difference)] for place, row in enumerate(rows)],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
    }
    low = min([row.low for row in rows] + list(thresholds.values()), default=0)
    high = max((row.high for row in rows), default=0)
    figure = go.Figure(
        data=[trace],
        layout={
            "showlegend": False,
            "clickmode": "event+select",
            "shapes": [*_lines(reference, is_difference), *_thresholds(thresholds)],
            "annotations": [*_note(reference), *_names(thresholds)],
            "xaxis": {
                "title": {"text": plain(axis, 80)},
                "range": [100 * min(low, 0) - 3, 100 * max(high, 0) + 3]
                if is_difference
                else [0, 1],
                "tickformat": "+.0f" if is_difference else ".0%",
                "zeroline": False,
                "fixedrange": True,
            },
            "yaxis": {
                "range": [len(rows) - 0.5, -0.75],
                "tickvals": list(range(len(rows))),
                "ticktext": names,
                "zeroline": False,
                "fixedrange": True,
            },
        },
    )
    return finish(figure, height=(34 if len(rows) > 6 else 48) * len(rows) + 80)


def _hover(row: IntervalRow, is_difference: bool) -> str:
    return say(
        "charts.difference" if is_difference else "charts.share",
        name=plain(row.name, 80),
        value=100 * row.value,
        low=100 * row.low,
        high=100 * row.high,
        items=say_count("figures.items", row.num_items),
    )


def _lines(reference: IntervalRow | None, is_difference: bool) -> list[dict[str, Any]]:
    line: dict[str, Any] = {
        "type": "line",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"dash": "dash", "width": 1.5, "color": NEUTRAL},
    }
    if is_difference:
        return [{**line, "x0": 0, "x1": 0}]
    if reference is None:
        return []
    band = {
        "type": "rect",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "x0": reference.low,
        "x1": reference.high,
        "line": {"width": 0},
        "fillcolor": translucent(reference.color, 0.14),
        "layer": "below",
    }
    return [band, {**line, "x0": reference.value, "x1": reference.value}]


def _thresholds(thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    line = {"dash": "dot", "width": 1.5, "color": palette.WRONG.chart}
    return [
        {
            "type": "line",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "x0": 100 * value,
            "x1": 100 * value,
            "line": line,
        }
        for value in thresholds.values()
    ]


def _names(thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "x": 100 * value,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "xanchor": "right",
            "text": plain(name, 30),
            "showarrow": False,
            "font": {"size": 11},
        }
        for name, value in thresholds.items()
    ]


def _note(reference: IntervalRow | None) -> list[dict[str, Any]]:
    if reference is None:
        return []
    return [
        {
            "x": reference.value,
            "y": 1,
            "yref": "paper",
            "yanchor": "top",
            "xanchor": "right" if reference.value > 0.5 else "left",
            "text": f"{plain(reference.name, 40)} {100 * reference.value:.1f} %",
            "showarrow": False,
            "font": {"size": 12},
        }
    ]
