"""Runs taken out of the lists: their files go, their lineage stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from db.statements import append_row, fetch_column, fetch_records


@dataclass(frozen=True)
class EndedRefit:
    """A refit that has ended and is in the lists.

    ``is_needed``: it has an alias or a person once gave it one, another run starts from it or is
    compared with it, or a queue shows its answers.
    """

    run_id: str
    is_needed: bool


def list_ended_refits(cur: DuckDBPyConnection, triggered_by: str) -> list[EndedRefit]:
    """Return the refits that started with these words in ``triggered_by``, newest first."""
    return fetch_records(cur, EndedRefit, "refit_retirable", triggered_by=triggered_by)


def retire_runs(cur: DuckDBPyConnection, run_ids: Sequence[str]) -> None:
    """Remove runs and the models made of them from the lists, for good.

    A version's number is never given again. The caller owns the transaction.
    """
    append_row(cur, "retired_run_insert", run_ids=list(run_ids))


def list_retired_ids(cur: DuckDBPyConnection) -> set[str]:
    """Return the ids of all runs that were taken out of the lists."""
    return set(fetch_column(cur, "retired_run_list"))
