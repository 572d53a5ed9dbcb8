"""What a reviewer works through: the items that pass the filters, or a saved queue.

Both give the next open items and the neighbours of one; neither holds a list of its own. The
routes call them from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from cachetools import LRUCache

from db.connection import Database
from db.review.annotations import list_labelled
from db.review.events import ReviewEvent, add_events
from db.review.item_list import (
    Order,
    ReviewFilter,
    data_version,
    item_id_array,
    viewer_of_list,
)
from db.review.queue_progress import count_own
from db.review.queues import Queue, find_item_at, find_position, list_block
from db.review.reservations import QueuePosition, release, reserve_ahead, reserve_neighbour
from db.review.rights import known_queue
from db.review.settings import ReviewMode
from db.review.visibility import list_waiting, view_as
from db.viewer import Viewer

_MAX_SEEN = 2_000
_FIRST_WINDOW = 64
_BLOCK = 128
"""Items whose texts are read at once: one by one they cost more than all else of a save."""


class Worklist(Protocol):
    """A list of items in a fixed order, with what the reviewer has done of it."""

    total: int
    num_done: int
    queue_id: str | None
    mode: ReviewMode

    def is_repeat(self, item_id: str) -> bool:
        """Return whether an item has come again, unannounced."""

    def queue_of(self, item_id: str) -> str | None:
        """Return the queue to which a label counts: none for an item from outside of it."""

    def ahead(
        self, num_items: int, after: str | None = None, exclude: Sequence[str] = ()
    ) -> list[str]:
        """Return the next open items after one, without those that are at hand already."""

    def give_back(self, item_ids: Sequence[str]) -> None:
        """Release items that were held ahead and not labelled."""

    def block(self, item_id: str) -> tuple[str, ...]:
        """Return the items that are read together with one; itself where it is from outside."""

    def neighbour(self, item_id: str, step: Literal[-1, 1]) -> str | None:
        """Return the item before or after, labelled or not; None past an end."""

    def number(self, item_id: str) -> int | None:
        """Return an item's place counted from 1, or None for an item outside the list."""

    def first(self) -> str | None:
        """Return the first item, labelled or not; None where there is none."""

    def put_off(self, item_id: str, client_at: datetime | None = None) -> None:
        """Postpone an item until nothing else is open."""

    def mark_done(self, item_id: str) -> None:
        """Record that the reviewer has finished an item."""

    def mark_open(self, item_id: str) -> None:
        """Record that the reviewer has reopened a finished item."""


