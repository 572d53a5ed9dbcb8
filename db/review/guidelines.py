"""Guidelines for reviewers: versions that never change, one line of them for each label set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duckdb import DuckDBPyConnection

from db.conversions import require_text, to_timestamp, utc_now
from db.errors import GuidelineError
from db.people.permissions import require
from db.statements import fetch_record, fetch_records

ALL_LABEL_SETS: Final = "all"
"""Stands for every label set that has no guideline of its own."""
MAX_CHARACTERS: Final = 50_000


@dataclass(frozen=True)
class Guideline:
    """One version; ``version`` is what an annotation stores."""

    version: str
    label_set: str
    body: str
    """Markdown, as it was typed."""
    reviewer_id: str
    created_at: datetime


def add_guideline(
    cur: DuckDBPyConnection,
    body: str,
    *,
    reviewer_id: str,
    label_set: str = ALL_LABEL_SETS,
) -> Guideline:
    """Append a version; it counts from now on. The caller owns the transaction.

    An unchanged text gives the current version.

    Raises:
        GuidelineError: The text is empty or too long, or cannot be stored.
        NotPermittedError: The role of the reviewer is not open to writing guidelines.
    """
    require(cur, reviewer_id, "edit_guidelines")
    text = body.strip()
    if not 0 < len(text) <= MAX_CHARACTERS:
        raise GuidelineError(
            f"A guideline of {len(text):,} characters cannot be stored: it needs 1 to "
            f"{MAX_CHARACTERS:,}. Shorten it, or put the rest into another document."
        )
    require_text(text, "guideline", GuidelineError)
    standing = find_guideline(cur, label_set)
    if standing is not None and (standing.label_set, standing.body) == (label_set, text):
        return standing
    parameters = {
        "label_set": label_set,
        "body": text,
        "reviewer_id": reviewer_id,
        "created_at": to_timestamp(utc_now()),
    }
    return fetch_records(cur, Guideline, "guideline_insert", **parameters)[0]


def find_guideline(cur: DuckDBPyConnection, label_set: str) -> Guideline | None:
    """Return the guideline that counts for a label set now, or None."""
    return fetch_record(cur, Guideline, "guideline_current", label_set=label_set)


def list_guidelines(cur: DuckDBPyConnection) -> list[Guideline]:
    """Return every version, the newest first."""
    return fetch_records(cur, Guideline, "guideline_list")
