"""What every chart shares: colours that survive colour blindness, light and dark; escaped text."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

from streamlit_app import palette

# The tones for charts: one figure serves the light and the dark theme.
RIGHT = palette.RIGHT.chart
WRONG = palette.WRONG.chart
SECOND = palette.PURPLE.chart
NEUTRAL = palette.GREY.chart

MAX_TEXT = 28
"""Characters of a data text that fit on an axis."""

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg"},
}
"""Passed to ``st.plotly_chart``: no link to a foreign site, pictures saved as SVG."""


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Make a data text safe to draw: plotly renders ``<a>`` and ``<b>`` in every text it gets."""
    shown = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return html.escape(shown)


def short(count: int) -> str:
    """Write a count so that it fits into a cell: 12,345 as 12.3k."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.1f}k" if count < 100_000 else f"{count / 1000:.0f}k"


def translucent(color: str, alpha: float) -> str:
    """Give ``#RRGGBB`` with an opacity in [0, 1]: the background of either theme shines through."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:.3f})"


def finish(figure: go.Figure, *, height: int, title: str | None = None) -> go.Figure:
    """Give a figure the margins, size (in pixels) and backgrounds that all charts share."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 40 if title else 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        title={"text": plain(title, 80), "font": {"size": 16}} if title else None,
        dragmode=False,
    )
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def recolour_text(figure: go.Figure, color: str) -> None:
    """Write every text of a figure in one colour; Streamlit's own is too faint on a tinted cell."""
    figure.update_layout(font={"color": color}, legend={"font": {"color": color}})
    figure.update_annotations(font={"color": color})
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(tickfont={"color": color}, title={"font": {"color": color}})
    figure.update_traces(textfont={"color": color}, selector=_has_text)


def _has_text(trace: go.Figure) -> bool:
    return getattr(trace, "text", None) is not None
