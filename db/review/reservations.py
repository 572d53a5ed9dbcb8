"""Who has which item of a queue on screen, reserved with an expiry: no place is given twice.

One process owns the database, so one lock makes looking and reserving a single step: two threads
never see the same place free. Rows are appended; a restart finds who held what.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal
from weakref import WeakKeyDictionary

from duckdb import DuckDBPyConnection

from db.connection import Database
from db.conversions import to_timestamp, utc_now
from db.people.permissions import require, require_of
from db.review.queues import Queue
from db.review.rights import known_reviewer, known_viewer
from db.review.visibility import list_waiting, view_as
from db.statements import execute_for, fetch_record, fetch_records, fetch_value, load_sql
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


def reserve_ahead(
    database: Database,
    queue: Queue,
    reviewer_id: str,
    num_items: int,
    *,
    after: int | None = None,
    exclude: Sequence[str] = (),
    now: datetime | None = None,
) -> list[QueuePosition]:
    """Reserve the next open items of a queue for a reviewer, in one step.

    The search goes from the position after ``after`` to the end, then over the whole queue. Items
    that the reviewer put off come once nothing else is open. What the reviewer holds is open to
    them, so that a new session resumes where the lost one was. Items that another queue or the
    project wants labelled blind first are passed over.

    Args:
        num_items: How many at most.
        after: The position where the reviewer is; None starts at the first open item.
        exclude: Items not to give, such as those that the reviewer has at hand.
        now: An aware time; the present moment when None.

    Returns:
        The places, fewer where no more are open for the reviewer.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    moment = utc_now() if now is None else now
    with _LOCK, database.transaction(only_labels=True) as cur:
        require_of(cur, known_reviewer(database, reviewer_id), "annotate")
        viewer = _elsewhere(known_viewer(database, reviewer_id), queue)
        free = _untouched(database, queue)
        search = _Search(cur, queue, viewer, reviewer_id, moment, free)
        places = search.find(num_items, after, exclude)
        held = [place.item_id for place in places]
        _append(cur, queue.queue_id, held, reviewer_id, moment, moment + RESERVATION)
        if free is not None:
            free.note(cur, [(place.item_id, place.position) for place in places], reviewer_id)
    return places


def reserve_neighbour(
    database: Database,
    queue: Queue,
    reviewer_id: str,
    position: int,
    step: Literal[-1, 1],
) -> QueuePosition | None:
    """Reserve the item before or after a position, labelled or not.

    Items that are on as many others' screens as they have reviewers are passed over, and those that
    wait for a blind label elsewhere.

    Args:
        position: Where the reviewer is; -1 is before the first item.

    Returns:
        The item's place, or None at an end of the queue, or where it is not open to the reviewer.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    if not queue.is_open_to(reviewer_id):
        return None
    moment = utc_now()
    parameters: dict[str, Any] = {
        "queue_id": queue.queue_id,
        "reviewer_id": reviewer_id,
        "num_reviewers": queue.settings.num_reviewers,
        "position": position,
        "step": step,
        **_times(moment),
    }
    with _LOCK, database.transaction(only_labels=True) as cur:
        require(cur, reviewer_id, "annotate")
        parameters |= _gate(_elsewhere(view_as(cur, reviewer_id), queue), queue)
        place = fetch_record(cur, QueuePosition, "queue_neighbour", **parameters)
        if place is not None:
            _append(cur, queue.queue_id, [place.item_id], reviewer_id, moment, moment + RESERVATION)
            if (free := _untouched(database, queue)) is not None:
                free.note(cur, [(place.item_id, place.position)], reviewer_id)
    return place


def release(database: Database, queue_id: str, item_ids: Sequence[str], reviewer_id: str) -> None:
    """Release the reviewer's own hold on items, so that other reviewers can have them.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    moment = utc_now()
    with _LOCK, database.transaction(only_labels=True) as cur:
        require_of(cur, known_reviewer(database, reviewer_id), "annotate")
        _append(cur, queue_id, item_ids, reviewer_id, moment, moment)


def count_held(cur: DuckDBPyConnection, queue: Queue, reviewer_id: str) -> int:
    """Count the items of a queue that others have reserved at this moment."""
    asked = {"queue_id": queue.queue_id, "reviewer_id": reviewer_id}
    return fetch_value(cur, int, "reservation_count", **asked, **_times(utc_now())) or 0


# Untouched places are held in memory, so that most need not be looked for: to find the next open
# items of a queue takes 8 ms of processor, as it sums up who labelled, holds and put off what. A
# place that was never reserved and has no judgement is open to all, so those are read some hundred
# at once and given away. That is used where it gives the items that a search would: in a queue with
# one reviewer an item, to who goes from one such place straight on to the next.

_Place = tuple[str, int]
"""An item and its position."""


