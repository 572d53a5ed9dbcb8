"""``python -m eci serve``: answer questions over HTTP until a signal stops it."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Final, get_args

import click

from eci.model.artifact import read_info
from eci.model.base_model import DEFAULT_BASE, Quantization
from eci.model.bundled import default_models_dir

TOKEN_VARIABLE: Final = "ECI_TOKEN"  # noqa: S105 (a name, no secret)
_SECONDS_TO_STOP: Final = 30
_MAX_PROMPT_TOKENS: Final = 1024


@click.command()
@click.option(
    "--artifact",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with a trained head and adapter. Without it the head is the untrained one.",
)
@click.option("--base", help=f"Base model. [default: that of --artifact, else {DEFAULT_BASE}]")
@click.option(
    "--quantization",
    type=click.Choice(get_args(Quantization)),
    help="Of the base model. [default: that of --artifact, else none]",
)
@click.option("--device", default="auto", show_default=True, help="Such as cpu or cuda:0.")
@click.option(
    "--models-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where bundled models are unpacked. [default: models in $LLAMACARE_HOME]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--batch-size", default=8, show_default=True, type=click.IntRange(1, 4096))
@click.option(
    "--waiting",
    default=512,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Questions that may wait; more are refused with status 429.",
)
@click.option(
    "--wait-ms",
    default=4.0,
    show_default=True,
    type=click.FloatRange(0, 1000),
    help="How long a question waits for others to be computed with.",
)
def serve(
    *,
    artifact: Path | None,
    base: str | None,
    quantization: Quantization | None,
    device: str,
    models_dir: Path | None,
    host: str,
    port: int,
    batch_size: int,
    waiting: int,
    wait_ms: float,
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
    info = read_info(artifact) if artifact else None
    name = base or (info.base.name if info else DEFAULT_BASE)

    import uvicorn
    from transformers.utils import logging

    from eci.model.eci_model import EciModel
    from eci.serving.app import Limits, Version, create_app

    logging.disable_progress_bar()
    click.echo(f"Loading {name}.", err=True)
    model = EciModel.load(
        name,
        models_dir or default_models_dir(),
        artifact=artifact,
        quantization=quantization or (info.base.quantization if info else "none"),
        device=device,
        max_prompt_tokens=_MAX_PROMPT_TOKENS,
    )
    limits = Limits(
        batch_size,
        most_together=4 * batch_size,
        most_waiting=waiting,
        wait_seconds=wait_ms / 1000,
    )
    app = create_app(model, Version.of(name, artifact), token=token, limits=limits)
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        log_level="info",
        timeout_graceful_shutdown=_SECONDS_TO_STOP,
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
