"""Training runs as the store knows them; every change of state is kept."""

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_json, to_json, to_timestamp
from db.errors import DuplicateRunError, TrainingRunNotFoundError
from db.records import TrainingRun, TrainingState
from db.statements import append_row, fetch_column, fetch_record, fetch_records, load_sql


def add_training_run(cur: DuckDBPyConnection, run: TrainingRun) -> None:
    """Add a training run with its first state. The caller owns the transaction.

    Raises:
        DuplicateRunError: A training run of this id is there already.
    """
    if find_training_run(cur, run.run_id) is not None:
        raise DuplicateRunError(
            f"There is a training run {run.run_id!r} already. Start the new one under another id."
        )
    parameters = {
        "run_id": run.run_id,
        "preset": run.preset,
        "settings": to_json(run.settings),
        "created_at": to_timestamp(run.created_at),
        "created_by": run.created_by,
        "base_run_id": run.base_run_id,
    }
    cur.execute(load_sql("training_run_insert"), parameters)
    append_row(
        cur, "training_state_insert", run_id=run.run_id, state=run.state, message=run.message
    )


def add_training_state(
    cur: DuckDBPyConnection, run_id: str, state: TrainingState, message: str = ""
) -> None:
    """Append the state that a training run has reached.

    Raises:
        TrainingRunNotFoundError: No training run has this id.
    """
    if find_training_run(cur, run_id) is None:
        raise TrainingRunNotFoundError(
            f"There is no training run {run_id!r}. Add it before its states."
        )
    append_row(cur, "training_state_insert", run_id=run_id, state=state, message=message)


def find_training_run(cur: DuckDBPyConnection, run_id: str) -> TrainingRun | None:
    """Return one training run with its latest state, or None."""
    return fetch_record(cur, _run, "training_run_get", run_id=run_id)


def list_training_runs(cur: DuckDBPyConnection) -> list[TrainingRun]:
    """Return all training runs with their latest state, newest first."""
    return fetch_records(cur, _run, "training_run_list")


def list_active_run_ids(cur: DuckDBPyConnection) -> list[str]:
    """Return the training runs that work or wait, by their latest state, newest first."""
    return fetch_column(cur, "training_run_active")


def _run(run_id: str, preset: str, state: TrainingState, settings: str, *rest: Any) -> TrainingRun:
    return TrainingRun(run_id, preset, state, from_json(settings), *rest)
