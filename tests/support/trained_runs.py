"""Runs as a training leaves them in the store: the training run and what it made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from db.content.runs import add_run
from db.retraining.training_runs import add_training_run
from tests.support.records import MOMENT, make_run, make_training_run


def add_trained_run(
    cur: DuckDBPyConnection,
    run_id: str,
    settings: Mapping[str, Any],
    *,
    base_run_id: str | None = None,
    created_at: datetime = MOMENT,
    created_by: str = "tests",
) -> None:
    """Store a training run that succeeded and the run of the same id that came of it."""
    common = {"settings": settings, "created_at": created_at, "base_run_id": base_run_id}
    add_training_run(cur, make_training_run(run_id, created_by=created_by, **common))
    add_run(cur, make_run(run_id, kind="training", **common))
