"""What becomes of a queue after it was made: its people, their shares, closing and opening it.

Each change is an event in the name of the person who made it, and one transaction. Who labels an
item changes nothing of how it was drawn: shares are dealt down the order of the queue, so that all
people together work on its beginning, as without them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import to_timestamp, utc_now
from db.errors import InvalidQueueError
from db.people.permissions import require
from db.people.reviewers import get_reviewer
from db.review.draws import add_shares, deal
from db.review.events import ReviewEvent, add_events, append_events
from db.review.queues import Queue, get_queue, list_queues, require_free
from db.review.reservations import RESERVATION
from db.statements import load_sql


def close_queue(cur: DuckDBPyConnection, queue_id: str, reviewer_id: str) -> None:
    """Close a queue for all reviewers; judgements made in it are kept.

    Raises:
        QueueNotFoundError: No queue has this id.
        NotPermittedError: The person who asks may not manage queues.
    """
    require(cur, reviewer_id, "manage_queues")
    if not get_queue(cur, queue_id).is_closed:
        add_events(cur, [ReviewEvent("close_queue", reviewer_id, queue_id=queue_id)])


def reopen_queue(cur: DuckDBPyConnection, queue_id: str, reviewer_id: str) -> None:
    """Open a closed queue again, for the people that it has.

    Raises:
        QueueNotFoundError: No queue has this id.
        InvalidQueueError: Another open queue has its name.
        NotPermittedError: The person who asks may not manage queues.
    """
    require(cur, reviewer_id, "manage_queues")
    queue = get_queue(cur, queue_id)
    if queue.is_closed:
        require_free(cur, queue.settings.name)
        add_events(cur, [ReviewEvent("reopen_queue", reviewer_id, queue_id=queue_id)])


def set_queue_people(
    cur: DuckDBPyConnection, queue_id: str, reviewer_ids: Sequence[str], changed_by: str
) -> Queue:
    """Set who works on a queue from now on. The caller owns the transaction.

    What was labelled stays with who labelled it. What removed people have on screen is free at
    once, and the items of a dealt queue that nobody has begun are dealt again to all who stay.

    Args:
        reviewer_ids: All of its people; none opens it to all reviewers.

    Raises:
        InvalidQueueError: There are fewer people than label each item.
        QueueNotFoundError: No queue has this id.
        ReviewerNotFoundError: There is no such reviewer.
        NotPermittedError: The person who asks may not manage queues.
    """
    require(cur, changed_by, "manage_queues")
    queue = get_queue(cur, queue_id)
    before, people = queue.settings.reviewer_ids, list(dict.fromkeys(reviewer_ids))
    for reviewer_id in people:
        get_reviewer(cur, reviewer_id)
    if people and len(people) < queue.settings.num_reviewers:
        raise InvalidQueueError(
            f"The people of the queue {queue.settings.name!r} were not changed: "
            f"{queue.settings.num_reviewers} reviewers label each item, and {len(people)} "
            "are named. Name more, or none to open it to all reviewers."
        )
    return queue if people == list(before) else _set_people(cur, queue, people, changed_by)


def _set_people(
    cur: DuckDBPyConnection, queue: Queue, people: Sequence[str], changed_by: str
) -> Queue:
    queue_id = queue.queue_id
    append_events(
        cur,
        [
            ReviewEvent(
                "set_queue_people",
                changed_by,
                queue_id=queue_id,
                old_value=json.dumps(queue.settings.reviewer_ids),
                new_value=json.dumps(people),
            )
        ],
    )
    if people:
        _end_holds(cur, queue_id, people, but_theirs=True)
    queue = get_queue(cur, queue_id)
    if queue.settings.sharing == "dealt" and queue.present_ids:
        waiting = [(item_id, begun) for item_id, _, begun in _list_waiting(cur, queue)]
        _deal(cur, queue, waiting, queue.present_ids)
    return queue


def reassign_share(
    cur: DuckDBPyConnection,
    queue_id: str,
    reviewer_id: str,
    changed_by: str,
    *,
    to: str | None = None,
) -> int:
    """Move what a person has not begun of a dealt queue to one other person, or to all others.

    They stay among its people. What they have on screen is free at once. The caller owns the
    transaction.

    Args:
        reviewer_id: Whose items are dealt.
        to: Who gets them; None: all others in turn.

    Returns:
        How many items belong to someone else now.

    Raises:
        InvalidQueueError: The queue is not dealt, or there is no one who could get them.
        QueueNotFoundError: No queue has this id.
        NotPermittedError: The person who asks may not manage queues.
    """
    require(cur, changed_by, "manage_queues")
    queue = get_queue(cur, queue_id)
    others = [one for one in queue.present_ids if one != reviewer_id]
    getting = others if to is None else [one for one in others if one == to]
    if queue.settings.sharing != "dealt" or not getting:
        raise InvalidQueueError(
            f"Nothing of the queue {queue.settings.name!r} was reassigned: "
            + (
                "it has no other reviewer who could get the items. Add one first."
                if queue.settings.sharing == "dealt"
                else "its items belong to no one: first come, first served."
            )
        )
    return _move_share(cur, queue, reviewer_id, getting, changed_by)


def hand_over_shares(
    cur: DuckDBPyConnection, reviewer_id: str, *, by: str | None, to: str | None = None
) -> int:
    """Move what a person has not begun of open dealt queues, once they may label no more.

    Called in the transaction that ends their access, merges or erases them, which has checked that
    ``by`` may do so. Where no one else is left, a queue is as it was.

    Args:
        by: Who asked. None: the holder of the database file; then it is in the person's own name.
        to: Who they are from now on, and takes their place; None: the others of each queue in turn.

    Returns:
        How many items of those queues belonged to them and belong to someone else now.
    """
    num_moved = 0
    for queue in list_queues(cur):
        people = queue.settings.reviewer_ids
        if queue.is_closed or queue.settings.sharing != "dealt" or reviewer_id not in people:
            continue
        if to is not None and to not in people:
            num_moved += _count_share(cur, queue, reviewer_id)
            named = [to if one == reviewer_id else one for one in people]
            _set_people(cur, queue, named, by or reviewer_id)
            continue
        others = [one for one in queue.present_ids if one != reviewer_id]
        getting = [to] if to in others else others
        if getting:
            num_moved += _move_share(cur, queue, reviewer_id, getting, by or reviewer_id)
    return num_moved


def _count_share(cur: DuckDBPyConnection, queue: Queue, reviewer_id: str) -> int:
    return sum(
        reviewer_id in owners and reviewer_id not in begun
        for _, owners, begun in _list_waiting(cur, queue)
    )


def _move_share(
    cur: DuckDBPyConnection,
    queue: Queue,
    reviewer_id: str,
    getting: Sequence[str],
    changed_by: str,
) -> int:
    queue_id = queue.queue_id
    _end_holds(cur, queue_id, [reviewer_id])
    moved = []
    for item_id, owners, begun in _list_waiting(cur, queue):
        kept = list(dict.fromkeys([*begun, *(one for one in owners if one != reviewer_id)]))
        is_theirs = reviewer_id in owners and reviewer_id not in begun
        if is_theirs and any(one not in kept for one in getting):
            moved.append((item_id, kept))
    _deal(cur, queue, moved, getting)
    append_events(
        cur,
        [
            ReviewEvent(
                "reassign_share",
                changed_by,
                queue_id=queue_id,
                old_value=reviewer_id,
                new_value=json.dumps(getting),
            )
        ],
    )
    return len(moved)


def _list_waiting(cur: DuckDBPyConnection, queue: Queue) -> list[tuple[str, list[str], list[str]]]:
    """Return the items that not all have begun: their owners, and who has begun them."""
    parameters = {
        "queue_id": queue.queue_id,
        "num_reviewers": queue.settings.num_reviewers,
        **_times(utc_now()),
    }
    return cur.execute(load_sql("queue_to_deal"), parameters).fetchall()


def _deal(
    cur: DuckDBPyConnection,
    queue: Queue,
    items: Sequence[tuple[str, Sequence[str]]],
    people: Sequence[str],
) -> None:
    add_shares(cur, queue.queue_id, deal(items, people, queue.settings.num_reviewers))


def _end_holds(
    cur: DuckDBPyConnection, queue_id: str, reviewer_ids: Sequence[str], *, but_theirs: bool = False
) -> None:
    parameters = {
        "queue_id": queue_id,
        "reviewer_ids": list(reviewer_ids),
        "but_theirs": but_theirs,
        **_times(utc_now()),
    }
    cur.execute(load_sql("reservation_end"), parameters)


def _times(now: datetime) -> dict[str, Any]:
    return {"now": to_timestamp(now), "oldest": to_timestamp(now - RESERVATION)}