class _Untouched:
    """The untouched places of one queue; callers hold the lock of the reservations."""

    def __init__(self, queue_id: str) -> None:
        self._queue_id = queue_id
        self._positions: dict[str, int] = {}
        """By item, in the order of the queue: all that there are from ``_first`` to ``_end``."""
        self._first = 0
        self._end = 0
        self._last: dict[str, int] = {}
        """The untouched place that each reviewer was given last."""

    def find(
        self,
        cur: DuckDBPyConnection,
        reviewer_id: str,
        num_items: int,
        after: int | None,
        exclude: Sequence[str],
    ) -> list[_Place]:
        """Return the first untouched places after the one that the reviewer was given last.

        Args:
            after: The position where the reviewer is.
            exclude: Items not to give.

        Returns:
            Empty where places must be searched for.
        """
        if after is None or self._last.get(reviewer_id) != after or after + 1 < self._first:
            return []
        places = self._list(num_items, after, exclude)
        if len(places) < num_items:
            self._read(cur, self._end)
            places = self._list(num_items, after, exclude)
        if len(places) < num_items:
            return []
        # An item that was opened by its address may have a judgement.
        item_ids = [item_id for item_id, _ in places]
        counts = execute_for(cur, "queue_is_annotated", item_ids, queue_id=self._queue_id)
        return [] if any(count for (count,) in counts) else places

    def _list(self, num_items: int, after: int, exclude: Sequence[str]) -> list[_Place]:
        following = (
            place
            for place in self._positions.items()
            if place[1] > after and place[0] not in exclude
        )
        return list(islice(following, num_items))

    def note(self, cur: DuckDBPyConnection, places: Sequence[_Place], reviewer_id: str) -> None:
        """Record that places were given to a reviewer, and read more where they were not known."""
        for item_id, position in places:
            if self._positions.pop(item_id, None) is None:
                self._last.pop(reviewer_id, None)
            else:
                self._last[reviewer_id] = position
        if places and places[-1][1] >= self._end:
            self._read(cur, places[-1][1] + 1)

    def _read(self, cur: DuckDBPyConnection, position: int) -> None:
        """Read further places, up to some hundred after a position."""
        if position > self._end + _WINDOW:  # too many in between
            self._positions = {}
            self._first = self._end = position
        window = {"first_position": self._end, "last_position": position + _WINDOW}
        rows = cur.execute(load_sql("queue_untouched"), {"queue_id": self._queue_id, **window})
        self._positions |= dict(rows.fetchall())
        self._end = max(self._end, 1 + next(reversed(self._positions.values()), -1))


_FREE: WeakKeyDictionary[Database, dict[str, _Untouched]] = WeakKeyDictionary()


def _untouched(database: Database, queue: Queue) -> _Untouched | None:
    """Return what is known to be free, for queues in which that is open to all."""
    if queue.settings.num_reviewers != 1 or queue.settings.sharing == "dealt":
        return None
    queues = _FREE.setdefault(database, {})
    return queues.setdefault(queue.queue_id, _Untouched(queue.queue_id))


@dataclass(frozen=True)
class _Search:
    """A search for open items, in the transaction that reserves them."""

    cur: DuckDBPyConnection
    queue: Queue
    viewer: Viewer
    reviewer_id: str
    now: datetime
    free: _Untouched | None

    def find(
        self, num_items: int, after: int | None, exclude: Sequence[str]
    ) -> list[QueuePosition]:
        """Find the next positions a little way ahead, and in the whole queue only if that fails."""
        if not self.queue.is_open_to(self.reviewer_id):
            return []
        places = self._find_repeat(exclude, REPEAT_GAP)
        if not places:
            places = self._find_untouched(num_items, after, exclude)
            if places:
                return places
        start = 0 if after is None else after + 1
        for first, last, with_skipped in (
            (start, start + _WINDOW, False),
            (start, _END, False),
            (0, _END, True),
        ):
            if len(places) < num_items:
                known = [*exclude, *(place.item_id for place in places)]
                window = {"first_position": first, "last_position": last}
                window |= {"with_skipped": with_skipped, "limit": num_items - len(places)}
                places += self._find_open(known, window)
        return places or self._find_repeat(exclude, 1)

    def _find_untouched(
        self, num_items: int, after: int | None, exclude: Sequence[str]
    ) -> list[QueuePosition]:
        if self.free is None:
            return []
        found = self.free.find(self.cur, self.reviewer_id, num_items, after, exclude)
        if self.queue.settings.mode != "blind":
            waiting = list_waiting(self.cur, self.viewer, [item_id for item_id, _ in found])
            found = [] if waiting else found
        return [QueuePosition(*place) for place in found]

    def _find_open(self, exclude: Sequence[str], window: dict[str, Any]) -> list[QueuePosition]:
        named = self.queue.settings.reviewer_ids
        return fetch_records(
            self.cur,
            QueuePosition,
            "queue_next",
            queue_id=self.queue.queue_id,
            reviewer_id=self.reviewer_id,
            num_reviewers=self.queue.settings.num_reviewers,
            exclude=list(exclude),
            present=list(self.queue.present_ids),
            absent=[one for one in named if one not in self.queue.present_ids],
            **window,
            **_gate(self.viewer, self.queue),
            **_times(self.now),
        )

    def _find_repeat(self, exclude: Sequence[str], gap: int) -> list[QueuePosition]:
        """Find an item that is due to come again; with a gap of 1, any one that will."""
        if not self.queue.settings.repeat_share:
            return []
        parameters = {
            "queue_id": self.queue.queue_id,
            "reviewer_id": self.reviewer_id,
            "exclude": list(exclude),
            "gap": gap,
            "seed": self.queue.settings.seed,
            "share": self.queue.settings.repeat_share,
            "viewer": self.viewer.parameter,
        }
        rows = self.cur.execute(load_sql("queue_repeat"), parameters).fetchall()
        return [QueuePosition(row[0], row[1], is_repeat=True) for row in rows]


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
    item_ids: Sequence[str],
    reviewer_id: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    if not item_ids:
        return
    parameters = {
        "queue_id": queue_id,
        "item_ids": list(item_ids),
        "reviewer_id": reviewer_id,
        "created_at": to_timestamp(now),
        "expires_at": to_timestamp(expires_at),
    }
    cur.execute(load_sql("reservation_insert"), parameters)
