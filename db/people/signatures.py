"""Signatures: by whom, when, and what it means that they decided or promoted something."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from duckdb import DuckDBPyConnection

from db.records import Reviewer
from db.statements import append_row, fetch_records

SignedKind = Literal["adjudication", "model_alias"]

MEANINGS: Final = {
    "adjudicate": "I decide that this label is the label of record of the item.",
    "promote": "I approve this model for use in place of the one before it.",
    "roll back": "I return to this earlier model.",
    "choose": "I choose this model as the one to compare with the model in use.",
}
"""What a signature states, by what was done."""


@dataclass(frozen=True)
class Signature:
    """One signature as it was given."""

    signed_kind: SignedKind
    signed_id: str
    reviewer_id: str
    name: str | None
    """Of the person at that time; None once their identity was erased."""
    meaning: str
    created_at: datetime


def sign(
    cur: DuckDBPyConnection, kind: SignedKind, signed_id: str, person: Reviewer, meaning: str
) -> None:
    """Append a person's signature, in the transaction of what is signed; once for each."""
    append_row(
        cur,
        "signature_insert",
        signed_kind=kind,
        signed_id=signed_id,
        reviewer_id=person.reviewer_id,
        name=person.name,
        meaning=meaning,
        salt=str(uuid.uuid4()),
    )


def list_signatures(cur: DuckDBPyConnection) -> list[Signature]:
    """Return all signatures, oldest first."""
    return fetch_records(cur, Signature, "signature_list")
