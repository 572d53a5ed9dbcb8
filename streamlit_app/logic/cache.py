"""Remembering what was computed from the database, as long as the data stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from cachetools import LRUCache

from db.connection import Database

P = ParamSpec("P")
T = TypeVar("T")

MAX_REMEMBERED: Final = 200
"""Results kept for one database, of all functions together; the least recently used goes first."""

_results: WeakKeyDictionary[Database, LRUCache[Any, Any]] = WeakKeyDictionary()
_lock = Lock()


def cached(
    compute: Callable[Concatenate[Database, str, P], T],
) -> Callable[Concatenate[Database, str, P], T]:
    """Make a function of a database and the state of its data remember what it gave.

    The second argument is what ``scored_runs.refresh`` gave: the same text, the same data. All
    other arguments must be hashable. Sessions share what is remembered.
    """

    @wraps(compute)
    def remembering(database: Database, version: str, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (compute, version, args, tuple(sorted(kwargs.items())))
        with _lock:
            results = _results.setdefault(database, LRUCache(MAX_REMEMBERED))
            if key in results:
                found: T = results[key]
                return found
        result = compute(database, version, *args, **kwargs)
        with _lock:
            results[key] = result
        return result

    return remembering
