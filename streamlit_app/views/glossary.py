"""Glossary: the terms of the app, as the documentation defines them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from streamlit_app.components import room

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"

room.draw_heading("glossary")
# A file of ours, after its title. Streamlit gives each heading the anchor that help texts link to.
st.markdown(GLOSSARY.read_text("utf-8").split("\n", 1)[1])
