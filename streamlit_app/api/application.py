"""The application under ``/api/v1``; its errors are JSON, and say what to do next."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from db.errors import (
    AnnotationConflictError,
    DbError,
    ItemWithheldError,
    NotFoundError,
    NotPermittedError,
    QueueClosedError,
    SaveError,
)
from streamlit_app.api import desk_routes, program_routes
from streamlit_app.api.admission import Admission, problem
from streamlit_app.api.contract import PROBLEMS
from streamlit_app.api.monitoring import Watched
from streamlit_app.wording import say

_KINDS: Final[tuple[tuple[type[DbError], int, str], ...]] = (
    (SaveError, 503, "unavailable"),
    (NotPermittedError, 403, "refused"),
    (QueueClosedError, 403, "refused"),
    (NotFoundError, 404, "missing"),
    (DbError, 409, "refused"),
)
"""The answer to each kind of error; the first that fits."""
_MAX_FAULTS: Final = 5


def make_api() -> FastAPI:
    """Return the application."""
    api = FastAPI(
        title="LlamaCare-ECI",
        version="1",
        docs_url=None,  # loads scripts from a foreign host
        redoc_url=None,
        middleware=[Middleware(Watched), Middleware(Admission)],
        responses=PROBLEMS,
    )
    api.include_router(desk_routes.routes)
    api.include_router(program_routes.routes)
    api.mount("/docs/swagger", StaticFiles(packages=[("fastapi_offline", "static")]))
    api.mount("/docs", StaticFiles(packages=[("streamlit_app", "assets/api")], html=True))
    api.add_exception_handler(DbError, _describe)
    api.add_exception_handler(RequestValidationError, _describe_faults)
    api.add_exception_handler(HTTPException, _describe_route)
    return api


def _describe(request: Request, error: Exception) -> Response:
    del request
    if isinstance(error, AnnotationConflictError):
        standing = {
            "annotation_id": error.annotation_id,
            "labels": list(error.labels),
            "by": "",
            "at": error.created_at,
        }
        return problem(409, "conflict", str(error), standing=standing)
    if isinstance(error, ItemWithheldError):
        return problem(403, "withheld", str(error), queue_id=error.queue_id)
    code, status = next((code, status) for kind, code, status in _KINDS if isinstance(error, kind))
    return problem(code, status, str(error))


def _describe_faults(request: Request, error: Exception) -> Response:
    del request
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    found = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}"
        for fault in faults[:_MAX_FAULTS]
    )
    return problem(422, "invalid", say("desk.invalid", count=len(faults), faults=found))


def _describe_route(request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 500
    known = {404: "missing", 405: "invalid"}
    return problem(code, known.get(code, "invalid"), say("desk.no_route", path=request.url.path))
