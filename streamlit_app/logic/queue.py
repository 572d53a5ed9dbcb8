"""The review queue: which item is next, which were done or skipped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain


class ReviewQueue:
    """Items in a fixed order, with what the reviewer has done so far.

    The order is frozen when the queue is made: an item keeps its place when its label changes, so
    that going back finds what was there.
    """

    def __init__(self, item_ids: Sequence[str], reviewed: Iterable[str] = ()) -> None:
        """Make a queue.

        Args:
            item_ids: The items in order.
            reviewed: Items that the reviewer has labelled; others than ``item_ids`` are ignored.
        """
        self.item_ids = tuple(item_ids)
        self._places = {item_id: place for place, item_id in enumerate(self.item_ids)}
        self._reviewed = self._places.keys() & set(reviewed)
        self._skipped: set[str] = set()

    def __len__(self) -> int:
        return len(self.item_ids)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._places

    @property
    def num_reviewed(self) -> int:
        """How many items of the queue the reviewer has labelled."""
        return len(self._reviewed)

    def number(self, item_id: str) -> int | None:
        """Give an item's place counted from 1, or None for an item outside the queue."""
        place = self._places.get(item_id)
        return None if place is None else place + 1

    def mark_reviewed(self, item_id: str) -> None:
        """Note that the reviewer has labelled an item."""
        if item_id in self._places:
            self._reviewed.add(item_id)
            self._skipped.discard(item_id)

    def mark_open(self, item_id: str) -> None:
        """Note that the reviewer's label on an item was taken back."""
        self._reviewed.discard(item_id)

    def skip(self, item_id: str) -> None:
        """Put an item off until nothing else is open."""
        if item_id in self._places:
            self._skipped.add(item_id)

    def next_open(self, after: str | None = None) -> str | None:
        """Give the next item to label, or None when all are done.

        The search goes from the item after ``after`` to the end and then from the start. Skipped
        items come again once nothing else is open.
        """
        start = 0 if after is None else self._places.get(after, -1) + 1
        if found := self._first_open(start, after):
            return found
        self._skipped.clear()
        return self._first_open(start, after) or (after if self._is_open(after) else None)

    def neighbour(self, item_id: str, step: int) -> str | None:
        """Give the item ``step`` places on (negative: back), labelled or not; None past an end."""
        place = self._places.get(item_id)
        if place is None:
            return self.item_ids[0] if self.item_ids and step > 0 else None
        return self.item_ids[place + step] if 0 <= place + step < len(self.item_ids) else None

    def _first_open(self, start: int, besides: str | None) -> str | None:
        order = chain(range(start, len(self.item_ids)), range(start))
        return next(
            (
                item_id
                for item_id in (self.item_ids[place] for place in order)
                if item_id != besides and self._is_open(item_id) and item_id not in self._skipped
            ),
            None,
        )

    def _is_open(self, item_id: str | None) -> bool:
        return item_id in self._places and item_id not in self._reviewed
