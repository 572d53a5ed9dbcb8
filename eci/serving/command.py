"""``python -m eci serve``: answer questions over HTTP until a signal stops it."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from eci.model.choice import ModelChoice, model_options

if TYPE_CHECKING:
    from fastapi import FastAPI

TOKEN_VARIABLE: Final = "ECI_TOKEN"  # noqa: S105 (a name, no secret)
_SECONDS_TO_READ: Final = 0.3


@click.command()
@model_options
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=8080, type=click.IntRange(0, 65535))
@click.option("--batch-size", default=8, type=click.IntRange(1, 4096))
@click.option(
    "--waiting",
    default=512,
    type=click.IntRange(1, 100_000),
    help="Questions that may wait; more are refused with status 429.",
)
@click.option(
    "--wait-ms",
    default=4.0,
    type=click.FloatRange(0, 1000),
    help="How long a question waits for others to be computed with.",
)
@click.option(
    "--stop-seconds",
    default=120,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="How long after a signal to stop what was asked before is still computed; the rest is "
    "cut off.",
)
def serve(
    *,
    model_choice: ModelChoice,
    host: str,
    port: int,
    batch_size: int,
    waiting: int,
    wait_ms: float,
    stop_seconds: int,
) -> None:
    """Serve a model over HTTP: /v1/classify, /v1/judge, /v1/chat/completions.

    Each request needs the token in the environment variable ECI_TOKEN, where one is set; it must be
    set to listen on anything but this machine. What waits is answered before the server stops.

    \b
    curl localhost:8080/v1/classify -H 'Content-Type: application/json' \\
      -d '{"id": 1, "question": "Does it help?", "context": "It did.", "label_set": "pubmedqa"}'

    The interface is described at /docs; /healthz tells whether requests are answered, /metrics
    counts them.
    """
    token = os.environ.get(TOKEN_VARIABLE, "").strip() or None
    if token is None and not _is_loopback(host):
        raise click.UsageError(
            f"{host} can be reached from other machines: set {TOKEN_VARIABLE} to a long random "
            "text that clients must send, or listen on 127.0.0.1."
        )
    chosen = model_choice.check()

    from eci.serving.app import Limits, Version, create_app

    model = chosen.load()
    limits = Limits(
        batch_size,
        most_together=4 * batch_size,
        most_waiting=waiting,
        wait_seconds=wait_ms / 1000,
    )
    app = create_app(model, Version.of(chosen.name, chosen.artifact), token=token, limits=limits)
    _run(app, host, port, stop_seconds)


def _run(app: FastAPI, host: str, port: int, stop_seconds: int) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        """Reads what clients have sent by then before it stops."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            for server in self.servers:
                server.close()
            await asyncio.sleep(_SECONDS_TO_READ)
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="info",
        timeout_graceful_shutdown=stop_seconds,
    )
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
