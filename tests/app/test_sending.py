"""A large answer reaches the browser whole, and the network in parts; each part leaves at once."""

from __future__ import annotations

import socket

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from streamlit_app.server.sending import PART_BYTES, LargeAnswers, send_at_once


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


def test_connections_accepted_later_send_at_once() -> None:
    with socket.socket() as listening:  # as Streamlit makes its own: without a protocol
        listening.bind(("localhost", 0))
        listening.listen()
        send_at_once()
        with socket.create_connection(listening.getsockname()) as browser:
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                accepted.sendall(b"still open")
            assert browser.recv(10) == b"still open"
        listening.getsockname()  # not closed by what looked at it
