"""The list of items to adjudicate: which one is next, which are done or postponed."""

from __future__ import annotations

from collections.abc import Sequence


class SettlingList:
    """Items in a fixed order, with those adjudicated since the list was made."""

    def __init__(self, item_ids: Sequence[str] = ()) -> None:
        """Store the ids in the order in which they are adjudicated."""
        self._ids = tuple(item_ids)
        self._places = {item_id: place for place, item_id in enumerate(self._ids)}
        self._done: set[str] = set()
        self._put_off: set[str] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._places

    @property
    def num_done(self) -> int:
        """Return how many items of the list were adjudicated."""
        return len(self._done)

    def number(self, item_id: str) -> int:
        """Return an item's place counted from 1."""
        return self._places[item_id] + 1

    def mark_done(self, item_id: str) -> None:
        """Record that an item was adjudicated."""
        self._done.add(item_id)
        self._put_off.discard(item_id)

    def put_off(self, item_id: str) -> None:
        """Postpone an item until nothing else is open."""
        self._put_off.add(item_id)

    def next_open(self, after: str | None = None) -> str | None:
        """Return the next item to adjudicate after one (None: the first); None if all are done.

        The search goes on from the start; postponed items come when no other is left.
        """
        start = 0 if after is None else self._places[after] + 1
        in_turn = (*self._ids[start:], *self._ids[:start])
        waiting = [item_id for item_id in in_turn if item_id not in self._done]
        fresh = [item_id for item_id in waiting if item_id not in self._put_off]
        return next(iter(fresh or waiting), None)

    def neighbour(self, item_id: str, step: int) -> str | None:
        """Return the item ``step`` places on (negative: back) in any state; None past an end."""
        place = self._places[item_id] + step
        return self._ids[place] if 0 <= place < len(self._ids) else None
