"""Bodies of requests to our own routes: read within limits of size and time, or refused."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from db.conversions import parse_json

_READING_SECONDS: Final = 30.0
"""Longest time that a sender may take: a slow one holds a connection, and nothing else."""


class BodyError(Exception):
    """A body that is not used; the message says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return a body that is one JSON object, of which no more than a limit is ever read.

    Who sends it must have been checked before: nothing is read for a stranger.

    Raises:
        BodyError: The body is too long, too slow, or no JSON object.
    """
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
    return bytes(text)
