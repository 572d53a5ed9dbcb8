"""Coverage-risk curve: how many of the answers given alone are wrong."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from eci.statistics.selective import OperatingPoint, RiskCurve
from streamlit_app.charts.style import RIGHT, WRONG, finish
from streamlit_app.wording import say, say_count

MAX_POINTS = 300
"""More cannot be distinguished on a screen."""


def draw_risk(curve: RiskCurve, point: OperatingPoint) -> go.Figure:
    """Draw the risk-coverage curve and the chosen threshold."""
    places = np.unique(np.linspace(0, len(curve.thresholds) - 1, MAX_POINTS).astype(int))
    # The first few items alone jump between 0 and 1 and say nothing.
    shown = places[curve.num_answered[places] >= min(20, curve.n)]
    coverage, risk = curve.coverage[shown].tolist(), curve.risk[shown].tolist()
    traces = [
        {
            "type": "scatter",
            "x": coverage,
            "y": risk,
            "mode": "lines",
            "line": {"color": RIGHT, "width": 2.5},
            "customdata": [[threshold] for threshold in curve.thresholds[shown].tolist()],
            "hovertemplate": say("charts.risk") + "<extra></extra>",
        }
    ]
    if point.risk.value is not None and point.risk.interval is not None:
        low, high = point.risk.interval.low, point.risk.interval.high
        text = say_count("charts.risk_chosen", point.num_answered, wrong=point.num_errors)
        traces.append(
            {
                "type": "scatter",
                "x": [point.coverage.value],
                "y": [point.risk.value],
                "mode": "markers",
                "marker": {"color": WRONG, "size": 13, "symbol": "diamond"},
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [high - point.risk.value],
                    "arrayminus": [point.risk.value - low],
                    "color": WRONG,
                },
                "hovertemplate": f"{text}<extra></extra>",
            }
        )
    top = max([*risk, point.risk.interval.high if point.risk.interval else 0, 0.02])
    figure = go.Figure(
        data=traces,
        layout={
            "showlegend": False,
            "xaxis": {
                "title": {"text": say("charts.answered_alone")},
                "range": [0, 1.02],
                "tickformat": ".0%",
                "fixedrange": True,
            },
            "yaxis": {
                "title": {"text": say("charts.wrong_among")},
                "range": [0, top * 1.1],
                "tickformat": ".0%",
                "fixedrange": True,
            },
        },
    )
    return finish(figure, height=320, left=72)
