"""Training runs as the store knows them; every change of state is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_json, from_timestamp, to_json, to_timestamp, utc_now
from db.errors import DuplicateRunError, TrainingRunNotFoundError
from db.records import TrainingRun, TrainingState
from db.statements import load_sql


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
    _append_state(cur, run.run_id, run.state, run.message)


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
    _append_state(cur, run_id, state, message)


def find_training_run(cur: DuckDBPyConnection, run_id: str) -> TrainingRun | None:
    """Return one training run with its latest state, or None."""
    row = cur.execute(load_sql("training_run_get"), {"run_id": run_id}).fetchone()
    return None if row is None else _from_row(row)


def list_training_runs(cur: DuckDBPyConnection) -> list[TrainingRun]:
    """Return all training runs with their latest state, newest first."""
    return [_from_row(row) for row in cur.execute(load_sql("training_run_list")).fetchall()]


def list_active_run_ids(cur: DuckDBPyConnection) -> list[str]:
    """Return the training runs that work or wait, by their latest state, newest first."""
    return [run_id for (run_id,) in cur.execute(load_sql("training_run_active")).fetchall()]


def _append_state(cur: DuckDBPyConnection, run_id: str, state: TrainingState, message: str) -> None:
    parameters = {
        "run_id": run_id,
        "state": state,
        "message": message,
        "created_at": to_timestamp(utc_now()),
    }
    cur.execute(load_sql("training_state_insert"), parameters)


def _from_row(row: Sequence[Any]) -> TrainingRun:
    return TrainingRun(
        run_id=row[0],
        preset=row[1],
        state=row[2],
        settings=from_json(row[3]),
        created_at=from_timestamp(row[4]),
        created_by=row[5],
        base_run_id=row[6],
        message=row[7],
    )
