"""Who may send to our routes, and how much: a token is checked before any of a body is read."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.review.drafts import MAX_CHARACTERS
from streamlit_app.server.bodies import BodyError, read_body
from streamlit_app.server.programs import find_caller
from streamlit_app.server.tokens import Sitting, find_sitting
from streamlit_app.wording import say

MAX_BYTES: Final = 8 * MAX_CHARACTERS
"""More than a judgement with the longest answer and note: a character has up to 4 bytes."""
_WITH_BODY: Final = ("POST", "PUT", "PATCH", "DELETE")


def problem(status_code: int, status: str, error: str, **more: object) -> Response:
    """Return the answer to a request that is not carried out.

    The connection is closed with it, so that the rest of a body need not be read.
    """
    return JSONResponse(
        {"status": status, "error": error, **more},
        status_code=status_code,
        headers={"Connection": "close", "Cache-Control": "no-store"},
    )


def _describes(scope: Scope) -> bool:
    """Return whether the description of the routes is asked for, which needs no token."""
    route = scope["path"].removeprefix(scope.get("root_path", ""))
    return route in ("/openapi.json", "/docs") or route.startswith("/docs/")


class Admission:
    """ASGI middleware that refuses strangers and bodies beyond our limits."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its sender, or answer why not."""
        if scope["type"] != "http" or _describes(scope):
            await self.app(scope, receive, send)
            return
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        sitting = await _find_sender(token.strip()) if scheme.lower() == "bearer" else None
        if sitting is None:
            await problem(401, "unauthorised", say("desk.no_token"))(scope, receive, send)
            return
        scope.setdefault("state", {})["sitting"] = sitting
        if scope["method"] not in _WITH_BODY:
            await self.app(scope, receive, send)
            return
        try:
            body = await read_body(Request(scope, receive), MAX_BYTES)
        except BodyError as error:
            refusal = problem(error.status, "invalid", str(error))
            await refusal(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


async def _find_sender(token: str) -> Sitting | None:
    """Return who sends: a person at a desk, whose token is signed, else a program."""
    return find_sitting(token) or await run_in_threadpool(find_caller, token)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a stream that yields a body that was read, then what the connection says next."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
