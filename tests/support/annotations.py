"""Labels given to items by people who need only be named."""

from __future__ import annotations

from dataclasses import fields as fields_of
from datetime import datetime
from itertools import count
from typing import Any

from duckdb import DuckDBPyConnection

from db.connection import Database
from db.people.reviewers import add_reviewer
from db.records import Annotation, Encounter, Judgement
from db.review.annotations import SeenItem, add_annotation

_numbers = count(1)
_OF_ENCOUNTER = {field.name for field in fields_of(Encounter)}


def annotate(
    store: Database | DuckDBPyConnection,
    who: str,
    item_id: str,
    *labels: str,
    annotation_id: str | None = None,
    created_at: datetime | None = None,
    seen: SeenItem | None = None,
    **fields: Any,
) -> Annotation:
    """Store the labels that a reviewer gives to an item; add the reviewer where they are new.

    Args:
        store: A database, for a transaction of its own, or a cursor of the caller's transaction.
        annotation_id: Made here when None.
        seen: The item on screen, where it was read before.
        fields: Further fields of ``Judgement`` and ``Encounter``.
    """
    if isinstance(store, Database):
        more = {"annotation_id": annotation_id, "created_at": created_at, "seen": seen, **fields}
        with store.transaction() as cur:
            return annotate(cur, who, item_id, *labels, **more)
    encounter = {name: fields.pop(name) for name in _OF_ENCOUNTER & set(fields)}
    return add_annotation(
        store,
        Judgement(labels, **fields),
        Encounter(**encounter),
        annotation_id=annotation_id or f"annotation-{next(_numbers)}",
        item_id=item_id,
        reviewer_id=add_reviewer(store, who).reviewer_id,
        seen=seen,
        created_at=created_at,
    )
