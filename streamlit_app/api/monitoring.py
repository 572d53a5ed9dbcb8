"""What is watched from outside: ``/healthz``, ``/metrics``, and how long each request took."""

from __future__ import annotations

import hmac
import logging
import time
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db import environment
from db.errors import DbError
from streamlit_app.server import health, metrics

_NEVER_STORED: Final = {"Cache-Control": "no-store"}
_log = logging.getLogger(__name__)


class Watched:
    """ASGI middleware that records how long each request took; it logs no address and no body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record it once it is answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, code = time.perf_counter(), 500

        async def send_and_note(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            _record(scope, code, time.perf_counter() - begun)


def _record(scope: Scope, code: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "other")
    metrics.observe(scope["method"], route, code, seconds)
    if _log.isEnabledFor(logging.INFO):
        fields: dict[str, Any] = {"method": scope["method"], "route": route, "status": code}
        sitting = scope.get("state", {}).get("sitting")
        if sitting is not None:
            fields["reviewer_id"] = sitting.reviewer_id
        fields["milliseconds"] = round(1000 * seconds, 1)
        _log.info("request", extra={"fields": fields})


async def _show_health(_: Request) -> Response:
    code, content = health.as_answer(await run_in_threadpool(health.read_health))
    return JSONResponse(content, code, _NEVER_STORED)


async def _show_metrics(request: Request) -> Response:
    token = environment.read_text("LLAMACARE_METRICS_TOKEN")
    if not token:
        return PlainTextResponse("Not found: LLAMACARE_METRICS_TOKEN is not set.\n", 404)
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return PlainTextResponse("Send the header 'Authorization: Bearer TOKEN'.\n", 401)
    try:
        figures = await run_in_threadpool(metrics.exposition)
    except DbError as error:
        _log.warning("No metrics: %s", error)
        return PlainTextResponse("The store does not answer; see /healthz.\n", 503)
    return Response(figures, 200, _NEVER_STORED, metrics.CONTENT_TYPE)


ROUTES: Final = [Route("/healthz", _show_health), Route("/metrics", _show_metrics)]
