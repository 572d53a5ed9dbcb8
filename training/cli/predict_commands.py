"""``predict`` and ``adopt``: models that are not trained here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from db.cli.asking import asked_now
from db.cli.frame import reached_database
from db.paths import runs_dir
from eci.model.artifact import read_plain_adapter
from eci.model.base_model import Quantization
from training.cli.foreground import OPERATOR, from_anywhere, in_foreground, with_launcher
from training.control.start import prepare_adoption, prepare_endpoint, prepare_prediction
from training.endpoint.client import check_endpoint
from training.endpoint.options import EndpointOptions, endpoint_options
from training.errors import TrainingError
from training.run.run_dir import RunDir
from training.settings.endpoints import EndpointSettings
from training.settings.launchers import Kind, get_launcher
from training.settings.training import (
    AdoptionSettings,
    ModelSettings,
    PredictionSettings,
    parse_as,
)


@click.command()
@click.option(
    "--base",
    callback=from_anywhere,
    help="Base model [default: the bundled one, or that of --run].",
)
@click.option("--run", "run_id", help="Answer with adapter and head of this training run.")
@click.option("--shots", type=click.IntRange(0, 20), default=0, help="Shots in every prompt.")
@click.option(
    "--max-new-tokens",
    type=click.IntRange(0, 32_768),
    help="0: the category alone [default: 64; with --endpoint 1024].",
)
@click.option(
    "--thinking",
    "thinking_tokens",
    type=click.IntRange(0, 32_768),
    help="Let a thinking model think for up to this many tokens before it answers "
    "[default: as that of --run was trained, else 0].",
)
@endpoint_options
@with_launcher
def predict(
    base: str | None,
    run_id: str | None,
    thinking_tokens: int | None,
    shots: int,
    max_new_tokens: int | None,
    endpoint_choice: EndpointOptions,
    launcher: Kind,
    launcher_options: tuple[str, ...],
) -> None:
    """Predict all items of the store, in the foreground; nothing is trained.

    A run that was cut goes on with python -m training execute RUN_DIRECTORY; of an endpoint only
    items without an answer are asked.

    \b
    python -m training predict --endpoint https://HOST/v1 --model NAME --key-variable MY_KEY
    """
    if endpoint_choice.endpoint:
        if base or run_id or thinking_tokens is not None or launcher != "local":
            raise click.UsageError(
                "--endpoint computes elsewhere: leave out --base, --run, --thinking and --launcher."
            )
        _predict_by_endpoint(endpoint_choice.settings(shots, max_new_tokens))
        return
    endpoint_choice.refuse_without_endpoint()
    fields: dict[str, Any] = {
        "artifact_run_id": run_id,
        "evaluation": {
            "shots": shots,
            "max_new_tokens": 64 if max_new_tokens is None else max_new_tokens,
        },
    }
    if run_id:
        run_dir = RunDir(runs_dir() / run_id)
        trained = parse_as(ModelSettings, run_dir.read_model(), str(run_dir.settings_path))
        fields["model"] = trained.model_dump()
    if base:
        fields["model"] = {**fields.get("model", {"quantization": "none"}), "base": base}
    if thinking_tokens is not None:
        if run_id:
            raise click.UsageError("--run brings its own --thinking: its head was trained with it.")
        default = {"quantization": "none"}
        fields["model"] = {**fields.get("model", default), "thinking_tokens": thinking_tokens}
    settings = parse_as(PredictionSettings, fields, "the command line")
    chosen = get_launcher(launcher, launcher_options)
    with reached_database() as database:
        run_dir = prepare_prediction(database, settings, OPERATOR, launcher=chosen)
    in_foreground(run_dir)


def _predict_by_endpoint(settings: EndpointSettings) -> None:
    if asked_now() is None:  # else the process that asks has the key, and has checked
        check_endpoint(settings)
    with reached_database() as database:
        run_dir = prepare_endpoint(database, settings, OPERATOR)
    in_foreground(run_dir)


@click.command()
@click.argument("adapter", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--base", callback=from_anywhere, help="Its base model [default: the one that it names]."
)
@click.option("--quantization", type=click.Choice(get_args(Quantization)), default="none")
@click.option("--max-prompt-tokens", type=click.IntRange(32, 32_768), default=768)
@click.option(
    "--max-new-tokens", type=click.IntRange(0, 32_768), default=64, help="0: the category alone."
)
def adopt(
    adapter: Path,
    base: str | None,
    quantization: Quantization,
    max_prompt_tokens: int,
    max_new_tokens: int,
) -> None:
    """Make a model of ADAPTER, a folder that plain PEFT saved, and predict all items with it.

    Its head is untrained and gives what the adapted model gives: train one with
    run --tier refit --from RUN.
    """
    named = read_plain_adapter(adapter)
    if not (base or named):
        raise TrainingError(f"Adapter {adapter} names no base model. Name one with --base.")
    model = {"base": base or named, "quantization": quantization}
    fields = {
        "model": {**model, "max_prompt_tokens": max_prompt_tokens},
        "adapter": str(adapter.resolve()),
        "evaluation": {"max_new_tokens": max_new_tokens},
    }
    settings = parse_as(AdoptionSettings, fields, "the command line")
    with reached_database() as database:
        run_dir = prepare_adoption(database, settings, OPERATOR)
    in_foreground(run_dir)
