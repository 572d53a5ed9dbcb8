"""What has come in since the last run: the counts behind the readiness meter and the triggers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from db.conversions import from_timestamp, to_timestamp
from db.statements import fetch_row, fetch_value
from db.viewer import Viewer


@dataclass(frozen=True)
class ReadinessCount:
    """What reviewers have said since a moment.

    Attributes:
        num_corrected: Items outside the test split that were corrected.
        num_adjudicated: Those of them that were adjudicated.
        num_test_corrected: Items of the test split that were corrected: no run learns from them.
        num_double: Items that more than one reviewer has labelled, ever.
        num_unanimous: Those of them on which all agree.
        num_fresh: Items reviewed since then to which the model in use gave a label.
        num_fresh_wrong: Those of them that it got wrong, by the label of record.
        num_watched: Fresh ones that were drawn at random, whatever was known of them.
        num_watched_wrong: Those of them that it got wrong.
    """

    num_corrected: int
    num_adjudicated: int
    num_test_corrected: int
    num_double: int
    num_unanimous: int
    num_fresh: int
    num_fresh_wrong: int
    num_watched: int
    num_watched_wrong: int


def count_readiness(
    cur: DuckDBPyConnection, viewer: Viewer, since: datetime | None, run_id: str | None
) -> ReadinessCount:
    """Count what came in since an aware time, or ever; ``run_id`` is the model in use.

    Hidden items are left out.
    """
    moment = None if since is None else to_timestamp(since)
    return ReadinessCount(
        *fetch_row(cur, "readiness", since=moment, run_id=run_id, viewer=viewer.parameter)
    )


def last_correction_at(cur: DuckDBPyConnection) -> datetime | None:
    """Return when a person last corrected an item outside the test split; None for never."""
    return fetch_value(cur, from_timestamp, "correction_latest")
