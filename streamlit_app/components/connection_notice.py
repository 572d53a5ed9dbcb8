"""What every page says when the connection to the server is lost: it can draw nothing then."""

from __future__ import annotations

import streamlit as st

from streamlit_app.markup import element, join
from streamlit_app.server.script_files import script
from streamlit_app.wording import say


def draw() -> None:
    """Add the script that watches the connection, and the texts that it shows."""
    texts = element(
        "div",
        cls="lc-connection-texts",
        data_lc_connection_desk=say("connection.desk_lost"),
        data_lc_connection_lost=say("connection.lost"),
        data_lc_connection_away=say("connection.away"),
        data_lc_connection_back=say("connection.back"),
        data_lc_connection_gone=say("connection.gone"),
        data_lc_connection_desk_gone=say("connection.desk_gone"),
    )
    st.html(join(script("connection.js"), texts), unsafe_allow_javascript=True)
