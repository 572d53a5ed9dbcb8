"""Headers that keep a page from loading or running anything that this server did not send.

Model text is escaped where it is drawn. These headers are the second wall: should a text ever get
through, the browser still runs no foreign script, fetches no remote image and calls no other host.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def _inline_script_hashes() -> str:
    """Return the hashes of the inline scripts of Streamlit's own page, the only ones allowed."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    digests = (
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _INLINE_SCRIPT.findall(page.read_text(encoding="utf-8"))
    )
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def content_security_policy() -> str:
    """Return the Content-Security-Policy sent with every answer.

    Styles need ``unsafe-inline``: Streamlit's emotion and plotly write style elements at run time.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {_inline_script_hashes()}".strip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """ASGI middleware that adds the headers to every HTTP answer; websockets pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "Content-Security-Policy": content_security_policy(),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        await self.app(scope, receive, send_with_headers)
