"""Annotations: append-only. What stands, and the label of record, are views over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from db.bulk import incoming
from db.errors import InvalidAnnotationError, InvalidLabelError, NothingToRetractError
from db.items import get_item
from db.records import Annotation, AnnotationOrigin, GoldLabel
from db.reviewers import add_reviewer, get_reviewer
from db.runs import get_run
from db.statements import load_sql
from db.values import from_timestamp, to_timestamp, utc_now


def add_annotation(
    cur: DuckDBPyConnection,
    *,
    annotation_id: str,
    item_id: str,
    reviewer_id: str,
    label: str,
    run_id: str | None = None,
    answer: str | None = None,
    note: str = "",
    duration_seconds: float | None = None,
    created_at: datetime | None = None,
) -> Annotation:
    """Append a reviewer's judgement on an item.

    What stood before it is stored with it, read in the same statement: the label of record, and
    the answer text that the reviewer saw (their own earlier correction, else the run's answer).

    Args:
        annotation_id: Made by the caller once for each press of the button, so that a retry is no
            second annotation: an id that is there already changes nothing.
        answer: The corrected answer text; None where the text was left as it is.
        created_at: An aware time; now when None.

    Returns:
        The annotation as stored.

    Raises:
        InvalidLabelError: The item does not allow the label.
        InvalidAnnotationError: The id belongs to another annotation, or the duration is no
            number of seconds.
        NotFoundError: There is no such item, reviewer or run.
    """
    require_allowed_label(cur, item_id, label)
    get_reviewer(cur, reviewer_id)
    if run_id is not None:
        get_run(cur, run_id)
    if duration_seconds is not None and not 0 <= duration_seconds < math.inf:
        raise InvalidAnnotationError(
            f"The duration {duration_seconds} s is not possible: "
            "give seconds of at least 0, or None."
        )
    parameters = {
        "annotation_id": annotation_id,
        "item_id": item_id,
        "reviewer_id": reviewer_id,
        "label": label,
        "created_at": to_timestamp(created_at or utc_now()),
        "run_id": run_id,
        "answer": answer,
        "note": note,
        "duration_seconds": duration_seconds,
    }
    return _write(cur, "annotation_insert", parameters, item_id, reviewer_id)


@dataclass(frozen=True)
class ImportedLabel:
    """An annotator's label that came with a data set; the annotator is known by name only."""

    item_id: str
    reviewer_name: str
    label: str


def add_imported_labels(cur: DuckDBPyConnection, labels: Sequence[ImportedLabel]) -> int:
    """Add annotators' labels as annotations of origin ``import``, with their annotators.

    The same label of the same annotator again adds nothing. The caller owns the transaction and
    answers for the labels being allowed.

    Returns:
        How many were added.
    """
    names = {label.reviewer_name for label in labels}
    ids = {name: add_reviewer(cur, name).reviewer_id for name in sorted(names)}
    now = to_timestamp(utc_now())
    rows = [
        {
            "annotation_id": f"import-{ids[label.reviewer_name]}-{label.item_id}-{label.label}",
            "item_id": label.item_id,
            "reviewer_id": ids[label.reviewer_name],
            "label": label.label,
            "created_at": now,
        }
        for label in labels
    ]
    with incoming(cur, "incoming_label", rows):
        inserted = cur.execute(load_sql("annotation_insert_imported")).fetchone()
    return 0 if inserted is None else int(inserted[0])


def retract_annotation(
    cur: DuckDBPyConnection, *, annotation_id: str, item_id: str, reviewer_id: str
) -> Annotation:
    """Take the reviewer's standing annotation on an item back; nothing is deleted.

    What the reviewer had said before it, if anything, stands again.

    Args:
        annotation_id: The id of the retraction itself, made by the caller; a retry with the same
            id changes nothing.

    Returns:
        The retraction as stored.

    Raises:
        NothingToRetractError: The reviewer has no standing annotation on the item.
        InvalidAnnotationError: The id belongs to another annotation.
    """
    stored = _find_retried(cur, annotation_id, item_id, reviewer_id)
    if stored is not None:
        return stored
    standing = find_current_annotation(cur, item_id, reviewer_id)
    if standing is None:
        raise NothingToRetractError(
            f"There is nothing to undo: reviewer {reviewer_id!r} has no standing annotation "
            f"on item {item_id!r}."
        )
    parameters = {
        "annotation_id": annotation_id,
        "item_id": item_id,
        "retracted_annotation_id": standing.annotation_id,
        "created_at": to_timestamp(utc_now()),
    }
    return _write(cur, "annotation_retract", parameters, item_id, reviewer_id)


def find_current_annotation(
    cur: DuckDBPyConnection, item_id: str, reviewer_id: str
) -> Annotation | None:
    """Give the reviewer's standing annotation on an item, or None."""
    parameters = {"item_id": item_id, "reviewer_id": reviewer_id}
    row = cur.execute(load_sql("annotation_find_current"), parameters).fetchone()
    return None if row is None else _from_row(row)


def list_annotations(cur: DuckDBPyConnection, item_id: str) -> list[Annotation]:
    """Give the whole history of an item, oldest first, retractions included."""
    rows = cur.execute(load_sql("annotation_list"), {"item_id": item_id}).fetchall()
    return [_from_row(row) for row in rows]


def list_current_annotations(
    cur: DuckDBPyConnection, origin: AnnotationOrigin = "review"
) -> list[Annotation]:
    """Give every standing annotation of an origin, by item and then by arrival."""
    rows = cur.execute(load_sql("annotation_list_current"), {"origin": origin}).fetchall()
    return [_from_row(row) for row in rows]


def get_gold(cur: DuckDBPyConnection, item_id: str) -> GoldLabel:
    """Give the label of record of an item: adjudicated, else agreed, else imported.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    row = cur.execute(load_sql("gold_get"), {"item_id": item_id}).fetchone()
    if row is None:
        get_item(cur, item_id)  # raises the error that explains
        raise AssertionError("every item has a row in the view of gold labels")
    return GoldLabel(*row)


def require_allowed_label(cur: DuckDBPyConnection, item_id: str, label: str) -> None:
    """Refuse a label that the item does not allow.

    Raises:
        InvalidLabelError: The label is none of the item's labels.
        ItemNotFoundError: No item has this id.
    """
    labels = get_item(cur, item_id).labels
    if label not in labels:
        raise InvalidLabelError(
            f"The label {label!r} is not allowed for item {item_id!r}: "
            f"choose one of {list(labels)}."
        )


def _find_retried(
    cur: DuckDBPyConnection, annotation_id: str, item_id: str, reviewer_id: str
) -> Annotation | None:
    """Give what an earlier call with the same id stored, or None."""
    row = cur.execute(load_sql("annotation_get"), {"annotation_id": annotation_id}).fetchone()
    if row is None:
        return None
    stored = _from_row(row)
    if (stored.item_id, stored.reviewer_id) != (item_id, reviewer_id):
        raise InvalidAnnotationError(
            f"The annotation id {stored.annotation_id!r} belongs to item {stored.item_id!r} and "
            f"reviewer {stored.reviewer_id!r}, not to {item_id!r} and {reviewer_id!r}. "
            "Make a new id for each annotation."
        )
    return stored


def _write(
    cur: DuckDBPyConnection,
    statement: str,
    parameters: Mapping[str, Any],
    item_id: str,
    reviewer_id: str,
) -> Annotation:
    """Append one row and give it as stored; where its id is taken, give what has it."""
    row = cur.execute(load_sql(statement), dict(parameters)).fetchone()
    if row is not None:
        return _from_row(row)
    stored = _find_retried(cur, parameters["annotation_id"], item_id, reviewer_id)
    if stored is None:
        raise AssertionError("an annotation that was not written has its id taken")
    return stored


def _from_row(row: Sequence[Any]) -> Annotation:
    return Annotation(
        annotation_id=row[0],
        item_id=row[1],
        reviewer_id=row[2],
        label=row[3],
        created_at=from_timestamp(row[4]),
        action=row[5],
        origin=row[6],
        run_id=row[7],
        old_label=row[8],
        old_answer=row[9],
        answer=row[10],
        note=row[11],
        phase=row[12],
        duration_seconds=row[13],
        retracted_annotation_id=row[14],
    )
