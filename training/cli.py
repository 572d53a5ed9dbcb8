"""Command line of the training package: ``python -m training``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click

from db.cli.asking import HandedOverError, asked_now, hand_over
from db.cli.frame import echo, reached_database
from db.connection import opened_database
from db.conversions import replace_lone_surrogates
from db.errors import DatabaseLockedError, DbError
from db.paths import builds_dir, runs_dir
from db.retraining.judged_answers import list_judged_answers
from db.retraining.snapshot import read_snapshot
from db.viewer import EVERYTHING
from eci.errors import EciError
from eci.model.artifact import read_plain_adapter
from eci.model.base_model import Quantization
from eci.questions.exemplars import CHOICES, Choice
from training.control.ingest import refresh
from training.control.plan import (
    TIERS,
    Tier,
    as_sequence_classification,
    make_plan,
    prepare_plan,
)
from training.control.run_duration import describe_expected, expected_seconds
from training.control.start import (
    is_run_dir,
    prepare_adoption,
    prepare_endpoint,
    prepare_prediction,
)
from training.data.build import BENCHMARKS, Benchmark, Build, build, build_test
from training.data.build_files import count_rows, write_build
from training.data.formats import BUILD_FORMATS, FORMATS, BuildFormat
from training.endpoint.client import check_endpoint
from training.endpoint.options import EndpointOptions, endpoint_options
from training.errors import RunDirError, TrainingError
from training.evaluation.agreement_cli import agreement_command
from training.evaluation.readings import read_new_answers
from training.evaluation.reporting.evidence_cli import evidence_command
from training.evaluation.reporting.report_cli import report_command
from training.evaluation.review_plan_cli import plan_review_command
from training.launchers.tasks import execute_stored
from training.run.execution import FINISHED
from training.run.run_dir import RunDir, current_status, list_run_dirs
from training.settings.endpoints import EndpointSettings
from training.settings.launchers import KINDS, Kind, get_launcher
from training.settings.training import (
    DataSettings,
    list_preset_faults,
    list_presets,
    parse_adoption_settings,
    parse_decision,
    parse_model_settings,
    parse_prediction_settings,
)

OPERATOR = "command line"


class _Commands(click.Group):
    """Turns our errors into one line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except HandedOverError as run:
            _in_foreground(RunDir(runs_dir() / run.value))
            return None
        except (TrainingError, DbError, EciError) as error:
            echo(f"Error: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Commands)
def main() -> None:
    """Retrain adapter and ECI head on reviewed items."""


main.add_command(agreement_command)
main.add_command(evidence_command)
main.add_command(report_command)
main.add_command(plan_review_command)


def _launcher_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the choice of a launcher to a command."""
    kind = click.option(
        "--launcher",
        type=click.Choice(KINDS),
        default="local",
        show_default=True,
        help="local: one process; accelerate: several processes or graphics cards of this machine; "
        "ray: a job on a Ray cluster.",
    )
    options = click.option(
        "-o",
        "--launcher-option",
        "launcher_options",
        multiple=True,
        metavar="NAME=VALUE",
        help="A setting of the launcher, instead of that in launchers.toml: num_processes=2.",
    )
    return kind(options(command))


def _from_anywhere(_: Any, __: Any, named: str | None) -> str | None:
    """Return the whole path of a file or folder that may be named: another process may read it."""
    is_path = named is not None and "/" in named and Path(named).exists()
    return str(Path(named or "").absolute()) if is_path else named


@main.command()
@click.argument("settings", required=False, callback=_from_anywhere)
@click.option(
    "--tier",
    type=click.Choice(TIERS),
    default="joint",
    show_default=True,
    help="recalibrate: milliseconds; refit the head: seconds; joint: adapter and head; gpu: the "
    "same on a graphics card.",
)
@click.option(
    "--from",
    "source",
    help="recalibrate, refit: the run to start from [default: the champion, else the newest model; "
    "a refit of 'base' takes the base model alone].",
)
@click.option(
    "--base",
    callback=_from_anywhere,
    help="refit: the base model, where its folder has moved [default: as it was].",
)
@click.option(
    "--form",
    type=click.Choice(["sequence-classification"]),
    help="refit of 'base': fit a head that python -m eci export --as sequence-classification "
    "takes: one matrix on the last state, without intercept.",
)
@click.option(
    "-d",
    "--decision",
    "decisions",
    multiple=True,
    metavar="NAME=VALUE",
    help="What errors cost, instead of that in the preset or the run to start from: "
    "cost=accuracy, macro_f1, ordinal or matrix; order.pubmedqa=['yes','maybe','no']; "
    "matrix.triage=[[0,1],[5,0]] (rows: gold labels, columns: decisions); target_error=0.05 (a "
    "person is asked about the rest); set_coverage=0.9; ask_unless_single=true. Repeatable.",
)
@_launcher_options
def run(
    settings: str | None,
    tier: Tier,
    source: str | None,
    base: str | None,
    form: str | None,
    decisions: tuple[str, ...],
    launcher: Kind,
    launcher_options: tuple[str, ...],
) -> None:
    """Retrain. SETTINGS of joint and gpu: the name of a preset, or the path of a TOML file.

    Freezes the store's items and corrections, trains in the foreground and takes the results in.
    While the app is on, it prepares the run and takes the results in.
    """
    chosen = get_launcher(launcher, launcher_options)
    with reached_database() as database:
        refresh(database, runs_dir())
        plan = make_plan(
            database,
            tier,
            preset=settings,
            source=source,
            base=base,
            launcher=chosen,
            decision=parse_decision(decisions),
        )
        if form:
            plan = as_sequence_classification(plan)
        echo(describe_expected(expected_seconds(runs_dir(), plan.name, plan.launcher)), err=True)
        run_dir = prepare_plan(database, plan, OPERATOR)
    _in_foreground(run_dir)


@main.command()
@click.option(
    "--base",
    callback=_from_anywhere,
    help="Base model [default: the bundled one, or that of --run].",
)
@click.option("--run", "run_id", help="Answer with adapter and head of this training run.")
@click.option(
    "--shots",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="Shots in every prompt.",
)
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
@_launcher_options
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
        trained = parse_model_settings(run_dir.read_model(), str(run_dir.settings_path))
        fields["model"] = trained.model_dump()
    if base:
        fields["model"] = {**fields.get("model", {"quantization": "none"}), "base": base}
    if thinking_tokens is not None:
        if run_id:
            raise click.UsageError("--run brings its own --thinking: its head was trained with it.")
        default = {"quantization": "none"}
        fields["model"] = {**fields.get("model", default), "thinking_tokens": thinking_tokens}
    settings = parse_prediction_settings(fields, "the command line")
    chosen = get_launcher(launcher, launcher_options)
    with reached_database() as database:
        run_dir = prepare_prediction(database, settings, OPERATOR, launcher=chosen)
    _in_foreground(run_dir)


def _predict_by_endpoint(settings: EndpointSettings) -> None:
    if asked_now() is None:  # else the process that asks has the key, and has checked
        check_endpoint(settings)
    with reached_database() as database:
        run_dir = prepare_endpoint(database, settings, OPERATOR)
    _in_foreground(run_dir)


@main.command()
@click.argument("adapter", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--base", callback=_from_anywhere, help="Its base model [default: the one that it names]."
)
@click.option(
    "--quantization", type=click.Choice(get_args(Quantization)), default="none", show_default=True
)
@click.option(
    "--max-prompt-tokens", type=click.IntRange(32, 32_768), default=768, show_default=True
)
@click.option(
    "--max-new-tokens",
    type=click.IntRange(0, 32_768),
    default=64,
    show_default=True,
    help="0: the category alone.",
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
    settings = parse_adoption_settings(fields, "the command line")
    with reached_database() as database:
        run_dir = prepare_adoption(database, settings, OPERATOR)
    _in_foreground(run_dir)


@main.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def execute(directory: Path) -> None:
    """Execute the run in DIRECTORY; a run with a checkpoint is resumed.

    This is what the app starts in the background. It does not touch the database.
    """
    if not is_run_dir(directory):
        raise TrainingError(
            f"{directory} is no run directory: it needs settings.json and snapshot/. "
            "Name one of those under runs/."
        )
    run_dir = RunDir(directory)
    _exit_for(execute_stored(run_dir), run_dir)


@main.command("build")
@click.option(
    "--shots",
    "num_shots",
    type=click.IntRange(0, 20),
    default=0,
    show_default=True,
    help="Answered examples in every prompt.",
)
@click.option("--benchmark", type=click.Choice(BENCHMARKS), default="all", show_default=True)
@click.option(
    "--format", "build_format", type=click.Choice(BUILD_FORMATS), default="chat", show_default=True
)
@click.option("--exemplars", type=click.Choice(CHOICES), default="balanced", show_default=True)
@click.option("--only-corrected", is_flag=True, help="Only items corrected by reviewers.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="[default: a folder under builds/]")
@click.option("--dry-run", is_flag=True, help="Print how many rows there would be; write nothing.")
def build_command(
    build_format: BuildFormat, out: Path | None, dry_run: bool, **choices: Any
) -> None:
    """Write training data as files for this or another tool: vetoes heeded, leaks refused.

    \b
    chat               chat JSON lines with what each record was made from
    huggingface        the same as a dataset folder that load_dataset reads
    prompt_completion  TRL's SFTTrainer: prompt and completion
    dpo                TRL's DPOTrainer: what reviewers corrected over what the model wrote
    kto                TRL's KTOTrainer: answers that reviewers accepted or rejected
    openai             OpenAI's fine-tuning: messages and nothing else
    alpaca, sharegpt   LLaMA-Factory, with dataset_info.json
    text_label         classifiers: texts with named classes, for load_dataset
    lm_eval            the test items as tasks of lm-evaluation-harness
    reference          LlamaCare's own script: one JSON array of its fields

    Training items alone, but for lm_eval. Items tagged step2&3 belong to usmle-step2 and to
    usmle-step3.
    """
    built = _build(build_format, **choices)
    if dry_run:
        for name, count in count_rows(built, build_format).items():
            echo(f"{name}: {count} rows")
        return
    if out is None:
        builds_dir().mkdir(parents=True, exist_ok=True)
        shots, snapshot = built.num_shots, built.snapshot_id[-8:]
        out = builds_dir() / f"{built.benchmark}-{shots}shot-{build_format}-{snapshot}"
    written = write_build(built, out, build_format)
    for path in written.files:
        echo(click.format_filename(path))
    counts = ", ".join(f"{name} {count}" for name, count in written.num_rows.items())
    echo(f"Rows: {counts}. {built.num_vetoed} items vetoed.", err=True)
    if written.num_changed_texts:
        echo(f"Chat markers broken up in {written.num_changed_texts} texts.", err=True)
    for warning in built.warnings:
        echo(warning, err=True)


def _build(
    build_format: BuildFormat,
    *,
    benchmark: Benchmark,
    num_shots: int,
    exemplars: Choice,
    only_corrected: bool,
    seed: int,
) -> Build:
    chosen = FORMATS[build_format]
    with reached_database(only_reads=True) as database:
        if chosen.is_of_answers:
            read_new_answers(database)
        cur = database.cursor()
        snapshot, answers = read_snapshot(cur, EVERYTHING), list_judged_answers(cur, EVERYTHING)
    if chosen.is_of_test:
        if num_shots or only_corrected:
            raise click.UsageError(f"{build_format} takes neither --shots nor --only-corrected.")
        return build_test(snapshot, benchmark=benchmark)
    made = build(
        snapshot,
        benchmark=benchmark,
        num_shots=num_shots,
        settings=DataSettings(exemplars=exemplars),
        only_corrected=only_corrected,
        seed=seed,
    )
    return replace(made, answers=answers)


@main.command()
def presets() -> None:
    """List the presets."""
    for preset in list_presets():
        echo(f"{preset.name}\t{preset.description}")
    for fault in list_preset_faults():
        echo(f"Left out: {fault}", err=True)


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_command(as_json: bool) -> None:
    """List the runs, newest first."""
    for run_dir in list_run_dirs(runs_dir()):
        fields: dict[str, Any] = {"run_id": replace_lone_surrogates(run_dir.run_id)}
        try:
            status = vars(current_status(run_dir))
        except RunDirError as error:
            damaged = replace_lone_surrogates(str(error))
            status = {"state": "damaged", "step": 0, "num_steps": 0, "message": damaged}
        fields |= {name: status[name] for name in ("state", "step", "num_steps", "message")}
        echo(json.dumps(fields) if as_json else "\t".join(str(v) for v in fields.values()))


def _in_foreground(run_dir: RunDir) -> None:
    if hand_over(run_dir.run_id):
        return  # this is the app, and the process that asked it executes the run
    echo(f"Run {run_dir.run_id}: {run_dir.path}", err=True)
    state = execute_stored(run_dir)
    # While the app is on, it takes the results in.
    with suppress(DatabaseLockedError), opened_database() as database:
        refresh(database, runs_dir())
    echo(run_dir.run_id)
    _exit_for(state, run_dir)


def _exit_for(state: str, run_dir: RunDir) -> None:
    message = run_dir.read_status().message
    if message != FINISHED:
        echo(f"Run {run_dir.run_id} {state}: {message}", err=True)
    if state != "succeeded":
        sys.exit(1)
