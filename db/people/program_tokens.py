"""Tokens by which programs use the routes: made and revoked by an admin, stored as hashes.

A program is a reviewer of its own, with a role that the Settings page shows and may change: what it
labels is never mixed with a person's labels, and every check of a role applies to it as well.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from duckdb import DuckDBPyConnection

from db.conversions import to_timestamp, utc_now
from db.errors import InvalidReviewerError, TokenNotFoundError
from db.people.permissions import require
from db.people.reviewers import find_person
from db.people.sign_in import add_person
from db.records import Role
from db.statements import append_row, fetch_records, fetch_value, load_sql

PROGRAM_ROLES: Final[tuple[Role, ...]] = ("reviewer", "adjudicator", "engineer")
"""The roles that a program can be given: none sets the roles of others."""
_PREFIX: Final = "lc_"
_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class ProgramToken:
    """One token, without its secret."""

    token_id: str
    name: str
    reviewer_id: str
    role: Role
    """What the program may do now."""
    created_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None
    """Of its last use, to the hour; None where it was never used."""


def add_token(
    cur: DuckDBPyConnection, name: str, *, role: Role = "reviewer", by: str | None = None
) -> str:
    """Make a program and its token. The caller owns the transaction.

    A program that had a token before keeps its labels and gets the role; its older tokens count on.

    Args:
        name: Of the program; the name of a person is refused.
        by: Who asks, an admin. None: the holder of the database file, at the command line.

    Returns:
        The token, which is shown once and cannot be read again.

    Raises:
        NotPermittedError: ``by`` is no admin.
        InvalidReviewerError: The name is a person's or cannot be used, or the role is too high.
    """
    if by is not None:
        require(cur, by, "manage_people")
    if role not in PROGRAM_ROLES:
        raise InvalidReviewerError(
            f"A program cannot have the role {role!r}. Use one of {list(PROGRAM_ROLES)}."
        )
    known = find_person(cur, name)
    programs = {token.reviewer_id for token in list_tokens(cur)}
    if known is not None and known.reviewer_id not in programs:
        raise InvalidReviewerError(
            f"The name {known.name!r} belongs to a person, whose labels must not mix with a "
            "program's. Choose another name for the program."
        )
    person = add_person(cur, name, role=role, by=by)
    secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    append_row(
        cur,
        "program_token_insert",
        token_id=str(uuid.uuid4()),
        token_hash=_hash(secret),
        reviewer_id=person.reviewer_id,
        created_by=by,
    )
    return secret


def revoke_token(cur: DuckDBPyConnection, token_id: str, *, by: str | None = None) -> None:
    """Withdraw a token from now on; the program's labels stay.

    Raises:
        NotPermittedError: ``by`` is no admin.
        TokenNotFoundError: No token has this id.
    """
    if by is not None:
        require(cur, by, "manage_people")
    known = [token.token_id for token in list_tokens(cur)]
    if token_id not in known:
        raise TokenNotFoundError(
            f"There is no token {token_id!r}. `python -m db token list` shows the {len(known)} "
            "that there are, with their ids."
        )
    parameters = {
        "token_id": token_id,
        "revoked_by": by,
        "revoked_at": to_timestamp(utc_now()),
    }
    cur.execute(load_sql("program_token_revoke"), parameters)


def list_tokens(cur: DuckDBPyConnection) -> list[ProgramToken]:
    """Return all tokens, revoked ones too, the oldest first."""
    return fetch_records(cur, ProgramToken, "program_token_list")


def find_program(cur: DuckDBPyConnection, token: str) -> str | None:
    """Return the id of the program whose token it is, or None for one unknown or revoked."""
    if not token.startswith(_PREFIX):
        return None
    return fetch_value(cur, str, "program_token_find", token_hash=_hash(token))


def note_use(cur: DuckDBPyConnection, token: str) -> None:
    """Record that a token is used, at most once an hour. The caller owns the transaction."""
    parameters = {"token_hash": _hash(token), "used_at": to_timestamp(utc_now())}
    cur.execute(load_sql("program_token_use"), parameters)


def _hash(secret: str) -> str:
    """Return the hash of a secret; it is random, so that no salt and no slow hash are needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
