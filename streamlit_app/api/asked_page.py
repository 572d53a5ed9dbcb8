"""The page that was asked for before signing in: Streamlit leads to the first page alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import quote, unquote

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from streamlit_app.session import sign_in

COOKIE: Final = "llamacare_asked"
_SECONDS: Final = 600
"""For as long as signing in may take."""
_OURS: Final = re.compile(r"/(?![/\\])[!-~]{0,2000}")
"""A path of this host: a browser takes two slashes, or a backslash, for the start of a name."""

ChangeHeaders = Callable[[MutableHeaders], None]


class AskedPage:
    """ASGI middleware that remembers in a cookie what a visitor asked for, until they are in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and change the headers of what comes back."""
        change = _change_for(scope) if scope["type"] == "http" else None
        if change is None:
            await self.app(scope, receive, send)
            return

        async def send_changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                change(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_changed)


def _change_for(scope: Scope) -> ChangeHeaders | None:
    """Return what becomes of the headers of an answer; None for most of them."""
    folder, _, name = scope["path"].rpartition("/")
    is_here = folder.strip("/") == st.get_option("server.baseUrlPath").strip("/")
    if scope["method"] != "GET" or not is_here or not sign_in.has_provider():
        return None
    asked = HTTPConnection(scope)
    if name == "oauth2callback":
        return partial(_lead_on, asked.cookies.get(COOKIE))
    is_page = "." not in name and "text/html" in asked.headers.get("accept", "")
    if not is_page or any(cookie.startswith(USER_COOKIE_NAME) for cookie in asked.cookies):
        return None
    query = scope["query_string"].decode("latin-1")
    return partial(_remember, quote(scope["path"]) + (f"?{query}" if query else ""))


def _remember(page: str, headers: MutableHeaders) -> None:
    if is_ours(page):
        _set_cookie(headers, quote(page, safe=""), _SECONDS)


def _lead_on(cookie: str | None, headers: MutableHeaders) -> None:
    page = unquote(cookie or "")
    if is_ours(page) and "location" in headers:
        headers["location"] = page
        _set_cookie(headers, "", 0)


def is_ours(page: str) -> bool:
    """Return whether an address, as a cookie holds it, leads to a page of this host."""
    return _OURS.fullmatch(page) is not None


def _set_cookie(headers: MutableHeaders, value: str, seconds: int) -> None:
    # Lax: the provider sends the browser back from another site.
    headers.append(
        "set-cookie", f"{COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax"
    )
