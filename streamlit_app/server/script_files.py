"""Scripts and style sheets, Streamlit's and ours: compressed once each, and kept by the browser.

Streamlit sends its own as they are, 2.9 MB for one page. The address of ours changes with their
text, so that a browser never runs the script of another version.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from streamlit_app.markup import Html, element

ASSETS: Final = Path(__file__).parents[1] / "assets"
_STATIC: Final = Path(streamlit.__file__).parent / "static"
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
_LEVEL: Final = 6
_KEPT: Final = {"Cache-Control": "public, immutable, max-age=31536000", "Vary": "Accept-Encoding"}


@cache
def edition() -> str:
    """Return what is the same as long as our scripts are."""
    digest = hashlib.sha256()
    for file in _scripts():
        digest.update(str(file.relative_to(ASSETS)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def address(name: str) -> str:
    """Return the address of one of our scripts, named by its path in ``assets``."""
    return f"/assets/{edition()}/{name}"


def script(name: str) -> Html:
    """Return the element that runs one of them: the page's security policy runs none inside it."""
    return element("script", type="module", src=address(name))


def addresses(folder: str) -> list[str]:
    """Return the addresses of all our scripts in a folder of ``assets``."""
    return [
        address(str(file.relative_to(ASSETS)))
        for file in _scripts()
        if file.parent == ASSETS / folder
    ]


class ScriptFiles:
    """ASGI middleware that answers requests for these files, from memory."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file, or pass the request on."""
        is_get = scope["type"] == "http" and scope["method"] == "GET"
        file = _files().get(scope["path"]) if is_get else None
        if file is None:
            await self.app(scope, receive, send)
            return
        headers, media_type = dict(_KEPT), _MEDIA_TYPES[file.suffix]
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            body = await run_in_threadpool(_packed, file)
            headers["Content-Encoding"] = "gzip"
        else:
            body = await run_in_threadpool(file.read_bytes)
        await Response(body, headers=headers, media_type=media_type)(scope, receive, send)


def _scripts() -> list[Path]:
    return sorted(ASSETS.rglob("*.js"))


@cache
def _files() -> dict[str, Path]:
    ours = {address(str(file.relative_to(ASSETS))): file for file in _scripts()}
    theirs = {
        f"/{file.relative_to(_STATIC)}": file
        for file in _STATIC.rglob("*")
        if file.suffix in _MEDIA_TYPES
    }
    return {**theirs, **ours}


@cache
def _packed(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), _LEVEL, mtime=0)