class FilterWorklist:
    """The items that passed the filters when they were set; anybody else may do the same ones.

    The order is frozen: an item keeps its place when its label changes, so that going back finds
    what was there. 200,000 ids are 5 MB of Arrow, shared by the sessions that ask for the same.
    Items that a blind queue wants labelled first are passed over; where the whole project is blind,
    the others are shown blind here.
    """

    queue_id: str | None = None

    def __init__(
        self, database: Database, flt: ReviewFilter, order: Order, mode: ReviewMode
    ) -> None:
        self._database = database
        self._reviewer_id = flt.reviewer_id or ""
        self.mode: ReviewMode = mode
        viewer = view_as(database.cursor(), self._reviewer_id)
        self._ids = shared_ids(database, flt, viewer, order)
        self.total = len(self._ids)
        done = list_labelled(database.cursor(), self._reviewer_id, self._ids)
        self.num_done = len(done)
        self._put_off: set[str] = set()

    def ahead(
        self, num_items: int, after: str | None = None, exclude: Sequence[str] = ()
    ) -> list[str]:
        """Return the next open items after one, without those that are at hand already."""
        place = None if after is None else self._place(after)
        start = 0 if place is None else place + 1
        items: list[str] = []
        for first, last, with_put_off in (
            (start, self.total, False),
            (0, start, False),
            (0, self.total, True),
        ):
            if len(items) < num_items:
                known = {*exclude, *items}
                items += self._list_open(num_items - len(items), first, last, known, with_put_off)
        return items

    def give_back(self, item_ids: Sequence[str]) -> None:
        """Release nothing: only queues hold items for one reviewer."""

    def block(self, item_id: str) -> tuple[str, ...]:
        """Return the items that are read together with one; itself where it is from outside."""
        place = self._place(item_id)
        if place is None:
            return (item_id,)
        return tuple(self._ids.slice(place - place % _BLOCK, _BLOCK).to_pylist())

    def is_repeat(self, item_id: str) -> bool:  # noqa: ARG002
        """Return False: only queues let items come again."""
        return False

    def queue_of(self, item_id: str) -> str | None:  # noqa: ARG002
        """Return None: filters are not a queue."""
        return None

    def neighbour(self, item_id: str, step: Literal[-1, 1]) -> str | None:
        """Return the item before or after; from outside the list, on leads to its first item."""
        place = self._place(item_id)
        if place is None:
            place = -1 if step > 0 else 0
        size = _FIRST_WINDOW
        at = place + step
        while 0 <= at < self.total:
            first, last = (at, at + size) if step > 0 else (max(at - size + 1, 0), at + 1)
            window = self._ids.slice(first, last - first)
            found = window.to_pylist()[::step]
            withheld = self._withheld(window)
            for other in found:
                if other not in withheld:
                    return str(other)
            at += step * len(found)
            size *= 8
        return None

    def number(self, item_id: str) -> int | None:
        """Return an item's place counted from 1, or None for an item outside the list."""
        place = self._place(item_id)
        return None if place is None else place + 1

    def first(self) -> str | None:
        """Return the first item, labelled or not; None where there is none."""
        return self._ids[0].as_py() if self.total else None

    def put_off(self, item_id: str, client_at: datetime | None = None) -> None:
        """Postpone an item until nothing else is open."""
        with self._database.transaction(only_labels=True) as cur:
            skip = ReviewEvent("skip", self._reviewer_id, item_id, client_at=client_at)
            add_events(cur, [skip])
        self._put_off.add(item_id)

    def mark_done(self, item_id: str) -> None:
        """Record that the reviewer has finished an item."""
        self._put_off.discard(item_id)
        if self._place(item_id) is not None:
            self.num_done += 1

    def mark_open(self, item_id: str) -> None:
        """Record that the reviewer has reopened a finished item."""
        if self._place(item_id) is not None:
            self.num_done -= 1

    def _place(self, item_id: str) -> int | None:
        place = pc.index(self._ids, item_id).as_py()
        return None if place < 0 else int(place)

    def _withheld(self, item_ids: pa.StringArray) -> set[str]:
        """Return which items must not be shown here: a blind queue waits for their label."""
        cur = self._database.cursor()
        waiting = list_waiting(cur, view_as(cur, self._reviewer_id), item_ids)
        return {
            item_id
            for item_id, queue_id in waiting.items()
            if queue_id is not None or self.mode == "open"
        }

    def _list_open(
        self, num_items: int, first: int, last: int, exclude: set[str], with_put_off: bool
    ) -> list[str]:
        """Find the next open items in growing windows: they are nearly always close by."""
        size = _FIRST_WINDOW
        items: list[str] = []
        while first < last and len(items) < num_items:
            window = self._ids.slice(first, min(size, last - first))
            done = list_labelled(self._database.cursor(), self._reviewer_id, window)
            done |= self._withheld(window)
            for item_id in window.to_pylist():
                is_put_off = item_id in self._put_off and not with_put_off
                if item_id not in done and item_id not in exclude and not is_put_off:
                    items.append(str(item_id))
            first += size
            size *= 8
        return items[:num_items]


