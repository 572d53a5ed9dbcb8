"""Runs: who answered, with which settings, and what was measured."""

from __future__ import annotations

from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_json, require_text, to_json, to_timestamp
from db.errors import DuplicateRunError, RunNotFoundError
from db.records import Run, RunKind
from db.statements import fetch_record, fetch_records, load_sql


def add_run(cur: DuckDBPyConnection, run: Run) -> None:
    """Add a run. The caller owns the transaction.

    Raises:
        DuplicateRunError: A run of this id is there already.
        InvalidTextError: Its name or model cannot be stored.
    """
    if find_run(cur, run.run_id) is not None:
        raise DuplicateRunError(
            f"There is a run {run.run_id!r} already. Its predictions are kept as they are; "
            "use another run id for a new execution."
        )
    require_text(run.name, "name of the run")
    require_text(run.model, "model of the run")
    parameters = {
        "run_id": run.run_id,
        "name": run.name,
        "kind": run.kind,
        "model": run.model,
        "settings": to_json(run.settings),
        "metrics": to_json(run.metrics),
        "created_at": to_timestamp(run.created_at),
        "base_run_id": run.base_run_id,
    }
    cur.execute(load_sql("run_insert"), parameters)


def require_same_run(stored: Run, given: Run) -> None:
    """Refuse a run that differs from the one stored under its id.

    A run whose id comes from its file's content may have got another name since, and no more.

    Raises:
        DuplicateRunError: It names what differs.
    """
    names = ["model", "base_run_id", "metrics"]
    if not given.run_id.startswith("import-"):
        names.append("name")
    differing = [name for name in names if getattr(stored, name) != getattr(given, name)]
    if differing:
        raise DuplicateRunError(
            f"Nothing was imported: run {given.run_id!r} is stored already with another "
            f"{', another '.join(differing)}. Runs never change: use another run_id."
        )


def find_run(cur: DuckDBPyConnection, run_id: str) -> Run | None:
    """Return one run, or None."""
    return fetch_record(cur, _run, "run_get", run_id=run_id)


def get_run(cur: DuckDBPyConnection, run_id: str) -> Run:
    """Return one run.

    Raises:
        RunNotFoundError: No run has this id.
    """
    run = find_run(cur, run_id)
    if run is None:
        known = ", ".join(repr(other.run_id) for other in list_runs(cur)[:5]) or "none yet"
        raise RunNotFoundError(f"There is no run {run_id!r}. The newest runs are: {known}.")
    return run


def list_runs(cur: DuckDBPyConnection) -> list[Run]:
    """Return all runs, newest first."""
    return fetch_records(cur, _run, "run_list")


def _run(
    run_id: str, name: str, kind: RunKind, model: str, settings: str, metrics: str, *rest: Any
) -> Run:
    return Run(run_id, name, kind, model, from_json(settings), from_json(metrics), *rest)
