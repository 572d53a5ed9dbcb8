"""Addresses that no page has: a page of our own says so, and leads back."""

from __future__ import annotations

from typing import Final, get_args

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamlit_app import theme
from streamlit_app.markup import element
from streamlit_app.session.rooms import Room
from streamlit_app.wording import say

_KNOWN: Final = {"", "index.html", *get_args(Room)}


class Unknown:
    """ASGI middleware that answers a visit to an address which Streamlit takes for any page.

    Streamlit sends its page for whatever it has no file for, which then opens the first room below
    a dialog about a folder of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; in place of Streamlit's page, say that there is none."""
        if not _is_unknown(scope):
            await self.app(scope, receive, send)
            return
        is_streamlits = False

        async def answer(message: Message) -> None:
            nonlocal is_streamlits
            if message["type"] == "http.response.start":
                kind = Headers(scope=message).get("content-type", "")
                is_streamlits = message["status"] == 200 and kind.startswith("text/html")
                if is_streamlits:
                    await HTMLResponse(page(), status_code=404)(scope, receive, send)
            if not is_streamlits:
                await send(message)

        await self.app(scope, receive, answer)


def page() -> str:
    """Return the page that says so."""
    app = say("navigation.app")
    rooms = [
        element("li", element("a", say(f"navigation.{room}"), href=_folder() + address))
        for room, address in (("home", ""), ("review", "review"))
    ]
    main = element(
        "main",
        element("h1", say("unknown.title"), cls="lc-room"),
        element("p", say("unknown.what")),
        element("ul", *rooms),
        cls="lc-unknown stHtml",
    )
    title = element("title", f"{say('unknown.title')} · {app}")
    return f'<!doctype html><html lang="en"><head>{title}{theme.style()}</head>{main}</html>'


def _is_unknown(scope: Scope) -> bool:
    """Return whether a person asks for a page that is none of ours; not for a file or the API."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    if Headers(scope=scope).get("sec-fetch-dest") != "document":
        return False
    path = str(scope["path"])
    if not path.startswith(_folder()):
        return True
    name = path.removeprefix(_folder()).rstrip("/")
    return name not in _KNOWN and not name.startswith("api/") and "." not in name


def _folder() -> str:
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}/" if base else "/"
