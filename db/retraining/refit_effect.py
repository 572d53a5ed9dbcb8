"""What a refit changed on the test items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from db.statements import fetch_record


@dataclass(frozen=True)
class RefitEffect:
    """The test items that a refit's head gets right, by the labels of record of one moment.

    Attributes:
        ended_at: When the store learned of its end.
        num_corrected: Corrected items that it could learn from.
        n: Test items to which it gives a label.
        num_right_before: Of the same items, those that the run it started from gets right; None
            where that one has not labelled them all.
    """

    run_id: str
    ended_at: datetime
    num_corrected: int
    n: int
    num_right: int
    num_right_before: int | None


def find_refit_effect(cur: DuckDBPyConnection, run_id: str) -> RefitEffect | None:
    """Count what a refit got right; None where it labelled no test item."""
    return fetch_record(cur, RefitEffect, "refit_effect", run_id=run_id)
