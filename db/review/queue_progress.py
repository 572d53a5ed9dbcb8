"""How far queues are: what is left of each, and with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_timestamp
from db.review.queues import Queue
from db.statements import fetch_row, load_sql


@dataclass(frozen=True)
class QueueProgress:
    """How far one reviewer is, or all are, in a queue.

    Attributes:
        num_items: Labels that the queue asks for; of a reviewer: the items that they labelled or
            may still label.
        num_left: Labels still missing. Of a reviewer: of a dealt queue what belongs to them, else
            what is open to them as to others.
    """

    reviewer_id: str | None
    num_done: int
    num_items: int
    median_seconds: float | None
    num_fast: int
    num_left: int = 0
    last_at: datetime | None = None
    """When they labelled last."""


@dataclass(frozen=True)
class QueueState:
    """A queue with how far all of it is, and each of its people.

    Those named come first, then others who labelled in it.
    """

    queue: Queue
    total: QueueProgress
    people: tuple[QueueProgress, ...]

    @property
    def num_unassigned(self) -> int:
        """Return how many missing labels of a dealt queue wait for no one in particular."""
        if self.queue.settings.sharing != "dealt":
            return 0
        return max(self.total.num_left - sum(person.num_left for person in self.people), 0)

    def is_behind(self, person: QueueProgress) -> bool:
        """Return whether a person has done less than half of what its people did on average."""
        present = self.queue.present_ids
        if person.reviewer_id not in present or not person.num_left:
            return False
        done = [one.num_done for one in self.people if one.reviewer_id in present]
        return 2 * person.num_done < sum(done) / len(done)


def list_states(
    cur: DuckDBPyConnection, queues: Sequence[Queue], reviewer_id: str | None = None
) -> list[QueueState]:
    """Return how far queues and their people are, read together.

    Args:
        reviewer_id: A reviewer to count in, also where they have done nothing yet.
    """
    asked = {"queue_ids": [queue.queue_id for queue in queues]}
    sizes = {row[0]: row[1:] for row in cur.execute(load_sql("queue_size"), asked).fetchall()}
    rows: dict[str, dict[str | None, tuple[Any, ...]]] = {one: {} for one in asked["queue_ids"]}
    for queue_id, who, *row in cur.execute(load_sql("queue_progress"), asked).fetchall():
        rows[queue_id][who] = tuple(row)
    found = []
    for queue in queues:
        of_queue = rows[queue.queue_id]
        workers = sorted(who for who, row in of_queue.items() if who is not None and row[0])
        people = dict.fromkeys((*queue.settings.reviewer_ids, *workers))
        if reviewer_id is not None:
            people[reviewer_id] = None
        size = sizes.get(queue.queue_id, (0, 0, 0))
        found.append(_state(queue, size, of_queue, list(people)))
    return found


def queue_progress(
    cur: DuckDBPyConnection, queue: Queue, reviewer_id: str | None = None
) -> QueueProgress:
    """Return how far a reviewer is in a queue, or how many places of it are filled in all."""
    (state,) = list_states(cur, [queue], reviewer_id)
    if reviewer_id is None:
        return state.total
    return next(person for person in state.people if person.reviewer_id == reviewer_id)


def list_progress(cur: DuckDBPyConnection, queue: Queue) -> list[QueueProgress]:
    """Return how far each reviewer is who worked on a queue or was named for it."""
    (state,) = list_states(cur, [queue])
    return list(state.people)


def count_own(cur: DuckDBPyConnection, queue: Queue, reviewer_id: str) -> tuple[int, int]:
    """Return how many items of a queue a reviewer has labelled, and how many they may in all.

    Where the items are dealt, all that others did has to be read for it.
    """
    if queue.settings.sharing == "dealt" or not queue.is_open_to(reviewer_id):
        progress = queue_progress(cur, queue, reviewer_id)
        return progress.num_done, progress.num_items
    asked = {"queue_id": queue.queue_id, "reviewer_id": reviewer_id}
    num_done, num_items = fetch_row(cur, "queue_own", **asked)
    return num_done, num_items


_NOTHING = (0, 0, 0, None, 0, None)


def _state(
    queue: Queue,
    size: tuple[int, int, int],
    rows: dict[str | None, tuple[Any, ...]],
    people: Sequence[str],
) -> QueueState:
    num_items, num_missing, num_open = size
    done, _, _, *facts = rows.get(None, _NOTHING)
    places = num_items * queue.settings.num_reviewers
    total = _progress(None, done, places, int(num_missing), facts)
    found = []
    for reviewer_id in people:
        done, done_of_open, own, *facts = rows.get(reviewer_id, _NOTHING)
        if queue.settings.sharing == "dealt":
            left = own if reviewer_id in queue.present_ids else 0
            may_label = done + left
        elif queue.is_open_to(reviewer_id):
            left, may_label = num_open - done_of_open, num_items
        else:
            left, may_label = 0, done
        found.append(_progress(reviewer_id, done, may_label, left, facts))
    return QueueState(queue, total, tuple(found))


def _progress(
    reviewer_id: str | None, done: int, num_items: int, left: int, facts: Sequence[Any]
) -> QueueProgress:
    median, num_fast, last_at = facts
    last = None if last_at is None else from_timestamp(last_at)
    return QueueProgress(reviewer_id, done, num_items, median, num_fast, left, last)
