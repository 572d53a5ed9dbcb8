"""Features of new items, computed before anybody asks for a refit, while no run goes on.

A process like that of a run, in a directory of its own under the cache. It gives way as soon as a
run goes on, and goes on itself afterwards. Features are kept in parts, so an end of any kind loses
one part at most; the directory itself may be deleted at any time.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from db.connection import Database
from db.environment import read_number
from db.errors import SnapshotError
from db.paths import cache_dir
from db.retraining.snapshot import content_version, write_snapshot
from db.retraining.training_runs import list_active_run_ids
from training.control.launch import cancel, launch, reap
from training.control.plan import make_plan
from training.run.run_dir import RunDir, list_run_dirs
from training.run.status import Status
from training.settings.training import RefitSettings

PREFILL: Final = "prefill"
_VARIABLE: Final = "LLAMACARE_FEATURES_AHEAD"
_seen: dict[Path, str] = {}
"""By folder of jobs: the items and the model for which this process has looked for work."""


def find_job() -> tuple[RunDir, Status] | None:
    """Return the newest job with its status; None where there was none.

    Raises:
        RunDirError: Its files are damaged.
    """
    found = list_run_dirs(_folder())
    return (found[0], reap(found[0])) if found else None


def update(database: Database) -> None:
    """Start a job where items have come in, stop it for a run, let it go on; cheap without news.

    Raises:
        DbError: The items cannot be read.
        TrainingError: The job's files are damaged, or no process could be started.
    """
    cur = database.cursor()
    found, is_busy = find_job(), bool(list_active_run_ids(cur))
    if found and found[1].is_active:
        if is_busy:
            cancel(found[0])
        return
    if is_busy or not read_number(_VARIABLE):
        return
    if found and found[1].state == "cancelled" and "stopped_by" not in found[0].read_settings():
        launch(found[0])
        return
    version = content_version(cur)
    if _seen.get(_folder()) != version:
        _seen[_folder()] = version
        _start(database, version, found)


def stop(job: RunDir, reviewer_id: str) -> None:
    """Stop a job for a person: it starts again only when further items have come in."""
    job.write_settings({**job.read_settings(), "stopped_by": reviewer_id})
    cancel(job)


def _folder() -> Path:
    return cache_dir() / "features_ahead"


def _start(database: Database, version: str, found: tuple[RunDir, Status] | None) -> None:
    """Start a job, unless the last one was for the same items and came to an end of its own."""
    settings = make_plan(database, "refit").settings
    assert isinstance(settings, RefitSettings)  # noqa: S101 - narrows types
    version = f"{version} {settings.artifact_run_id}"
    if found and found[0].read_settings().get("version") == version:
        if found[1].state == "interrupted":
            launch(found[0])
        return
    shutil.rmtree(_folder(), ignore_errors=True)
    job = RunDir.create(_folder(), PREFILL, datetime.now(UTC))
    try:
        write_snapshot(database.cursor(), job.snapshot_path)
    except SnapshotError:  # no item has a label yet
        shutil.rmtree(job.path)
        return
    fields = {"task": PREFILL, "settings": settings.model_dump(mode="json"), "version": version}
    job.write_settings(fields)
    launch(job)
