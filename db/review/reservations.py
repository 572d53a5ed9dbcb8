"""Who has which item of a queue on screen, reserved with an expiry: no place is given twice.

One process owns the database, so one lock makes looking and reserving a single step: two threads
never see the same place free. Rows are appended; a restart finds who held what.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from weakref import WeakKeyDictionary

from duckdb import DuckDBPyConnection

from db.connection import Database
from db.conversions import to_timestamp, utc_now
from db.people.permissions import require
from db.review.queues import Queue
from db.review.unreserved import UnreservedPositions
from db.review.visibility import is_hidden, view_as
from db.statements import load_sql
from db.viewer import Viewer

RESERVATION = timedelta(minutes=30)
"""How long an item is held for who has it on screen: 9 in 10 ratings of a hard examination question
by a physician take less than 6 minutes."""

REPEAT_GAP = 20
"""Items labelled in between before one comes again, so that the label is not just remembered."""

_WINDOW = 500
"""Places looked at first: the next open item is nearly always among them."""

_LOCK = threading.Lock()


@dataclass(frozen=True)
class QueuePosition:
    """An item and its position in its queue, from 0."""

    item_id: str
    position: int
    is_repeat: bool = False
    """Whether the reviewer labelled it before and meets it again, unannounced."""


def reserve_next(
    database: Database,
    queue: Queue,
    reviewer_id: str,
    *,
    after: int | None = None,
    exclude: str | None = None,
    now: datetime | None = None,
) -> QueuePosition | None:
    """Reserve the next open item of a queue for a reviewer.

    The search goes from the position after ``after`` to the end, then over the whole queue. Items
    that the reviewer put off come once nothing else is open. What the reviewer holds is open to
    them, so that a new session resumes where the lost one was. Items that another queue or the
    project wants labelled blind first are passed over.

    Args:
        after: The position where the reviewer is; None starts at the first open item.
        exclude: An item not to give.
        now: An aware time; the present moment when None.

    Returns:
        The item's place, or None where nothing is open for the reviewer.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    moment = utc_now() if now is None else now
    with _LOCK, database.transaction() as cur:
        require(cur, reviewer_id, "annotate")
        free = _unreserved_positions(database, queue)
        viewer = _elsewhere(view_as(cur, reviewer_id), queue)
        found = _find_next(cur, queue, viewer, reviewer_id, after, exclude, moment, free)
        if found is not None:
            _append(cur, queue.queue_id, found.item_id, reviewer_id, moment, moment + RESERVATION)
            if free is not None:
                free.note(cur, found.item_id, found.position, reviewer_id)
    return found


def reserve_neighbour(
    database: Database,
    queue: Queue,
    reviewer_id: str,
    position: int,
    step: Literal[-1, 1],
    *,
    now: datetime | None = None,
) -> QueuePosition | None:
    """Reserve the item before or after a position, labelled or not.

    Items that are on as many others' screens as they have reviewers are passed over, and those that
    wait for a blind label elsewhere.

    Args:
        position: Where the reviewer is; -1 is before the first item.
        now: An aware time; the present moment when None.

    Returns:
        The item's place, or None at an end of the queue, or where it is not open to the reviewer.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    if not queue.settings.is_open_to(reviewer_id):
        return None
    moment = utc_now() if now is None else now
    parameters: dict[str, Any] = {
        "queue_id": queue.queue_id,
        "reviewer_id": reviewer_id,
        "num_reviewers": queue.settings.num_reviewers,
        "position": position,
        "step": step,
        **_times(moment),
    }
    with _LOCK, database.transaction() as cur:
        require(cur, reviewer_id, "annotate")
        parameters |= _gate(_elsewhere(view_as(cur, reviewer_id), queue), queue)
        row = cur.execute(load_sql("queue_neighbour"), parameters).fetchone()
        if row is not None:
            _append(cur, queue.queue_id, row[0], reviewer_id, moment, moment + RESERVATION)
            if (free := _unreserved_positions(database, queue)) is not None:
                free.note(cur, row[0], row[1], reviewer_id)
    return None if row is None else QueuePosition(*row)


def release(
    database: Database,
    queue_id: str,
    item_id: str,
    reviewer_id: str,
    *,
    now: datetime | None = None,
) -> None:
    """Release the reviewer's own hold on an item, so that another reviewer can have it.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    moment = utc_now() if now is None else now
    with _LOCK, database.transaction() as cur:
        require(cur, reviewer_id, "annotate")
        _append(cur, queue_id, item_id, reviewer_id, moment, moment)


