"""A chart on the page, in the colours of the theme the reader has chosen."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go
import streamlit as st

from streamlit_app import palette
from streamlit_app.charts.style import CONFIG, recolour_text


def draw(
    figure: go.Figure, *, key: str, alt: str, on_click: Callable[[], None] | None = None
) -> None:
    """Draw a figure over the width of its column.

    Args:
        figure: Owned by this function from here on: its texts take the theme's colour.
        key: The widget's key.
        alt: What the chart shows, for those who do not see it.
        on_click: Called when a point is clicked or left; the points are in the session state.
    """
    tone = palette.TONES["text"]
    recolour_text(figure, tone.dark if st.context.theme.type == "dark" else tone.light)
    st.plotly_chart(
        figure,
        key=key,
        on_select="ignore" if on_click is None else on_click,
        selection_mode="points",
        config=CONFIG,
        alt=alt,
    )
