"""A chart on the page, with its figures as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from streamlit_app.charts.style import CONFIG, themed
from streamlit_app.logic.tables import Cell, csv_bytes
from streamlit_app.wording import say

_FORMAT_KEY = "picture_format"


def draw(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    table: Mapping[str, Sequence[Cell]],
    on_click: Callable[[], None] | None = None,
) -> None:
    """Draw a figure over the width of its column.

    Args:
        figure: Owned by this function from here on: it takes our template.
        key: The widget's key.
        alt: What the chart shows, for those who do not see it.
        table: The figures behind the chart, offered as a CSV file.
        on_click: Called when a point is clicked or left; the points are in the session state.
    """
    image = {"format": st.session_state.get(_FORMAT_KEY) or "svg", "filename": key}
    st.plotly_chart(
        themed(figure),
        key=key,
        theme=None,
        on_select="ignore" if on_click is None else on_click,
        selection_mode="points",
        config={**CONFIG, "toImageButtonOptions": image},
        alt=alt,
    )
    st.download_button(
        "CSV",
        data=lambda: csv_bytes(table),
        file_name=f"{key}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help=say("chart.figures"),
    )


def clicked(key: str) -> Sequence[Any] | None:
    """Return what belongs to the point that was clicked, in a callback; None where it was left."""
    points = st.session_state[key].selection.points
    return points[0]["customdata"] if points else None


def pick_format() -> None:
    """Draw the choice of how the camera button of a chart saves it."""
    st.segmented_control(
        say("chart.pictures"),
        ("svg", "png"),
        format_func=str.upper,
        default="svg",
        required=True,
        key=_FORMAT_KEY,
        help=say("chart.pictures_help"),
    )
