"""Addresses of pages that stand elsewhere now: links and bookmarks still lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

import streamlit as st
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOVED: Final[Mapping[str, tuple[str, str | None]]] = {
    "browse": ("items", None),
    "adjudicate": ("agreement", "adjudicate"),
    "errors": ("quality", "errors"),
    "compare": ("quality", "compare"),
    "training_data": ("training", "data"),
    "models": ("training", "models"),
    "lineage": ("training", "lineage"),
    "data": ("settings", "data"),
    "people": ("settings", "people"),
}
"""Room and part by the former address."""
OF_REVIEW: Final = frozenset({"item", "queue", "run", "show", "search", "order"})
"""Parameters by which an address without a page is one of Review, which was the first page."""


class Moved:
    """ASGI middleware that answers a former address with the one that took its place."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the browser on, or pass the request on."""
        address = _new_address(scope) if scope["type"] == "http" else None
        answer = self.app if address is None else RedirectResponse(address, 302)
        await answer(scope, receive, send)


def _new_address(scope: Scope) -> str | None:
    """Return the address that took the place of the one asked for, relative to it, or None."""
    folder, _, name = scope["path"].rpartition("/")
    asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if folder.strip("/") != st.get_option("server.baseUrlPath").strip("/"):
        return None
    if name == "" and OF_REVIEW & {key for key, _ in asked}:
        name = "review"
    elif name not in MOVED:
        return None
    room, part = MOVED.get(name, (name, None))
    query = urlencode([*asked, *([("part", part)] if part else [])])
    return f"{room}?{query}" if query else room
