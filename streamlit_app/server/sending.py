"""How answers go to the network: large ones in parts, and each part at once.

No other request waits for a download then, and the body of a small answer not for the browser to
acknowledge its head.
"""

from __future__ import annotations

import os
import socket
from typing import Final

import psutil
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PART_BYTES: Final = 1 << 18
"""Given to the network at once. It takes the next part when this one has left, while the server
answers others; a whole export at once is copied first, and all wait for that."""


class LargeAnswers:
    """ASGI middleware that divides the bodies of HTTP answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and its answer back, a large body in parts."""

        async def send_in_parts(message: Message) -> None:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or len(body) <= PART_BYTES:
                await send(message)
                return
            for start in range(0, len(body), PART_BYTES):
                is_last = start + PART_BYTES >= len(body)
                more = not is_last or message.get("more_body", False)
                part = bytes(memoryview(body)[start : start + PART_BYTES])
                await send({"type": message["type"], "body": part, "more_body": more})

        await self.app(scope, receive, send_in_parts if scope["type"] == "http" else send)


def send_at_once() -> None:
    """Stop Nagle's algorithm for all connections that this process will accept.

    asyncio does so for sockets that name their protocol. Streamlit's names none, and a browser
    acknowledges the head of an answer after 40 ms: so long the body waited
    (uvicorn issue 3149). Accepted connections inherit the setting.
    """
    for found in psutil.Process().net_connections("tcp"):
        if found.status == psutil.CONN_LISTEN:
            with socket.socket(fileno=os.dup(found.fd)) as listening:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
