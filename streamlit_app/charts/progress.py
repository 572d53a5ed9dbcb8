"""Curves of a training run: losses and learning rate over its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from streamlit_app.charts.style import RIGHT, SECOND, WRONG, finish, plain
from streamlit_app.wording import say


@dataclass(frozen=True)
class Curve:
    """One value over steps; ``values`` may hold None where the run gave none."""

    name: str
    steps: Sequence[int]
    values: Sequence[float | None]


_STYLES = ((RIGHT, "solid"), (WRONG, "dash"), (SECOND, "dot"))


def draw_curves(
    curves: Sequence[Curve], *, num_steps: int | None, unit: str, height: int = 300
) -> go.Figure:
    """Draw up to three curves, distinguished by colour and by dash, over the whole planned length.

    Args:
        curves: At most three; curves without any value are left out.
        num_steps: Where the x axis ends, so that progress shows; None ends it at the last step.
        unit: Title of the y axis with its unit.
        height: In pixels.
    """
    figure = go.Figure()
    for curve, (color, dash) in zip(curves, _STYLES, strict=False):
        if all(value is None for value in curve.values):
            continue
        figure.add_scatter(
            x=list(curve.steps),
            y=list(curve.values),
            mode="lines+markers" if len(curve.steps) < 30 else "lines",
            name=plain(curve.name),
            line={"color": color, "dash": dash, "width": 2},
            marker={"size": 5},
            hovertemplate=say("charts.curve", name=plain(curve.name)) + "<extra></extra>",
        )
    figure.update_xaxes(
        title=say("charts.step"), range=[0, num_steps] if num_steps else None, rangemode="tozero"
    )
    figure.update_yaxes(title=plain(unit, 60), rangemode="tozero", exponentformat="power")
    figure.update_layout(
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        # The user's zoom survives each refresh of a running run's chart.
        uirevision="curves",
    )
    return finish(figure, height=height)
