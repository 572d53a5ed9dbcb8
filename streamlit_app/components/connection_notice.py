"""What every page says when the connection to the server is lost: it can draw nothing then."""

from __future__ import annotations

from typing import Final

import streamlit as st

from streamlit_app.markup import element
from streamlit_app.wording import say

_SCRIPT: Final = '<script type="module" src="/assets/connection.js"></script>'


def draw() -> None:
    """Add the script that watches the connection, and the texts that it shows."""
    texts = element(
        "div",
        cls="lc-connection-texts",
        data_lc_connection_desk=say("connection.desk_lost"),
        data_lc_connection_lost=say("connection.lost"),
        data_lc_connection_away=say("connection.away"),
        data_lc_connection_back=say("connection.back"),
    )
    st.html(f"{_SCRIPT}{texts}", unsafe_allow_javascript=True)