def count_held(
    cur: DuckDBPyConnection, queue: Queue, reviewer_id: str, now: datetime | None = None
) -> int:
    """Count the items of a queue that others have reserved at this moment."""
    parameters = {
        "queue_id": queue.queue_id,
        "reviewer_id": reviewer_id,
        **_times(utc_now() if now is None else now),
    }
    row = cur.execute(load_sql("reservation_count"), parameters).fetchone()
    return 0 if row is None else int(row[0])


_FREE: WeakKeyDictionary[Database, dict[str, UnreservedPositions]] = WeakKeyDictionary()


def _unreserved_positions(database: Database, queue: Queue) -> UnreservedPositions | None:
    """Return what is known to be free, for queues in which that is open to all."""
    if queue.settings.num_reviewers != 1 or queue.settings.sharing == "dealt":
        return None
    queues = _FREE.setdefault(database, {})
    return queues.setdefault(queue.queue_id, UnreservedPositions(queue.queue_id))


def _find_next(
    cur: DuckDBPyConnection,
    queue: Queue,
    viewer: Viewer,
    reviewer_id: str,
    after: int | None,
    exclude: str | None,
    now: datetime,
    free: UnreservedPositions | None,
) -> QueuePosition | None:
    """Find the next position a little way ahead, and in the whole queue only if that fails."""
    people = queue.settings.reviewer_ids
    if not queue.settings.is_open_to(reviewer_id):
        return None
    repeat = _find_repeat(cur, queue, viewer, reviewer_id, exclude, REPEAT_GAP)
    if repeat is not None:
        return repeat
    untouched = None if free is None else free.take(cur, reviewer_id, after, exclude)
    if untouched is not None and (
        queue.settings.mode == "blind" or not is_hidden(cur, viewer, untouched[0])
    ):
        return QueuePosition(*untouched)
    is_dealt = queue.settings.sharing == "dealt"
    parameters: dict[str, Any] = {
        "queue_id": queue.queue_id,
        "reviewer_id": reviewer_id,
        "num_reviewers": queue.settings.num_reviewers,
        "exclude": exclude,
        "num_shares": len(people) if is_dealt else 0,
        "share_number": people.index(reviewer_id) if is_dealt else 0,
        "limit": 1,
        **_gate(viewer, queue),
        **_times(now),
    }
    start = 0 if after is None else after + 1
    for first, last, with_skipped in (
        (start, start + _WINDOW, False),
        (start, _END, False),
        (0, _END, True),
    ):
        window = {"first_position": first, "last_position": last, "with_skipped": with_skipped}
        row = cur.execute(load_sql("queue_next"), {**parameters, **window}).fetchone()
        if row is not None:
            return QueuePosition(*row)
    return _find_repeat(cur, queue, viewer, reviewer_id, exclude, 1)


def _find_repeat(
    cur: DuckDBPyConnection,
    queue: Queue,
    viewer: Viewer,
    reviewer_id: str,
    exclude: str | None,
    gap: int,
) -> QueuePosition | None:
    """Return an item that is due to come again; where nothing else is open, any one that will."""
    if not queue.settings.repeat_share:
        return None
    parameters = {
        "queue_id": queue.queue_id,
        "reviewer_id": reviewer_id,
        "exclude": exclude,
        "gap": gap,
        "seed": queue.settings.seed,
        "share": queue.settings.repeat_share,
        "viewer": viewer.parameter,
    }
    row = cur.execute(load_sql("queue_repeat"), parameters).fetchone()
    return None if row is None else QueuePosition(row[0], row[1], is_repeat=True)


_END = 2**62


def _elsewhere(viewer: Viewer, queue: Queue) -> Viewer:
    """Return the viewer as the other queues and the project hold them back."""
    others = tuple(one for one in viewer.blind_queues if one != queue.queue_id)
    return replace(viewer, blind_queues=others)


def _gate(viewer: Viewer, queue: Queue) -> dict[str, Any]:
    """Return the parameters by which items that wait for a blind label elsewhere are passed over.

    A blind queue gives such an item all the same as long as it waits there too: it is shown blind.
    """
    return {"viewer": viewer.parameter, "is_blind": queue.settings.mode == "blind"}


def _times(now: datetime) -> dict[str, datetime]:
    return {"now": to_timestamp(now), "oldest": to_timestamp(now - RESERVATION)}


def _append(
    cur: DuckDBPyConnection,
    queue_id: str,
    item_id: str,
    reviewer_id: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    parameters = {
        "queue_id": queue_id,
        "item_id": item_id,
        "reviewer_id": reviewer_id,
        "created_at": to_timestamp(now),
        "expires_at": to_timestamp(expires_at),
    }
    cur.execute(load_sql("reservation_insert"), parameters)
