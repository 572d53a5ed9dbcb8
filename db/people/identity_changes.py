"""What becomes of a person: another name, one person with another, an identity that is erased.

Judgements stay whose they are: they and the chain over them name people by ids alone.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Final

from duckdb import DuckDBPyConnection

from db.errors import InvalidReviewerError
from db.people.permissions import require
from db.people.reviewers import (
    append_identity_change,
    clean_name,
    find_named,
    get_reviewer,
    list_reviewers,
)
from db.people.sign_in import require_another_admin
from db.records import Reviewer
from db.statements import load_sql

_ERASED: Final = "Erased person"


def rename_person(
    cur: DuckDBPyConnection, reviewer_id: str, name: str, *, by: str | None = None
) -> Reviewer:
    """Set the name of a person from now on; what they signed keeps the name of that time.

    Args:
        by: Who asks, an admin. None: the holder of the database file, at the command line.

    Raises:
        NotPermittedError: ``by`` is no admin.
        InvalidReviewerError: Another person or an annotator has the name, or it cannot be used.
        ReviewerNotFoundError: No reviewer has this id.
    """
    person = require_person(cur, reviewer_id, by)
    shown = clean_name(name)
    others = [one for one in list_reviewers(cur) if one.reviewer_id != reviewer_id]
    taken = find_named(others, shown)
    if taken is not None:
        raise InvalidReviewerError(
            f"The name {taken.name!r} belongs to another person. If both are one person, merge "
            "them; else add what tells them apart, such as a ward."
        )
    return append_identity_change(cur, person, "rename", changed_by=by, name=shown)


def erase_person(cur: DuckDBPyConnection, reviewer_id: str, *, by: str | None = None) -> Reviewer:
    """Delete what identifies a person, for good; their judgements stay and can still be verified.

    Names, addresses, sign-in identities and drafts are deleted, and their access ends. What they
    wrote in notes stays: it is part of the judgements.

    Args:
        by: As of :func:`rename_person`.

    Raises:
        NotPermittedError: ``by`` is no admin, or nobody would be one any more.
        InvalidReviewerError: It is an imported annotator.
        ReviewerNotFoundError: No reviewer has this id.
    """
    person = require_person(cur, reviewer_id, by)
    require_another_admin(cur, person)
    taken = {one.name for one in list_reviewers(cur) if one.reviewer_id != reviewer_id}
    name = next(name for name in map(f"{_ERASED} {{}}".format, count(1)) if name not in taken)
    for part in ("reviewer", "changes", "identities", "signatures", "drafts"):
        cur.execute(load_sql(f"person_erase_{part}"), {"reviewer_id": reviewer_id, "name": name})
    erased = replace(person, role="none", email=None, issuer=None)
    return append_identity_change(cur, erased, "erase", changed_by=by, name=name)


def require_person(cur: DuckDBPyConnection, reviewer_id: str, by: str | None) -> Reviewer:
    """Return a person whom ``by`` may change.

    Raises:
        NotPermittedError: ``by`` is no admin.
        InvalidReviewerError: It is an imported annotator.
        ReviewerNotFoundError: No reviewer has this id.
    """
    if by is not None:
        require(cur, by, "manage_people")
    person = get_reviewer(cur, reviewer_id)
    if person.origin == "import":
        raise InvalidReviewerError(
            f"{person.name!r} is an annotator of an imported data set, who has no access and no "
            "identity here. Choose a person."
        )
    return person


def require_distinct(person: Reviewer, other: Reviewer) -> None:
    """Refuse to merge a person who is the other one already.

    Raises:
        InvalidReviewerError: They are one person, or one of them was merged before.
    """
    merged = next((one for one in (person, other) if one.merged_into is not None), None)
    if merged is not None:
        raise InvalidReviewerError(f"{merged.name!r} was merged into another person before.")
    if person.reviewer_id == other.reviewer_id:
        raise InvalidReviewerError(f"{person.name!r} cannot be merged into themselves.")
