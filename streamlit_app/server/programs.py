"""What programs read of queues, and the sitting in which they label."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import Final

from cachetools import TTLCache

from db.connection import Database
from db.people.permissions import require
from db.people.program_tokens import find_program, note_use
from db.review import queue_progress, queues
from db.review.queue_progress import QueueProgress
from db.review.queues import Queue
from db.review.rights import known_queue
from streamlit_app.server import desk, services
from streamlit_app.server.tokens import Presented, Sitting

_LOCK: Final = Lock()
_NOTED: Final[TTLCache[tuple[str, str], bool]] = TTLCache(maxsize=1_000, ttl=600)
"""Tokens whose use was recorded in the last ten minutes."""


def find_caller(token: str) -> Sitting | None:
    """Return the program that sends a token, or None for a stranger."""
    database = services.database()
    reviewer_id = find_program(database.cursor(), token)
    if reviewer_id is None:
        return None
    _note_use(database, token)
    return Sitting(reviewer_id)


def _note_use(database: Database, token: str) -> None:
    """Record a use now and then: a write at every request would slow down all of them."""
    key = (str(database.path), token)
    with _LOCK:
        if key in _NOTED:
            return
        _NOTED[key] = True
    with database.transaction(only_labels=True) as cur:
        note_use(cur, token)


def in_queue(caller: Sitting, queue_id: str | None) -> Sitting:
    """Return the caller at work in a queue with the run whose answers it shows; None: in none.

    Raises:
        QueueNotFoundError: No queue has this id.
    """
    if queue_id is None:
        return caller
    run_id = known_queue(services.database(), queue_id).settings.run_id
    return replace(caller, queue_id=queue_id, filter=None, run_id=run_id)


def present(at: Sitting, item_id: str) -> Presented:
    """Return an item as it is put before a program, which needs no time to read it.

    Raises:
        ItemNotFoundError: No item has this id.
        ItemWithheldError: It waits for the program's blind label elsewhere.
    """
    return replace(desk.show_item(at, item_id).presented, floor_seconds=0.0)


def list_queues(reviewer_id: str) -> list[Queue]:
    """Return the open queues that a caller may work on.

    Raises:
        NotPermittedError: Their access was taken away.
    """
    cur = services.database().cursor()
    require(cur, reviewer_id, "read")
    return queues.list_queues(cur, reviewer_id)


def get_queue(reviewer_id: str, queue_id: str) -> Queue:
    """Return one queue.

    Raises:
        QueueNotFoundError: No queue has this id.
        NotPermittedError: The caller's access was taken away.
    """
    cur = services.database().cursor()
    require(cur, reviewer_id, "read")
    return queues.get_queue(cur, queue_id)


def list_progress(reviewer_id: str, queue_id: str) -> list[QueueProgress]:
    """Return how far a queue is in all, then how far each of its people is.

    Raises:
        QueueNotFoundError: No queue has this id.
        NotPermittedError: The caller's access was taken away.
    """
    queue = get_queue(reviewer_id, queue_id)
    cur = services.database().cursor()
    (state,) = queue_progress.list_states(cur, [queue])
    return [state.total, *state.people]
