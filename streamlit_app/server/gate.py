"""Which requests the server answers at all, and which prove that their sender is at this machine.

One middleware stands before every route: Streamlit's own, media, uploads, the websocket, our routes
and static files. Without it the websocket alone would look at the name it was called by, and a page
of another site could have its name point here and read the rest (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

_FORWARDING: Final = re.compile(
    r"forwarded|^via$|real-?ip|client-?ip|connecting-ip|remote-(addr|ip)|x-original|x-envoy|^cf-ray$",
    re.IGNORECASE,
)
"""Headers that only a proxy adds: who they name is not proven, but someone stands in between."""
_CLOSED: Final = re.compile(r"/_stcore/metrics/*$")
"""Figures about sessions and memory, which the app has no use for."""
_HARMLESS_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_WRONG_HOST: Final = (
    "This server does not answer to the name in the address. Open the app by a name in "
    "allowedHosts of .streamlit/config.toml, or add this one there.\n"
)
_WRONG_ORIGIN: Final = "Pages of other sites may not send this request. Open the app's own page.\n"


def is_private(bound: str | None, visitor: str | None, headers: Iterable[str]) -> bool:
    """Return whether only the person at this machine can reach the app, and this is they.

    Args:
        bound: Address that the server listens on; None: all of them.
        visitor: Address that the connection comes from; None: this machine.
        headers: Names of the request's headers. One that a proxy adds means that the connection
            comes from the proxy and the visitor from anywhere.
    """
    return (
        bound is not None
        and _is_loopback(bound)
        and (visitor is None or _is_loopback(visitor))
        and not any(map(_FORWARDING.search, headers))
    )


class Gate:
    """ASGI middleware that refuses what comes by another host's name or from another site."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before any of its body is read."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(1008)(scope, receive, send)
        else:
            await refusal(scope, receive, send)


def _refusal(scope: Scope) -> PlainTextResponse | None:
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_host_allowed(hosts[0]):
        return PlainTextResponse(_WRONG_HOST, status_code=400)
    origin = headers.get("origin")
    # On the websocket too: Streamlit would let in any page of this machine, on another port.
    is_harmless = scope["type"] == "http" and scope["method"] in _HARMLESS_METHODS
    if not is_harmless and origin is not None and origin.partition("://")[2] != hosts[0]:
        return PlainTextResponse(_WRONG_ORIGIN, status_code=403)
    if _CLOSED.search(scope["path"]):
        return PlainTextResponse("Not found\n", status_code=404)
    return None


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
