"""Ingesting runs: the app owns the database file, so it reads what runs leave and stores it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from duckdb import DuckDBPyConnection

from db.child_process import child_process
from db.connection import Database
from db.content.predictions import add_predictions
from db.content.runs import add_run, find_run, get_run
from db.conversions import replace_lone_surrogates
from db.errors import DbError, SaveError
from db.records import Run, TrainingRun, TrainingState
from db.retraining.lineage import add_training_records
from db.retraining.model_versions import find_by_alias, register_model
from db.retraining.out_of_fold import add_out_of_fold
from db.retraining.run_energy import add_run_energy
from db.retraining.training_runs import (
    add_training_run,
    add_training_state,
    find_training_run,
    list_training_runs,
)
from training.control.automatic import is_automatic, retire_automatic
from training.control.launch import reap
from training.errors import IngestError, RunDirError, TrainingError
from training.evaluation.readings import read_new_answers
from training.run.json_files import plain
from training.run.results import RunResults, open_results, result_paths, stage_results
from training.run.run_dir import RunDir, list_run_dirs
from training.run.status import ACTIVE_STATES

_PACKED = 10
"""About how much larger results are than their Parquet files."""


@dataclass(frozen=True)
class _Seen:
    state: TrainingState
    file_times: tuple[int, ...]


# Sessions of the app refresh at once; the second one then finds the work of the first.
_lock = threading.Lock()
# For each database: the state of each run as stored, and the times of its files at that moment.
_seen: WeakKeyDictionary[Database, dict[Path, _Seen]] = WeakKeyDictionary()
# For each database: why a run directory is of no use.
_set_aside: WeakKeyDictionary[Database, dict[Path, str]] = WeakKeyDictionary()


def refresh(database: Database, runs_dir: Path) -> tuple[str, ...]:
    """Store the state of every run directory, and the results of the runs that succeeded.

    Cheap enough for each time a page is drawn: a run that has ended costs a look at the times of
    its files. Damage in one run makes that run ``failed`` in the store, with a message that says
    what to repair, and touches no other; once repaired, the run is ingested. Whenever a state
    changed, older automatic refits are retired.

    Returns:
        The ids of the runs whose state in the store changed.
    """
    with _lock:
        seen = _seen.setdefault(database, {})
        aside = _set_aside.setdefault(database, {})
        try:
            run_dirs = list_run_dirs(runs_dir)
        except RunDirError as error:
            aside[runs_dir] = str(error)
            return ()
        for path in aside.keys() - {run_dir.path for run_dir in run_dirs}:
            del aside[path]
        news = [run_dir for run_dir in run_dirs if _may_be_new(run_dir, seen)]
        if not news:
            return ()
        known = {run.run_id: run for run in list_training_runs(database.cursor())}
        changed = []
        for run_dir in news:
            aside.pop(run_dir.path, None)
            file_times = _file_times(run_dir)
            state, is_changed = _refresh_run(database, run_dir, known.get(run_dir.run_id), aside)
            if is_changed:
                changed.append(run_dir.run_id)
            if state is not None:
                seen[run_dir.path] = _Seen(state, file_times)
        if changed:
            read_new_answers(database)  # of runs that did not read their own
            retire_automatic(database, runs_dir)
        return tuple(changed)


def list_set_aside(database: Database) -> tuple[str, ...]:
    """Return why run directories could not be ingested at the last refresh, one message for each.

    Each names the directory and what to do with it.
    """
    with _lock:
        return tuple(_set_aside.get(database, {}).values())


def ingest_run(database: Database, run_dir: RunDir) -> Run:
    """Store the run and the predictions of a run directory that succeeded, all or nothing.

    A run that is stored already is left as it is.

    Raises:
        IngestError: The run has not succeeded, or its results do not fit the stored items.
        RunDirError: A file of the run directory cannot be used.
        SaveError: The store cannot be written to at this moment.
    """
    stored = find_run(database.cursor(), run_dir.run_id)
    if stored is not None:
        return stored
    with tempfile.TemporaryDirectory(prefix="llamacare-ingest-") as folder:
        size = _PACKED * sum(path.stat().st_size for path in result_paths(run_dir) if path.exists())
        with child_process(for_bytes=size) as call:
            staged = call(stage_results, run_dir, Path(folder))
        run = _store_results(database, run_dir, open_results(staged, Path(folder)))
    database.complete_index()
    return run


def _store_results(database: Database, run_dir: RunDir, results: RunResults) -> Run:
    run = results.run
    try:
        with database.transaction() as cur:
            add_run(cur, run)
            add_predictions(cur, results.predictions)
            _add_state(cur, run_dir, run.settings, "succeeded", results.message)
            add_training_records(cur, results.records)
            add_out_of_fold(cur, results.out_of_fold)
            if results.energy is not None:
                add_run_energy(cur, run.run_id, results.energy)
            if run.kind == "training" and results.artifact is not None:
                by = str(run.settings.get("started_by") or "")
                may_challenge = _may_challenge(cur, run.settings)
                register_model(cur, run.run_id, by, is_challenger=may_challenge)
    except SaveError:
        raise  # the store refused, whatever the results are: they are ingested later
    except DbError as error:
        raise IngestError(
            f"The results of run {run_dir.run_id} do not fit the stored items, so none of them "
            f"were stored: {error}"
        ) from error
    return run


def _may_challenge(cur: DuckDBPyConnection, settings: Mapping[str, Any]) -> bool:
    """Return whether a run's model becomes the challenger.

    An automatic refit replaces only another automatic one: a person may be comparing the other
    with the champion.
    """
    challenger = find_by_alias(cur, "challenger")
    if challenger is None or not is_automatic(settings):
        return True
    return is_automatic(get_run(cur, challenger.run_id).settings)


def _may_be_new(run_dir: RunDir, seen: Mapping[Path, _Seen]) -> bool:
    last = seen.get(run_dir.path)
    if last is None:
        return True
    if last.state == "succeeded":
        return False
    if last.state not in ACTIVE_STATES:
        return last.file_times != _file_times(run_dir)
    try:
        # An active run may also have lost its process, which no file shows.
        return reap(run_dir).state != last.state
    except (TrainingError, OSError):
        return True


def _refresh_run(
    database: Database, run_dir: RunDir, known: TrainingRun | None, aside: dict[Path, str]
) -> tuple[TrainingState | None, bool]:
    """Store the state of one run; return it, None while the run is being made, and if it is new."""
    if known is not None and known.state == "succeeded":
        return "succeeded", False  # it is stored, whatever becomes of its files
    if replace_lone_surrogates(run_dir.run_id) != run_dir.run_id:
        aside[run_dir.path] = (
            f"The name of run directory {run_dir.run_id!a} in {run_dir.path.parent} is no "
            "UTF-8 text, so no run can have it. Rename the directory, or move it away."
        )
        return "failed", False
    settings: dict[str, Any] = {}
    state: TrainingState
    try:
        status = reap(run_dir)
        state, message = status.state, status.message
        if status.is_active and not run_dir.settings_path.exists():
            if known is None:
                return None, False
            run_dir.write_settings(known.settings)  # who made the run was killed in between
        settings = plain(run_dir.read_settings())
        if state == "succeeded":
            ingest_run(database, run_dir)
            return state, True
    except (TrainingError, OSError) as error:
        state, message = "failed", replace_lone_surrogates(str(error))
        aside[run_dir.path] = message
    if not _is_news(known, state, message):
        return state, False
    with database.transaction() as cur:
        _add_state(cur, run_dir, settings, state, message)
    return state, True


def _is_news(known: TrainingRun | None, state: TrainingState, message: str) -> bool:
    """Return whether a state is to be stored; what an active run does at the moment is not."""
    if known is None or known.state != state:
        return True
    return state not in ACTIVE_STATES and known.message != message


def _add_state(
    cur: DuckDBPyConnection,
    run_dir: RunDir,
    settings: Mapping[str, Any],
    state: TrainingState,
    message: str,
) -> None:
    if find_training_run(cur, run_dir.run_id) is not None:
        add_training_state(cur, run_dir.run_id, state, message)
        return
    training_run = TrainingRun(
        run_id=run_dir.run_id,
        preset=str(settings.get("preset") or ""),
        state=state,
        settings=settings,
        created_at=run_dir.created_at,
        created_by=str(settings.get("started_by") or ""),
        base_run_id=settings.get("base_run_id"),
        message=message,
    )
    add_training_run(cur, training_run)


def _file_times(run_dir: RunDir) -> tuple[int, ...]:
    """Return when the files that are read here were changed, 0 for one that is missing."""
    return tuple(_modified_ns(path) for path in result_paths(run_dir))


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