class QueueWorklist:
    """A saved queue, shared with others: what is on screen is reserved for one reviewer."""

    def __init__(self, database: Database, queue: Queue, reviewer_id: str) -> None:
        self._database = database
        self._reviewer_id = reviewer_id
        self.queue_id: str | None = queue.queue_id
        self._queue_id = queue.queue_id
        self.mode: ReviewMode = queue.settings.mode
        self.num_done, self.total = count_own(database.cursor(), queue, reviewer_id)
        self._places: LRUCache[str, int] = LRUCache(_MAX_SEEN)
        self._lock = Lock()  # the routes run in several threads
        self._repeat: str | None = None

    @property
    def queue(self) -> Queue:
        """Return the queue as it is now: its people may be others than when it was opened."""
        return known_queue(self._database, self._queue_id)

    def ahead(
        self, num_items: int, after: str | None = None, exclude: Sequence[str] = ()
    ) -> list[str]:
        """Reserve the next open items after one, without those that are at hand already."""
        place = None if after is None else self._place(after)
        places = reserve_ahead(
            self._database, self.queue, self._reviewer_id, num_items, after=place, exclude=exclude
        )
        for found in places:
            self._remember(found)
            if found.is_repeat:
                self._repeat = found.item_id
        return [found.item_id for found in places]

    def give_back(self, item_ids: Sequence[str]) -> None:
        """Release items that were held ahead and not labelled."""
        release(self._database, self._queue_id, item_ids, self._reviewer_id)

    def block(self, item_id: str) -> tuple[str, ...]:
        """Return the items that are read together with one; itself where it is from outside."""
        place = self._place(item_id)
        if place is None:
            return (item_id,)
        first, queue_id = place - place % _BLOCK, self._queue_id
        return self._database.known.get(
            ("block", queue_id, first),
            lambda: list_block(self._database.cursor(), queue_id, first, _BLOCK),
        )

    def is_repeat(self, item_id: str) -> bool:
        """Return whether an item has come again, unannounced."""
        return item_id == self._repeat

    def queue_of(self, item_id: str) -> str | None:
        """Return the queue to which a label counts: none for an item from outside of it."""
        return self.queue_id if self._place(item_id) is not None else None

    def neighbour(self, item_id: str, step: Literal[-1, 1]) -> str | None:
        """Reserve the item before or after and give the one left back; others' are passed over."""
        place = self._place(item_id)
        at = place if place is not None else min(0, -step)
        found = reserve_neighbour(self._database, self.queue, self._reviewer_id, at, step)
        if found is None:
            return None
        self._remember(found)
        if place is not None:
            self.give_back([item_id])
        return found.item_id

    def number(self, item_id: str) -> int | None:
        """Return an item's place counted from 1, or None for an item outside the queue."""
        place = self._place(item_id)
        return None if place is None else place + 1

    def first(self) -> str | None:
        """Return the first item, labelled or not; None where there is none."""
        return find_item_at(self._database.cursor(), self._queue_id, 0)

    def put_off(self, item_id: str, client_at: datetime | None = None) -> None:
        """Return the item back and let it come again once nothing else is open."""
        with self._database.transaction(only_labels=True) as cur:
            skip = ReviewEvent(
                "skip", self._reviewer_id, item_id, self._queue_id, client_at=client_at
            )
            add_events(cur, [skip])
        self.give_back([item_id])

    def mark_done(self, item_id: str) -> None:
        """Record that the reviewer has finished an item; a repeat counts as the same item."""
        if self.is_repeat(item_id):
            self._repeat = None
        else:
            self.num_done += self._place(item_id) is not None

    def mark_open(self, item_id: str) -> None:
        """Record that the reviewer has reopened a finished item."""
        self.num_done -= self._place(item_id) is not None

    def _place(self, item_id: str) -> int | None:
        with self._lock:
            place = self._places.get(item_id)
        if place is None:
            place = find_position(self._database.cursor(), self._queue_id, item_id)
            if place is not None:
                self._remember(QueuePosition(item_id, place))
        return place

    def _remember(self, place: QueuePosition) -> None:
        with self._lock:
            self._places[place.item_id] = place.position


_SHARED: LRUCache[tuple[object, ...], pa.StringArray] = LRUCache(8)
_SHARED_LOCK = Lock()


def shared_ids(
    database: Database, flt: ReviewFilter, viewer: Viewer, order: Order
) -> pa.StringArray:
    """Read the ids that pass, or share what another session read from the same data."""
    cur = database.cursor()
    viewer = viewer_of_list(flt, viewer, order)
    if flt.show not in ("unreviewed", "reviewed", "flagged", "fast"):
        flt = replace(flt, reviewer_id=None)  # the list is the same for all
    key = (str(database.path), id(database), flt, viewer, order, data_version(cur))
    with _SHARED_LOCK:
        ids = _SHARED.get(key)
    if ids is None:
        ids = item_id_array(cur, flt, viewer, order)
        with _SHARED_LOCK:
            _SHARED[key] = ids
    return ids
