"""Endpoints to ask: our own server with the random model, and one that replies as it is told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

KEY = "sk-canary-5f1d2c9b"
VARIABLE = "TEST_ENDPOINT_KEY"


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(base: Path, home: Path, port: int) -> Iterator[str]:
    """Start ``python -m eci serve`` with a model, and yield the address of its interface."""
    environment = {**os.environ, "LLAMACARE_HOME": str(home), "ECI_TOKEN": KEY}
    command = ["serve", "--base", str(base), "--device", "cpu", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "eci", *command], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_healthy(process, port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(60)


def wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until our server answers; fail as soon as it has ended."""
    deadline = time.monotonic() + 80
    with httpx.Client() as client:  # which reads all certificates of the machine once
        while True:
            try:
                client.get(f"http://127.0.0.1:{port}/healthz").raise_for_status()
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)


def num_chats(url: str) -> int:
    """Return how many conversations our server has answered."""
    metrics = httpx.get(
        f"{url.removesuffix('/v1')}/metrics", headers={"Authorization": f"Bearer {KEY}"}
    ).text
    wanted = 'eci_requests_total{route="/v1/chat/completions",status="200"}'
    return int(
        sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith(wanted))
    )


@dataclass
class Scripted:
    """An endpoint whose replies a test decides.

    Attributes:
        url: Its address.
        asked: The last turn of each conversation, in the order in which they came.
        headers: Of each request.
    """

    url: str = ""
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


Replied = tuple[int, dict[str, str], Any]
"""Status, headers, and what becomes JSON unless it is bytes."""


@contextmanager
def scripted(reply: Callable[[str, int], Replied]) -> Iterator[Scripted]:
    """Start an endpoint that answers with what ``reply`` gives for a turn and how often it came."""
    state = Scripted()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            turn = body["messages"][-1]["content"]
            with lock:
                state.asked.append(turn)
                state.headers.append(dict(self.headers))
                count = state.asked.count(turn)
            status, headers, content = reply(turn, count)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(text: str | None, **fields: Any) -> Replied:
    """Return a reply with a chat completion."""
    message = {"role": "assistant", "content": text, **fields.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **fields}
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return 200, {}, {"model": "scripted-1", "choices": [choice], "usage": usage}
