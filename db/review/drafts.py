"""What a reviewer has begun to say of an item and not saved yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_json, require_text, to_json
from db.errors import InvalidDraftError
from db.people.permissions import require
from db.records import Phase
from db.statements import append_row, load_sql

MAX_CHARACTERS = 200_000
"""Longest draft that is kept, as JSON: ten times the longest answer that a page shows."""


def save_draft(
    cur: DuckDBPyConnection, item_id: str, reviewer_id: str, phase: Phase, body: Mapping[str, Any]
) -> None:
    """Append a draft; it replaces the one before.

    Raises:
        InvalidDraftError: It is longer than ``MAX_CHARACTERS``, or a field holds half of a
            surrogate pair.
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    require(cur, reviewer_id, "annotate")
    for name, value in body.items():
        if isinstance(value, str):
            require_text(value, f"{name} of the draft for item {item_id!r}", InvalidDraftError)
    text = to_json(body)
    if len(text) > MAX_CHARACTERS:
        raise InvalidDraftError(
            f"The draft for item {item_id!r} has {len(text):,} characters; at most "
            f"{MAX_CHARACTERS:,} are kept. Shorten the answer or the note."
        )
    _append(cur, item_id, reviewer_id, phase, text)


def clear_draft(cur: DuckDBPyConnection, item_id: str, reviewer_id: str, phase: Phase) -> None:
    """Drop a draft because what it held was saved. The caller owns the transaction.

    Raises:
        NotPermittedError: The role of the reviewer is not open to labelling.
        ReviewerNotFoundError: No reviewer has this id.
    """
    require(cur, reviewer_id, "annotate")
    if find_draft(cur, item_id, reviewer_id, phase) is not None:
        _append(cur, item_id, reviewer_id, phase, "")


def find_draft(
    cur: DuckDBPyConnection, item_id: str, reviewer_id: str, phase: Phase
) -> dict[str, Any] | None:
    """Return the draft of a reviewer for an item in a phase, or None."""
    parameters = {"item_id": item_id, "reviewer_id": reviewer_id}
    row = cur.execute(load_sql("draft_find"), parameters).fetchone()
    if row is None or row[0] != phase or not row[1]:
        return None
    return from_json(row[1])


def prune_drafts(cur: DuckDBPyConnection) -> None:
    """Delete drafts that a later one replaced or a save made needless; when a file is opened."""
    cur.execute(load_sql("draft_prune"))


def _append(
    cur: DuckDBPyConnection, item_id: str, reviewer_id: str, phase: Phase, body: str
) -> None:
    append_row(
        cur, "draft_insert", item_id=item_id, reviewer_id=reviewer_id, phase=phase, body=body
    )
