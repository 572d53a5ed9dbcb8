"""Directories of runs that can be started, and what becomes of those that were."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.connection import Database
from db.retraining.snapshot import freeze
from tests.support.waiting import LONGEST_SECONDS, wait_for
from training.control.launch import reap
from training.run.run_dir import RunDir
from training.settings.launchers import Launcher


def make_run_dir(
    database: Database,
    folder: Path,
    settings: Mapping[str, Any],
    launcher: Launcher | None = None,
    **fields: Any,
) -> RunDir:
    """Return the directory of a run that waits to be started, with a snapshot of the database."""
    run_dir = RunDir.create(folder, "test", datetime.now(UTC))
    freeze(database.cursor(), run_dir.snapshot_path, created_by="tests")
    if launcher is not None:
        fields["launcher"] = launcher.model_dump(mode="json")
    run_dir.write_settings({"settings": settings, "preset": "test", **fields})
    return run_dir


def wait_for_state(run_dir: RunDir, state: str, *, seconds: float = LONGEST_SECONDS) -> None:
    """Wait until a run that was started is in a state; at the end of a wait in vain, say why."""
    wait_for(
        lambda: reap(run_dir).state == state, seconds=seconds, explain=lambda: told_by(run_dir)
    )


def wait_for_end(run_dir: RunDir, state: str, *, seconds: float = LONGEST_SECONDS) -> None:
    """Wait for the end of a run that was started, which must end in this state."""
    wait_for(lambda: not reap(run_dir).is_active, seconds=seconds, explain=lambda: told_by(run_dir))
    assert run_dir.read_status().state == state, told_by(run_dir)


def wait_for_step(run_dir: RunDir, step: int) -> None:
    """Wait until a run that was started has taken a step, and fail as soon as it has ended."""

    def is_there() -> bool:
        status = reap(run_dir)
        assert status.is_active, told_by(run_dir)
        return status.step >= step

    wait_for(is_there, explain=lambda: told_by(run_dir))


def told_by(run_dir: RunDir) -> str:
    """Return the status of a run and the end of its log."""
    return f"{run_dir.read_status()}\n{run_dir.tail_log()}"


def kill(run_dir: RunDir) -> None:
    """Kill the process of a run, unless it is the test's own."""
    process = run_dir.read_status().process
    if process is not None and process.pid != os.getpid():
        process.kill()


def progress_of(run_dir: RunDir) -> list[dict[str, Any]]:
    """Return what a run reported at its steps."""
    return [dict(event.fields) for event in run_dir.read_events()[0] if event.kind == "progress"]


def states_of(run_dir: RunDir) -> list[str]:
    """Return the states that a run went through."""
    return [event.fields["state"] for event in run_dir.read_events()[0] if event.kind == "state"]


def files_of(run_dir: RunDir) -> set[str]:
    """Return the paths of all files of a run, relative to its directory."""
    return {str(file.relative_to(run_dir.path)) for file in run_dir.path.rglob("*")}
