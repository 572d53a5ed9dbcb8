"""The next open item of a queue, reserved one at a time."""

from __future__ import annotations

from datetime import datetime

from db.connection import Database
from db.review.queues import Queue
from db.review.reservations import QueuePosition, reserve_ahead


def reserve_next(
    database: Database,
    queue: Queue,
    reviewer_id: str,
    *,
    after: int | None = None,
    exclude: str | None = None,
    now: datetime | None = None,
) -> QueuePosition | None:
    """Reserve the next open item of a queue and return its place, or None where there is none."""
    at_hand = () if exclude is None else (exclude,)
    places = reserve_ahead(database, queue, reviewer_id, 1, after=after, exclude=at_hand, now=now)
    assert len(places) <= 1
    return next(iter(places), None)
