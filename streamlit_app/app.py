"""Entry point of `streamlit run streamlit_app/app.py`: the server, its gate, its own files."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from streamlit_app.api.application import make_api
from streamlit_app.api.asked_page import AskedPage
from streamlit_app.api.first_page import FirstPage
from streamlit_app.api.monitoring import ROUTES
from streamlit_app.api.unknown_page import Unknown
from streamlit_app.errors import report_error
from streamlit_app.server.background import watching
from streamlit_app.server.gate import Gate
from streamlit_app.server.moved import Moved
from streamlit_app.server.script_files import ScriptFiles
from streamlit_app.server.security_headers import SecurityHeaders
from streamlit_app.server.sending import LargeAnswers

HERE = Path(__file__).resolve().parent

app = st.App(
    HERE / "shell.py",
    lifespan=watching,
    routes=[
        *ROUTES,
        Mount("/api/v1", make_api()),
    ],
    middleware=[
        Middleware(LargeAnswers),
        Middleware(SecurityHeaders),
        Middleware(Gate),
        Middleware(Moved),
        Middleware(Unknown),
        Middleware(AskedPage),
        Middleware(ScriptFiles),
        Middleware(FirstPage),
    ],
    on_script_error=report_error,
)
