"""The look of the pages: one style sheet, with the palette's colours as CSS variables."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from streamlit_app import palette

_STYLE_SHEET = Path(__file__).parent / "assets" / "theme.css"


@cache
def style() -> str:
    """Return the style element: the palette as variables, then the style sheet."""
    variables = "\n".join(
        f"  --lc-{name}: light-dark({tone.light}, {tone.dark});"
        for name, tone in palette.TONES.items()
    )
    return f"<style>\n:root {{\n{variables}\n}}\n{_STYLE_SHEET.read_text('utf-8')}</style>"


def apply() -> None:
    """Draw the style sheet into the page; colours follow the light or dark theme."""
    st.html(style())
