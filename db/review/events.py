"""What people do other than labelling: appended, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from duckdb import DuckDBPyConnection

from db.conversions import to_timestamp, utc_now
from db.people.permissions import Action, require
from db.records import Phase
from db.statements import fetch_value, load_sql

EventAction = Literal[
    "open",
    "reveal",
    "skip",
    "flag",
    "unflag",
    "close_queue",
    "reopen_queue",
    "set_queue_people",
    "reassign_share",
]

ASKS: Final[Mapping[EventAction, Action]] = {
    "open": "read",
    "reveal": "read",
    "skip": "annotate",
    "flag": "annotate",
    "unflag": "annotate",
    "close_queue": "manage_queues",
    "reopen_queue": "manage_queues",
    "set_queue_people": "manage_queues",
    "reassign_share": "manage_queues",
}
"""What a person must be permitted for each."""


@dataclass(frozen=True)
class ReviewEvent:
    """One thing that a person did: who, what, from which value to which, when."""

    action: EventAction
    reviewer_id: str
    item_id: str | None = None
    queue_id: str | None = None
    phase: Phase | None = None
    old_value: str | None = None
    new_value: str | None = None
    created_at: datetime = field(default_factory=utc_now)
    """The server's time."""
    client_at: datetime | None = None
    """The browser's time, where a browser said it."""


def add_events(cur: DuckDBPyConnection, events: Sequence[ReviewEvent]) -> None:
    """Append what people did, in this order; each took place at its own ``created_at``.

    Raises:
        NotPermittedError: One of them may not do this; nothing is appended.
        ReviewerNotFoundError: There is no such reviewer.
    """
    asked = {(event.reviewer_id, ASKS[event.action]) for event in events}
    for reviewer_id, action in sorted(asked):
        require(cur, reviewer_id, action)
    append_events(cur, events)


def append_events(cur: DuckDBPyConnection, events: Sequence[ReviewEvent]) -> None:
    """Append what people did or what follows from it; the caller has asked whether they may."""
    rows = [
        {
            **vars(event),
            "created_at": to_timestamp(event.created_at),
            "client_at": None if event.client_at is None else to_timestamp(event.client_at),
        }
        for event in events
    ]
    cur.executemany(load_sql("review_event_insert"), rows)


def is_flagged(cur: DuckDBPyConnection, item_id: str, reviewer_id: str) -> bool:
    """Return whether a reviewer has an item flagged."""
    return fetch_value(cur, bool, "flag_find", item_id=item_id, reviewer_id=reviewer_id) or False


def set_flag(
    cur: DuckDBPyConnection,
    item_id: str,
    reviewer_id: str,
    flagged: bool,
    *,
    client_at: datetime | None = None,
) -> None:
    """Flag an item, or take the reviewer's own flag off; no change appends nothing.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    require(cur, reviewer_id, "annotate")
    if is_flagged(cur, item_id, reviewer_id) != flagged:
        action: EventAction = "flag" if flagged else "unflag"
        add_events(cur, [ReviewEvent(action, reviewer_id, item_id, client_at=client_at)])
