"""A large answer reaches the browser whole, and the network in parts."""

from __future__ import annotations

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from streamlit_app.server.large_answers import PART_BYTES, LargeAnswers


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES, 1_000_003])
def test_a_body_arrives_whole_and_in_parts(size: int) -> None:
    content = bytes(place % 251 for place in range(size))
    parts: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def count(message: Message) -> None:
            parts.append(len(message.get("body", b"")))
            await send(message)

        await LargeAnswers(Response(content))(scope, receive, count)

    answer = TestClient(app).get("/")
    assert answer.content == content
    assert answer.headers["Content-Length"] == str(size)
    assert max(parts) <= PART_BYTES
