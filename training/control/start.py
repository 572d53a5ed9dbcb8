"""Start a run from the store: freeze what it reads, write its settings, launch its process."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from db.atomic_files import replaced_file
from db.connection import Database
from db.paths import runs_dir
from db.people.permissions import require
from db.records import TrainingRun
from db.retraining.snapshot import freeze
from db.retraining.training_runs import add_training_run
from db.retraining.trigger_policies import find_trigger_policy
from eci.questions.prompts import load_template
from training.control.ingest import refresh
from training.control.launch import launch
from training.endpoint.client import check_endpoint
from training.errors import LaunchError
from training.head.refit import is_quick, run_recalibration, run_refit
from training.run.energy import WORLD, estimated
from training.run.execution import HEAD_DEVICE, RunContext, execute
from training.run.json_files import write_json
from training.run.run_dir import RunDir
from training.settings.endpoints import EndpointSettings
from training.settings.launchers import LOCAL, Launcher
from training.settings.training import (
    AdoptionSettings,
    PredictionSettings,
    Preset,
    RecalibrationSettings,
    RefitSettings,
)

REFIT = "refit"
RECALIBRATE = "recalibrate"
ENDPOINT = "endpoint"
"""Name the runs of these tiers where a preset names the others."""
_DESCRIPTIONS: Final = {
    "refit": "Refits the head on cached features; base model and adapter do not change.",
    "recalibrate": "Refits the temperature on held-out items; adapter and head do not change.",
    "adopt": "Makes a model of an adapter that plain PEFT saved; nothing is trained.",
    "predict": "Answers every item; nothing is trained.",
}
"""By task."""


def start_prediction(
    database: Database,
    settings: PredictionSettings,
    started_by: str,
    launcher: Launcher = LOCAL,
) -> str:
    """Start a prediction of all items in the background.

    Raises:
        NotPermittedError: The person's role is not open to it.
        DbError: The snapshot cannot be frozen.
        LaunchError: No process could be started.
    """
    require(database.cursor(), started_by, "train")
    run_dir = prepare_prediction(database, settings, started_by, launcher=launcher)
    launch(run_dir)
    return run_dir.run_id


def start_endpoint(database: Database, settings: EndpointSettings, started_by: str) -> str:
    """Start asking an endpoint for answers to all items in the background.

    Raises:
        NotPermittedError: The person's role is not open to it.
        EndpointError: The endpoint refuses such requests or cannot be reached; nothing was written.
        DbError: The snapshot cannot be frozen.
        LaunchError: No process could be started.
    """
    require(database.cursor(), started_by, "train")
    check_endpoint(settings)
    run_dir = prepare_endpoint(database, settings, started_by)
    launch(run_dir)
    return run_dir.run_id


def prepare_refit(
    database: Database,
    settings: RefitSettings | RecalibrationSettings,
    started_by: str,
    base_run_id: str | None = None,
    **noted: str,
) -> RunDir:
    """Make the run directory of a new refit or recalibration; nothing starts."""
    task = REFIT if isinstance(settings, RefitSettings) else RECALIBRATE
    base = base_run_id or settings.artifact_run_id
    return _prepare(database, task, task, settings, started_by, base_run_id=base, **noted)


def start_quick(database: Database, run_dir: RunDir) -> None:
    """Execute a run at once if it needs no language model, else launch its process.

    Fitting a head is numpy's work of less than a second: a process of its own would take longer
    to start than to do it.
    """
    if not is_quick(run_dir):
        launch(run_dir)
        return
    stored = run_dir.read_settings()
    fit = run_refit if stored["task"] == "refit" else run_recalibration

    def work(context: RunContext) -> None:
        with estimated(run_dir, str(stored.get("country", WORLD))):
            fit(context)

    execute(run_dir, work, device=HEAD_DEVICE)
    refresh(database, runs_dir())


def prepare_run(
    database: Database,
    preset: Preset,
    started_by: str,
    base_run_id: str | None = None,
    **noted: Any,
) -> RunDir:
    """Make the run directory of a new training run and note it in the store; nothing starts."""
    noted = {"description": preset.description, "base_run_id": base_run_id, **noted}
    return _prepare(database, preset.name, "train", preset.settings, started_by, **noted)


def prepare_adoption(database: Database, settings: AdoptionSettings, started_by: str) -> RunDir:
    """Make the run directory of a run that makes a model of a plain adapter; nothing starts."""
    return _prepare(database, "adopt", "adopt", settings, started_by)


def prepare_prediction(
    database: Database,
    settings: PredictionSettings,
    started_by: str,
    launcher: Launcher = LOCAL,
) -> RunDir:
    """Make the run directory of a new prediction run and note it in the store; nothing starts."""
    noted = {"base_run_id": settings.artifact_run_id, "launcher": launcher.model_dump(mode="json")}
    return _prepare(database, "answer", "predict", settings, started_by, **noted)


def prepare_endpoint(database: Database, settings: EndpointSettings, started_by: str) -> RunDir:
    """Make the run directory of a run that asks an endpoint; nothing starts."""
    template = load_template()
    noted: dict[str, Any] = {
        "description": "A model behind an endpoint answers every item; nothing is trained.",
        "prompt": {"template": template.name, "template_digest": template.digest},
    }
    return _prepare(database, ENDPOINT, "predict", settings, started_by, **noted)


def _prepare(
    database: Database, name: str, task: str, settings: BaseModel, started_by: str, **noted: Any
) -> RunDir:
    """Make the run directory and note the run in the store: both, or neither.

    Raises:
        LaunchError: A file cannot be written.
    """
    now = datetime.now(UTC)
    fields = {
        "task": task,
        "description": _DESCRIPTIONS.get(task),
        "settings": settings.model_dump(mode="json"),
        "base_run_id": None,
        **noted,
    }
    try:
        run_dir = RunDir.create(runs_dir(), name, now)
        try:
            _write_run(database, run_dir, name, fields, started_by, now)
        except BaseException:
            shutil.rmtree(run_dir.path, ignore_errors=True)
            raise
    except OSError as error:
        raise LaunchError(
            f"The run was not started: {error.strerror} ({runs_dir()}). Free space or give access "
            "there, and try again."
        ) from error
    return run_dir


def _write_run(
    database: Database,
    run_dir: RunDir,
    name: str,
    fields: dict[str, Any],
    started_by: str,
    now: datetime,
) -> None:
    # Written before the store has the run, so that a full disk refuses both; named settings.json
    # afterwards, since a page that finds that would note the run itself.
    with replaced_file(run_dir.settings_path) as partial, database.transaction() as cur:
        manifest = freeze(cur, run_dir.snapshot_path, created_by=started_by)
        settings = {
            "preset": name,
            **fields,
            "snapshot_id": manifest.snapshot_id,
            "started_by": started_by,
            "country": _country(database),
        }
        training_run = TrainingRun(
            run_id=run_dir.run_id,
            preset=name,
            state="queued",
            settings=settings,
            created_at=now,
            created_by=started_by,
            base_run_id=fields["base_run_id"],
        )
        add_training_run(cur, training_run)
        write_json(partial, settings)


def _country(database: Database) -> str:
    """Return the country whose electricity mix a run's emissions are computed with."""
    stored = find_trigger_policy(database.cursor())
    return WORLD if stored is None else str(stored.policy.get("country", WORLD))


def is_run_dir(path: Path) -> bool:
    """Return whether a path is a run directory that can be executed."""
    return (path / "settings.json").is_file() and (path / "snapshot").is_dir()
