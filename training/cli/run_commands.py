"""``run``, ``execute``, ``presets`` and ``list``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from db.cli.frame import echo, reached_database
from db.conversions import replace_lone_surrogates
from db.paths import runs_dir
from training.cli.foreground import OPERATOR, exit_for, from_anywhere, in_foreground, with_launcher
from training.control.ingest import refresh
from training.control.plan import TIERS, Tier, as_sequence_classification, make_plan, prepare_plan
from training.control.run_duration import describe_expected, expected_seconds
from training.control.start import is_run_dir
from training.errors import RunDirError, TrainingError
from training.launchers.tasks import execute_stored
from training.run.run_dir import RunDir, current_status, list_run_dirs
from training.settings.launchers import Kind, get_launcher
from training.settings.training import list_preset_faults, list_presets, parse_decision


@click.command()
@click.argument("settings", required=False, callback=from_anywhere)
@click.option(
    "--tier",
    type=click.Choice(TIERS),
    default="joint",
    help="recalibrate: milliseconds; refit the head: seconds; joint: adapter and head; gpu: the "
    "same on a graphics card.",
)
@click.option(
    "--from",
    "source",
    help="recalibrate, refit: the run to start from [default: the champion, else the newest model; "
    "a refit of 'base' takes the base model alone]. joint, gpu: the run, or 'champion', whose "
    "adapter training goes on from [default: as the preset says, else a new one; 'base': a new "
    "one].",
)
@click.option(
    "--base",
    callback=from_anywhere,
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
@with_launcher
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
    in_foreground(run_dir)


@click.command()
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
    exit_for(execute_stored(run_dir), run_dir)


@click.command()
def presets() -> None:
    """List the presets."""
    for preset in list_presets():
        echo(f"{preset.name}\t{preset.description}")
    for fault in list_preset_faults():
        echo(f"Left out: {fault}", err=True)


@click.command("list")
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
