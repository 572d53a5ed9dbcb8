"""What the commands share: the options of every run, and executing it in the foreground."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from db.cli.asking import hand_over
from db.cli.frame import echo
from db.connection import opened_database
from db.errors import DatabaseLockedError
from db.paths import runs_dir
from training.control.ingest import refresh
from training.launchers.tasks import execute_stored
from training.run.execution import FINISHED
from training.run.run_dir import RunDir
from training.settings.launchers import KINDS

OPERATOR = "command line"


def with_launcher(command: Callable[..., None]) -> Callable[..., None]:
    """Add the choice of a launcher to a command."""
    kind = click.option(
        "--launcher",
        type=click.Choice(KINDS),
        default="local",
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


def from_anywhere(_: Any, __: Any, named: str | None) -> str | None:
    """Return the whole path of a file or folder that may be named: another process may read it."""
    is_path = named is not None and "/" in named and Path(named).exists()
    return str(Path(named or "").absolute()) if is_path else named


def in_foreground(run_dir: RunDir) -> None:
    if hand_over(run_dir.run_id):
        return  # this is the app, and the process that asked it executes the run
    echo(f"Run {run_dir.run_id}: {run_dir.path}", err=True)
    state = execute_stored(run_dir)
    # While the app is on, it takes the results in.
    with suppress(DatabaseLockedError), opened_database() as database:
        refresh(database, runs_dir())
    echo(run_dir.run_id)
    exit_for(state, run_dir)


def exit_for(state: str, run_dir: RunDir) -> None:
    message = run_dir.read_status().message
    if message != FINISHED:
        echo(f"Run {run_dir.run_id} {state}: {message}", err=True)
    if state != "succeeded":
        sys.exit(1)
