"""Annotations that came with a data set: evidence next to the reviewers' own, never a
correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming
from db.conversions import to_timestamp, utc_now
from db.errors import ItemConflictError
from db.people.reviewers import add_reviewer
from db.records import Phase, Verdict
from db.statements import load_sql


@dataclass(frozen=True)
class ImportedLabel:
    """What an annotator said of an item in one phase; the annotator is known by name only.

    ``labels`` are all that the annotator accepts, in the item's order; none where the item cannot
    be answered.
    """

    item_id: str
    reviewer_name: str
    labels: tuple[str, ...]
    phase: Phase = "open"
    verdicts: tuple[Verdict, ...] = ()
    note: str = ""
    duration_seconds: float | None = None
    created_at: datetime | None = None
    """When they said it; the time of the import where None."""
    annotation_id: str = ""
    """Its id in the store that it was exported from; made of its content where empty."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of the annotation in the store that it was exported from."""


def add_imported_labels(cur: DuckDBPyConnection, labels: Sequence[ImportedLabel]) -> int:
    """Add annotators' labels as annotations of origin ``import``, with their annotators.

    The same answer of the same annotator in the same phase again adds nothing. The caller owns the
    transaction and answers for the labels being allowed.

    Returns:
        How many were added.

    Raises:
        ItemConflictError: The same answer is stored with other verdicts, another note or duration.
    """
    names = {label.reviewer_name for label in labels}
    ids = {name: add_reviewer(cur, name, origin="import").reviewer_id for name in sorted(names)}
    now = to_timestamp(utc_now())
    rows = [
        {
            "annotation_id": _annotation_id(label, ids[label.reviewer_name]),
            "item_id": label.item_id,
            "reviewer_id": ids[label.reviewer_name],
            "label": label.labels[0] if len(label.labels) == 1 else None,
            "labels": label.labels,
            "phase": label.phase,
            "verdicts": label.verdicts,
            "note": label.note,
            "duration_seconds": label.duration_seconds,
            "created_at": now,
        }
        for label in labels
    ]
    with incoming(cur, "incoming_label", rows):
        changed = cur.execute(load_sql("annotation_find_changed")).fetchall()
        if changed:
            raise ItemConflictError(
                f"{len(changed)} labels of annotators are stored with other details, nothing was "
                f"changed. First: {changed[0]}.",
                changed,
            )
        inserted = cur.execute(load_sql("annotation_insert_imported")).fetchone()
    return 0 if inserted is None else int(inserted[0])


def _annotation_id(label: ImportedLabel, reviewer_id: str) -> str:
    """Return an id that the same answer has in every import of it."""
    parts = ["import", reviewer_id, label.item_id]
    if label.phase != "open":
        parts.append(label.phase)
    return "-".join([*parts, "+".join(label.labels)])
