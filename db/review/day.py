"""What a reviewer did today: how much, how long, and what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from db.conversions import to_timestamp
from db.review.visibility import view_as
from db.statements import load_sql


@dataclass(frozen=True)
class ReviewedDay:
    """The items that a reviewer labelled since a moment; what was retracted does not count."""

    num_items: int
    seconds: float
    """In sight, added up; what was open for more than ten minutes is left out."""
    num_compared: int
    """Items with a label of the model: the one read from its answer, else the head's."""
    num_differing: int
    """Of these, where the reviewer's last label is another one."""
    num_changed: int
    """Items whose label of record is another one than before."""
    num_answers: int
    """Items whose answer text they corrected."""


def read_day(
    cur: DuckDBPyConnection,
    reviewer_id: str,
    since: datetime,
    *,
    queue_id: str | None = None,
    run_id: str | None = None,
) -> ReviewedDay:
    """Count what a reviewer did since a moment, without what is still hidden from them.

    Args:
        queue_id: Count in this queue alone; None for all that they labelled.
        run_id: The run whose answers are shown, for labels that were given without one.

    Raises:
        NotPermittedError: Their access was taken away.
        ReviewerNotFoundError: No reviewer has this id.
    """
    parameters = {
        "reviewer_id": reviewer_id,
        "since": to_timestamp(since),
        "queue_id": queue_id,
        "run_id": run_id,
        "viewer": view_as(cur, reviewer_id).parameter,
    }
    (row,) = cur.execute(load_sql("review_day"), parameters).fetchall()
    return ReviewedDay(*row)
