"""A label given to an item, with whatever else a test is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from itertools import count
from typing import Any

from duckdb import DuckDBPyConnection

from db.records import Annotation, Encounter, Judgement
from db.review.annotations import add_annotation

_numbers = count(1)
_OF_ENCOUNTER = {field.name for field in fields(Encounter)}


def add_label(
    cur: DuckDBPyConnection,
    item_id: str,
    reviewer_id: str,
    label: str | None = None,
    *,
    annotation_id: str | None = None,
    created_at: datetime | None = None,
    labels: Iterable[str] = (),
    **more: Any,
) -> Annotation:
    """Store a reviewer's judgement on an item, in the caller's transaction.

    Args:
        label: The one acceptable label, instead of ``labels``.
        annotation_id: Made here when None.
        more: Further fields of ``Judgement`` and ``Encounter``.
    """
    encounter = {name: more.pop(name) for name in _OF_ENCOUNTER & set(more)}
    return add_annotation(
        cur,
        Judgement(tuple(labels) if label is None else (label,), **more),
        Encounter(**encounter),
        annotation_id=annotation_id or f"annotation-{next(_numbers)}",
        item_id=item_id,
        reviewer_id=reviewer_id,
        created_at=created_at,
    )
