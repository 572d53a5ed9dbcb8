"""Start a run from the store: freeze what it reads, write its settings, launch its process."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.connection import Database
from db.home import runs_dir
from db.records import TrainingRun
from db.snapshot import freeze
from db.training_runs import add_training_run
from training.launch import launch
from training.run_dir import RunDir
from training.settings import PredictionSettings, Preset, get_preset


def start_run(
    database: Database, preset: str, started_by: str, base_run_id: str | None = None
) -> str:
    """Start a training run in the background and return at once.

    Args:
        database: Its items, labels and corrections are frozen as they stand.
        preset: Name of a preset.
        started_by: Id of the reviewer who asked for it.
        base_run_id: The run that this one should be compared with.

    Returns:
        The id of the new run.

    Raises:
        SettingsError: The preset does not exist or is not valid.
        DbError: The snapshot cannot be frozen.
        LaunchError: No process could be started.
    """
    run_dir = prepare_run(database, get_preset(preset), started_by, base_run_id)
    launch(run_dir)
    return run_dir.run_id


def prepare_run(
    database: Database, preset: Preset, started_by: str, base_run_id: str | None = None
) -> RunDir:
    """Make the run directory of a new training run and note it in the store; nothing starts."""
    fields = {
        "task": "train",
        "description": preset.description,
        "settings": preset.settings.model_dump(mode="json"),
        "base_run_id": base_run_id,
    }
    return _prepare(database, preset.name, fields, started_by)


def prepare_prediction(
    database: Database, settings: PredictionSettings, started_by: str, name: str = "answer"
) -> RunDir:
    """Make the run directory of a new prediction run and note it in the store; nothing starts."""
    fields = {
        "task": "predict",
        "description": "Answers every item; nothing is trained.",
        "settings": settings.model_dump(mode="json"),
        "base_run_id": settings.artifact_run_id,
    }
    return _prepare(database, name, fields, started_by)


def _prepare(database: Database, name: str, fields: dict[str, Any], started_by: str) -> RunDir:
    now = datetime.now(UTC)
    run_dir = RunDir.create(runs_dir(), name, now)
    try:
        manifest = freeze(database.cursor(), run_dir.snapshot_path, created_by=started_by)
    except BaseException:
        shutil.rmtree(run_dir.path)
        raise
    settings = {
        "preset": name,
        **fields,
        "snapshot_id": manifest.snapshot_id,
        "started_by": started_by,
    }
    # The store first: a page that finds settings.json before would note the run itself.
    with database.transaction() as cur:
        add_training_run(
            cur,
            TrainingRun(
                run_id=run_dir.run_id,
                preset=name,
                state="queued",
                settings=settings,
                created_at=now,
                created_by=started_by,
                base_run_id=fields["base_run_id"],
            ),
        )
    run_dir.write_settings(settings)
    return run_dir


def is_run_dir(path: Path) -> bool:
    """Tell whether a path is a run directory that can be executed."""
    return (path / "settings.json").is_file() and (path / "snapshot").is_dir()
