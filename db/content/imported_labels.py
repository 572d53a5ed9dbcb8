"""Annotations that came with a data set: evidence next to the reviewers' own, never a
correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming
from db.conversions import to_timestamp, utc_now
from db.errors import ItemConflictError
from db.people.reviewers import add_reviewer
from db.records import AnnotationAction, Encounter, Judgement, Phase, Verdict
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
    action: AnnotationAction = "label"
    judgement: Judgement = field(default_factory=Judgement)
    """What else was said; labels, verdicts and note are those above."""
    encounter: Encounter = field(default_factory=Encounter)
    """How the item was met; phase and duration are those above."""
    old_label: str | None = None
    old_answer: str | None = None
    retracted_annotation_id: str | None = None


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
    rows = [_to_row(label, ids[label.reviewer_name], now) for label in labels]
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


def _to_row(label: ImportedLabel, reviewer_id: str, now: datetime) -> dict[str, Any]:
    said, met, span = label.judgement, label.encounter, label.judgement.span
    return {
        "annotation_id": _annotation_id(label, reviewer_id),
        "item_id": label.item_id,
        "reviewer_id": reviewer_id,
        "label": None,  # as the item has it
        "labels": label.labels,
        "phase": label.phase,
        "verdicts": label.verdicts,
        "note": label.note,
        "duration_seconds": label.duration_seconds,
        "created_at": to_timestamp(label.created_at) if label.created_at else now,
        "client_at": to_timestamp(met.client_at) if met.client_at else None,
        "action": label.action,
        "run_id": met.run_id,
        "old_label": label.old_label,
        "old_answer": label.old_answer,
        "answer": said.answer,
        "severity": said.severity,
        "confidence": said.confidence,
        "span_text": span.text if span else None,
        "span_start": span.start if span else None,
        "span_end": span.end if span else None,
        "presentation": met.presentation,
        "is_flagged": said.is_flagged,
        "is_fast": met.is_fast,
        "guideline_version": met.guideline_version,
        "retracted_annotation_id": label.retracted_annotation_id,
    }


def _annotation_id(label: ImportedLabel, reviewer_id: str) -> str:
    """Return an id that the same answer has in every import of it."""
    if label.annotation_id:
        return label.annotation_id
    parts = ["import", reviewer_id, label.item_id]
    if label.phase != "open":
        parts.append(label.phase)
    return "-".join([*parts, "+".join(label.labels)])
