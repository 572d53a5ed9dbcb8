"""What was read of a database and is as it was since: forgotten by what may have changed it.

One process alone writes the file: what a transaction changed is known at its commit. To forget too
much costs a read; only a write that names too little could keep what is no longer so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")

_MAX_VALUES: Final = 10_000
"""Values held; of a collection each member counts."""
_MAX_ITEMS: Final = 10_000
"""Items of which reads are held."""
_NUM_LOCKS: Final = 256


def _size(value: object) -> int:
    return max(len(value), 1) if isinstance(value, dict | tuple) else 1


class Known:
    """Values by key, and values of single items, which a write to one item forgets alone."""

    def __init__(self) -> None:
        self._values: LRUCache[Hashable, Any] = LRUCache(_MAX_VALUES, getsizeof=_size)
        self._of_items: LRUCache[str, dict[Hashable, Any]] = LRUCache(_MAX_ITEMS)
        self._writes = count(1)
        self._generation = 0
        self._item_writes: LRUCache[str, int] = LRUCache(_MAX_ITEMS)
        """Of the items written last, which write it was: what was read before is not held."""
        self._knowing = threading.Lock()
        self._locks = [threading.Lock() for _ in range(_NUM_LOCKS)]

    def get(self, key: Hashable, read: Callable[[], Value]) -> Value:
        """Return what ``read`` gave for a key since everything was last forgotten."""
        with self._knowing:
            generation = self._generation
            if key in self._values:
                value: Value = self._values[key]
                return value
        value = read()
        with self._knowing:
            if generation == self._generation and _size(value) <= _MAX_VALUES:
                self._values[key] = value
        return value

    def get_of_items(
        self,
        kind: Hashable,
        item_ids: Sequence[str],
        read: Callable[[Sequence[str]], Mapping[str, Value]],
    ) -> dict[str, Value]:
        """Return a value for each item; those not held are read together.

        Args:
            kind: What is read of each.
            read: Returns the values of some items; called where any are missing.
        """
        with self._knowing:
            found = {
                item_id: of_item[kind]
                for item_id in item_ids
                if kind in (of_item := self._of_items.get(item_id, {}))
            }
            began = next(self._writes)
            generation = self._generation
        missing = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in found]
        if not missing:
            return found
        values = read(missing)
        with self._knowing:
            for item_id in missing if generation == self._generation else ():
                if self._item_writes.get(item_id, 0) < began:
                    self._of_items.setdefault(item_id, {})[kind] = values[item_id]
        return {**found, **values}

    def forget(self) -> None:
        """Drop everything that is held."""
        with self._knowing:
            self._generation += 1
            self._values.clear()
            self._of_items.clear()

    @contextmanager
    def writing(self, item_id: str) -> Iterator[None]:
        """Lock an item for one writer during a block, then drop what was read of it."""
        with self._locks[hash(item_id) % _NUM_LOCKS]:
            try:
                yield
            finally:
                with self._knowing:
                    self._item_writes[item_id] = next(self._writes)
                    self._of_items.pop(item_id, None)
