"""Reviewers: the people, and imported annotators, who label items; and what their role is."""

from __future__ import annotations

import hashlib
import secrets
import time
import unicodedata
import uuid
from collections.abc import Sequence
from typing import get_args

from duckdb import DuckDBPyConnection

from db.conversions import require_text
from db.errors import InvalidReviewerError, ReviewerNotFoundError
from db.records import PersonChange, Reviewer, ReviewerChange, ReviewerOrigin, Role
from db.statements import append_row, fetch_record, fetch_records

MAX_NAME_LENGTH = 200
"""Characters that a name may have."""


def add_reviewer(
    cur: DuckDBPyConnection,
    name: str,
    role: Role = "reviewer",
    *,
    origin: ReviewerOrigin = "person",
) -> Reviewer:
    """Add a reviewer, or give the one who has this name already, with the role they have.

    Names are compared without regard to case and spacing: the same person typing the name again
    must not become a second opinion.

    Args:
        origin: ``"import"`` for an annotator whom only a data set names. Where a person has the
            name, the annotator is another reviewer, shown as one of a data set.

    Raises:
        InvalidReviewerError: The name is empty or too long, or belongs to an imported annotator,
            or the role is unknown.
    """
    shown = clean_name(name)
    if origin == "import":
        return _add_annotator(cur, shown, role)
    known = find_named(list_reviewers(cur), shown)
    if known is not None and known.origin == "import":
        raise InvalidReviewerError(
            f"The name {known.name!r} belongs to an annotator of an imported data set, whose "
            "labels must not mix with a person's. Choose another name, for example with your "
            "initials."
        )
    return known or insert_reviewer(cur, new_id(), shown, role, origin)


def new_id() -> str:
    """Return an id for a person that says nothing of them; later ones sort last."""
    return f"reviewer-{time.time_ns():x}{secrets.token_hex(2)}"


def _add_annotator(cur: DuckDBPyConnection, shown: str, role: Role) -> Reviewer:
    """Add an annotator of a data set under an id of their name: the same in each import."""
    digest = _digest(shown.casefold())
    named = find_named(list_people(cur), shown)
    if named is None:
        annotator = insert_reviewer(cur, f"reviewer-{digest}", shown, role, "import")
        if annotator.origin == "import":
            return annotator
    shown = f"{shown} (data set)"
    return insert_reviewer(cur, f"annotator-{digest}", shown, role, "import")


def insert_reviewer(
    cur: DuckDBPyConnection, reviewer_id: str, name: str, role: Role, origin: ReviewerOrigin
) -> Reviewer:
    """Add a reviewer under a given id; one that is there already stays as they are.

    Raises:
        InvalidReviewerError: The role is unknown.
    """
    check_role(role)
    append_row(
        cur,
        "reviewer_insert",
        reviewer_id=reviewer_id,
        name=name,
        role=role,
        origin=origin,
        salt=str(uuid.uuid4()),
    )
    return get_reviewer(cur, reviewer_id)


def get_reviewer(cur: DuckDBPyConnection, reviewer_id: str) -> Reviewer:
    """Return one reviewer, with the role they have now.

    Raises:
        ReviewerNotFoundError: No reviewer has this id.
    """
    person = fetch_record(cur, Reviewer, "reviewer_get", reviewer_id=reviewer_id)
    if person is None:
        raise ReviewerNotFoundError(
            f"There is no reviewer {reviewer_id!r}. Add the reviewer by name first."
        )
    return person


def list_reviewers(cur: DuckDBPyConnection) -> list[Reviewer]:
    """Return all reviewers by name, imported annotators too."""
    return fetch_records(cur, Reviewer, "reviewer_list")


def list_people(cur: DuckDBPyConnection) -> list[Reviewer]:
    """Return all people who may use the app, by name; people without a role too."""
    return [reviewer for reviewer in list_reviewers(cur) if reviewer.origin == "person"]


def find_person(cur: DuckDBPyConnection, name: str) -> Reviewer | None:
    """Return the person who has this name, case and spacing aside, or None; writes nothing.

    Raises:
        InvalidReviewerError: The name is empty or too long.
    """
    return find_named(list_people(cur), name)


def find_named(people: Sequence[Reviewer], name: str) -> Reviewer | None:
    """Return the one of some people who has this name, case and spacing aside, or None.

    Raises:
        InvalidReviewerError: The name is empty or too long.
    """
    wanted = clean_name(name).casefold()
    return next((one for one in people if one.name.casefold() == wanted), None)


def append_change(
    cur: DuckDBPyConnection,
    reviewer_id: str,
    *,
    role: Role,
    email: str | None,
    changed_by: str | None,
    issuer: str | None = None,
) -> Reviewer:
    """Append a person's role from now on; who may ask for that is checked by the caller.

    Raises:
        InvalidReviewerError: The role is unknown.
    """
    check_role(role)
    merged_into = get_reviewer(cur, reviewer_id).merged_into
    values = {"role": role, "email": email, "issuer": issuer, "merged_into": merged_into}
    _insert_change(cur, reviewer_id, changed_by, kind="role", **values)
    return get_reviewer(cur, reviewer_id)


def append_identity_change(
    cur: DuckDBPyConnection,
    person: Reviewer,
    kind: PersonChange,
    *,
    changed_by: str | None,
    name: str | None = None,
) -> Reviewer:
    """Append what became of a person; who may ask for that is checked by the caller.

    Args:
        person: With the role, address and ``merged_into`` that they have from now on.
        name: From now on; None: as before.
    """
    values = {"role": person.role, "email": person.email, "issuer": person.issuer}
    values |= {"merged_into": person.merged_into, "name": name}
    _insert_change(cur, person.reviewer_id, changed_by, kind=kind, **values)
    return get_reviewer(cur, person.reviewer_id)


def _insert_change(
    cur: DuckDBPyConnection, reviewer_id: str, changed_by: str | None, **values: str | None
) -> None:
    append_row(
        cur,
        "reviewer_change_insert",
        **{"name": None, **values},
        reviewer_id=reviewer_id,
        changed_by=changed_by,
        salt=str(uuid.uuid4()),
    )


def list_changes(cur: DuckDBPyConnection) -> list[ReviewerChange]:
    """Return every change of a person, oldest first."""
    return fetch_records(cur, ReviewerChange, "reviewer_change_list")


def check_role(role: str) -> None:
    """Refuse a role that there is not.

    Raises:
        InvalidReviewerError: The role is unknown.
    """
    if role not in get_args(Role):
        raise InvalidReviewerError(f"The role {role!r} is unknown: use one of {get_args(Role)}.")


def identity_id(issuer: str, subject: str) -> str:
    """Return the id of a person whom only a sign-in provider names."""
    return "reviewer-" + _digest(f"{issuer}\n{subject}")


def clean_name(name: str) -> str:
    """Return a name as it is stored: in one form and with single spaces.

    Raises:
        InvalidReviewerError: It is empty or too long.
    """
    require_text(name, "reviewer name", InvalidReviewerError)
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if not shown or len(shown) > MAX_NAME_LENGTH:
        raise InvalidReviewerError(
            f"The reviewer name {name[:40]!r} cannot be used: it needs 1 to {MAX_NAME_LENGTH} "
            "characters. Enter the name under which the annotations are to be kept."
        )
    return shown


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
