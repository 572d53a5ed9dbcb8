"""Events written in the background: together, a moment after they took place.

That an item was opened is worth noting and nothing that a person confirmed: a server that is killed
loses half a second of it. One by one they cost each save a transaction.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Final

from db.errors import DbError, NotPermittedError, ReviewerNotFoundError, SaveError
from db.review.events import ReviewEvent, add_events
from streamlit_app.server import services

_DELAY_SECONDS: Final = 0.5
_MAX_WAITING: Final = 10_000
"""Events held while the store cannot be written; the oldest go first."""
_log = logging.getLogger(__name__)


class EventLog:
    """What is waiting to be written."""

    def __init__(self) -> None:
        self._waiting: list[ReviewEvent] = []
        self._is_due = False
        """Whether a timer is running that will write them."""
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def note(self, event: ReviewEvent) -> None:
        """Record an event; it is written with those of the next half second."""
        with self._lock:
            self._waiting.append(event)
            is_due, self._is_due = self._is_due, True
        if not is_due:
            timer = threading.Timer(_DELAY_SECONDS, self.flush)
            timer.daemon = True
            timer.start()

    def flush(self) -> None:
        """Write what is waiting, and return when it is written.

        Where the store fails, the events are kept and written with the next ones.
        """
        with self._writing:
            with self._lock:
                events, self._waiting = self._waiting, []
                self._is_due = False
            if not events:
                return
            try:
                _write(events)
            except SaveError as error:
                with self._lock:
                    self._waiting = [*events, *self._waiting][-_MAX_WAITING:]
                _log.warning("%d events are not written yet: %s", len(events), error)
            except DbError as error:
                _log.warning("%d events were not written: %s", len(events), error)


def _write(events: list[ReviewEvent]) -> None:
    """Append events; those of a person whose access was taken away meanwhile are left out."""
    people = {event.reviewer_id for event in events}
    try:
        with services.database().transaction(only_labels=True) as cur:
            add_events(cur, events)
    except (NotPermittedError, ReviewerNotFoundError):
        if len(people) == 1:
            raise
        for reviewer_id in people:
            with contextlib.suppress(NotPermittedError, ReviewerNotFoundError):
                _write([event for event in events if event.reviewer_id == reviewer_id])


EVENTS: Final = EventLog()
"""One for the process."""
