"""Reviewers: the people, and imported annotators, who label items."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import get_args

from duckdb import DuckDBPyConnection

from db.errors import InvalidReviewerError, ReviewerNotFoundError
from db.records import Reviewer, Role
from db.statements import load_sql
from db.values import to_timestamp, utc_now

_MAX_NAME_LENGTH = 200


def add_reviewer(cur: DuckDBPyConnection, name: str, role: Role = "reviewer") -> Reviewer:
    """Add a reviewer, or give the one who has this name already, with the role they have.

    Names are compared without regard to case and spacing: the same person typing the name again
    must not become a second opinion.

    Raises:
        InvalidReviewerError: The name is empty or too long, or the role is unknown.
    """
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if not shown or len(shown) > _MAX_NAME_LENGTH:
        raise InvalidReviewerError(
            f"The reviewer name {name[:40]!r} cannot be used: it needs 1 to {_MAX_NAME_LENGTH} "
            "characters. Enter the name under which the annotations are to be kept."
        )
    if role not in get_args(Role):
        raise InvalidReviewerError(f"The role {role!r} is unknown: use one of {get_args(Role)}.")
    reviewer_id = "reviewer-" + hashlib.sha256(shown.casefold().encode()).hexdigest()[:16]
    parameters = {
        "reviewer_id": reviewer_id,
        "name": shown,
        "role": role,
        "created_at": to_timestamp(utc_now()),
    }
    cur.execute(load_sql("reviewer_insert"), parameters)
    return get_reviewer(cur, reviewer_id)


def get_reviewer(cur: DuckDBPyConnection, reviewer_id: str) -> Reviewer:
    """Give one reviewer.

    Raises:
        ReviewerNotFoundError: No reviewer has this id.
    """
    row = cur.execute(load_sql("reviewer_get"), {"reviewer_id": reviewer_id}).fetchone()
    if row is None:
        raise ReviewerNotFoundError(
            f"There is no reviewer {reviewer_id!r}. Add the reviewer by name first."
        )
    return Reviewer(*row)


def list_reviewers(cur: DuckDBPyConnection) -> list[Reviewer]:
    """Give all reviewers by name."""
    return [Reviewer(*row) for row in cur.execute(load_sql("reviewer_list")).fetchall()]
