"""The script behind every page: page settings, theme, navigation; nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from streamlit_app import theme
from streamlit_app.errors import shown_errors

# A file of ours: Streamlit fetches emoji and material page icons from a foreign host.
ICON = str(Path(__file__).parent / "assets" / "icon.svg")

st.set_page_config(page_title="LlamaCare Review", page_icon=ICON, layout="wide")
theme.apply()

page = st.navigation(
    [
        st.Page("views/review.py", title="Review", icon=":material/rate_review:", default=True),
        st.Page("views/browse.py", title="Browse", icon=":material/table_rows:"),
        st.Page(
            "views/errors_page.py", title="Errors", icon=":material/grid_on:", url_path="errors"
        ),
        st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page(
            "views/training_page.py",
            title="Training",
            icon=":material/model_training:",
            url_path="training",
        ),
        st.Page("views/data.py", title="Data", icon=":material/database:"),
    ],
    position="top",
)
with shown_errors():
    page.run()
