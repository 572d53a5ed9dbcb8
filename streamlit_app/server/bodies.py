"""Bodies of requests to our own routes: read within limits of size and time, or refused."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from db.conversions import parse_json

_READING_SECONDS: Final = 30.0
"""Longest time that a sender may take: a slow one holds a connection, and nothing else."""


class BodyError(Exception):
    """A body that is not used; ``answer`` says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.answer: Response = refuse(status, message)


def refuse(status: int, message: str) -> Response:
    """Return the answer to a request that is not carried out.

    The connection is closed with it, so that the rest of a body need not be read.
    """
    return JSONResponse({"error": message}, status_code=status, headers={"Connection": "close"})


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return a body that is one JSON object, of which no more than a limit is ever read.

    Who sends it must have been checked before: nothing is read for a stranger.

    Raises:
        BodyError: The body is too long, too slow, or no JSON object.
    """
    body, _ = await _read(request, max_bytes)
    return body


async def read_object(request: Request, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object in a body; see :func:`read_body`.

    Raises:
        BodyError: The body is too long, too slow, or no JSON object without others inside.
    """
    _, sent = await _read(request, max_bytes)
    if any(isinstance(part, dict | list) for part in sent.values()):
        raise BodyError(400, "The body is no JSON object of texts and numbers. Send one.")
    return sent


async def _read(request: Request, max_bytes: int) -> tuple[bytes, dict[str, Any]]:
    text = bytearray()
    try:
        async with asyncio.timeout(_READING_SECONDS):
            async for chunk in request.stream():
                text += chunk
                if len(text) > max_bytes:
                    message = f"The body is longer than the {max_bytes:,} bytes that are read here."
                    raise BodyError(413, message)
    except TimeoutError as error:
        message = f"The body did not arrive within {_READING_SECONDS:g} s. Send it again."
        raise BodyError(408, message) from error
    except ClientDisconnect as error:
        raise BodyError(400, "The connection was closed before the body had arrived.") from error
    try:
        sent = parse_json(text.decode())
    except ValueError as error:
        raise BodyError(400, "The body is no JSON object. Send one in UTF-8.") from error
    if not isinstance(sent, dict):
        raise BodyError(400, "The body is no JSON object. Send one.")
    return bytes(text), sent
