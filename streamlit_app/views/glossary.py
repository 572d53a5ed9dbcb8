"""Glossary: the terms of the app, as the documentation defines them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from streamlit_app.errors import shown_errors

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"

with shown_errors():
    # A file of ours. Streamlit gives each heading the anchor that the help texts link to.
    st.markdown(GLOSSARY.read_text("utf-8"))
