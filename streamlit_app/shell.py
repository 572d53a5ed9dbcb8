"""The script behind every page: page settings, theme, sign-in, navigation; nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from streamlit_app import theme
from streamlit_app.components import connection_notice
from streamlit_app.errors import shown_errors
from streamlit_app.session import sign_in
from streamlit_app.wording import say

# A file of ours: Streamlit fetches emoji and material page icons from a foreign host.
ICON = str(Path(__file__).parent / "assets" / "icon.svg")

st.set_page_config(page_title=say("navigation.app"), page_icon=ICON, layout="wide")
theme.apply()
connection_notice.draw()


def view(name: str, title: str, icon: str, *, default: bool = False) -> st.Page:
    """Return the page in ``views/<name>.py``; its address is the title's key in the catalogue."""
    return st.Page(
        f"views/{name}.py",
        title=say(f"navigation.{title}"),
        icon=f":material/{icon}:",
        url_path=title,
        default=default,
    )


# Top level first; then a menu of what is done less often.
pages = {
    "": [
        view("review", "review", "rate_review", default=True),
        view("browse", "browse", "table_rows"),
        view("adjudicate", "adjudicate", "gavel"),
        view("agreement", "agreement", "handshake"),
        view("errors_page", "errors", "grid_on"),
        view("compare", "compare", "compare_arrows"),
        view("training_page", "training", "model_training"),
    ],
    say("navigation.more"): [
        view("training_data", "training_data", "dataset"),
        view("models", "models", "deployed_code"),
        view("lineage", "lineage", "account_tree"),
        view("data", "data", "database"),
        view("guidelines", "guidelines", "menu_book"),
        view("people", "people", "group"),
        view("glossary", "glossary", "dictionary"),
    ],
}
with shown_errors():
    is_in = sign_in.enter()
    page = st.navigation(pages, position="top" if is_in else "hidden")
    if is_in:
        page.run()
