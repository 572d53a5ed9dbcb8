"""What every chart shares: colours that survive colour blindness, light and dark; escaped text."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import markupsafe
import plotly.graph_objects as go

from streamlit_app import palette

# plotly looks into pandas wherever its import has begun. Streamlit does so at the first
# data frame, in the thread of another page: a chart drawn meanwhile would find half a module.
import_module("pandas")

# The tones for charts: one figure serves the light and the dark theme.
RIGHT = palette.RIGHT.chart
WRONG = palette.WRONG.chart
SECOND = palette.PURPLE.chart
NEUTRAL = palette.GREY.chart

MAX_TEXT = 28
"""Characters of a data text that fit on an axis."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
"""The app's own, see ``.streamlit/config.toml``."""

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg"},
}
"""Passed to ``st.plotly_chart``: no link to a foreign site, pictures saved as SVG."""


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Make a data text safe to draw: plotly renders ``<a>`` and ``<b>`` in every text it gets."""
    shown = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return str(markupsafe.escape(shown))


def short(count: int) -> str:
    """Write a count so that it fits into a cell: 12,345 as 12.3k."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.1f}k" if count < 100_000 else f"{count / 1000:.0f}k"


def translucent(color: str, alpha: float) -> str:
    """Return ``#RRGGBB`` with an opacity in [0, 1], so that either theme shows through."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:.3f})"


def finish(
    figure: go.Figure, *, height: int, title: str | None = None, left: int | None = None
) -> go.Figure:
    """Return a figure the margins and the size (in pixels) that all charts share.

    Args:
        figure: Changed in place and given back.
        height: Of the whole chart.
        title: Written above it.
        left: Room for the y axis and its title. Without it plotly finds out by drawing twice.
    """
    figure.layout.height = height
    right, bottom = (24, 56) if left else (8, 8)
    figure.layout.margin = {"l": left or 8, "r": right, "t": 40 if title else 8, "b": bottom}
    figure.layout.dragmode = False
    if title:
        figure.layout.title = {"text": plain(title, 80), "font": {"size": 16}}
    if left:
        figure.update_xaxes(automargin=False)
        figure.update_yaxes(automargin=False)
    return figure


def room_for(names: Iterable[str]) -> int:
    """Return the pixels that the longest of some names takes at a y axis without a title."""
    return 16 + 8 * max(map(len, names), default=0)


def themed(figure: go.Figure) -> go.Figure:
    """Return a figure with our texts and lines, in the light theme's colours.

    On a page ``theme.css`` puts those of the reader's theme over them, so that a switch shows at
    once; a saved picture and a report stay light. By a template and not text by text: writing a
    colour into every text of a confusion matrix took five times as long as building it.
    """
    figure.layout.template = _TEMPLATE
    return figure


def _template() -> go.layout.Template:
    text, line, surface = (palette.TONES[name].light for name in ("text", "line", "surface"))
    axis = {
        "gridcolor": line,
        "linecolor": line,
        "zerolinecolor": line,
        "automargin": True,
        "ticks": "outside",
        "tickcolor": "rgba(0,0,0,0)",
        "tickfont": {"size": 12},
        "title": {"font": {"size": 14}, "standoff": 12},
    }
    return go.layout.Template(
        # What is not selected keeps its text as it is: the selection is outlined.
        data={
            "scatter": [{"unselected": {"textfont": {"color": text}}}],
            # Else plotly picks one that is readable on the full colour; our bars are tinted.
            "bar": [{"insidetextfont": {"color": text}, "outsidetextfont": {"color": text}}],
        },
        layout={
            "font": {"color": text, "family": FONT, "size": 14},
            "paper_bgcolor": palette.PAGE,  # not clear: a saved picture must be readable anywhere
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": surface,
                "bordercolor": line,
                "font": {"color": text, "family": FONT, "size": 13},
                "align": "left",
            },
            # Clear: it would keep the light ground of the figure on a dark page.
            "legend": {"font": {"size": 13}, "bgcolor": "rgba(0,0,0,0)"},
        },
    )


_TEMPLATE = _template()
