"""Annotations: append-only. What stands, and the label of record, are views over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import itemgetter
from typing import Any, get_args

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming_table
from db.content.items import get_item
from db.content.predictions import find_prediction
from db.content.runs import get_run
from db.conversions import from_timestamp, require_text, to_timestamp, utc_now
from db.errors import InvalidAnnotationError, InvalidLabelError, NothingToRetractError
from db.people.permissions import require
from db.records import (
    Annotation,
    Confidence,
    GoldLabel,
    GoldOrigin,
    Item,
    Phase,
    Presentation,
    Severity,
    Span,
    SpanText,
    Verdict,
)
from db.statements import load_sql


def add_annotation(
    cur: DuckDBPyConnection,
    *,
    annotation_id: str,
    item_id: str,
    reviewer_id: str,
    item: Item | None = None,
    label: str | None = None,
    labels: Sequence[str] = (),
    run_id: str | None = None,
    seen_answer: str | None = None,
    answer: str | None = None,
    note: str = "",
    verdicts: Sequence[Verdict] = (),
    severity: Severity | None = None,
    confidence: Confidence | None = None,
    span: Span | None = None,
    is_flagged: bool = False,
    is_fast: bool = False,
    phase: Phase = "open",
    presentation: Presentation = "first",
    queue_id: str | None = None,
    guideline_version: str | None = None,
    duration_seconds: float | None = None,
    client_at: datetime | None = None,
    created_at: datetime | None = None,
) -> Annotation:
    """Append a reviewer's judgement on an item.

    What stood before it is stored with it, read in the same transaction: the label of record, and
    the answer text that the reviewer saw (their own earlier correction, else the run's answer).
    The caller owns the transaction.

    Args:
        annotation_id: Made by the caller once for each press of the button, so that a retry is no
            second annotation: an id that is there already changes nothing.
        item: The item, where the caller has read it already; else it is read here.
        label: The one acceptable label; the same as ``labels=[label]``.
        labels: Every acceptable label. None at all needs the verdict ``unanswerable`` or
            ``information_missing``.
        seen_answer: The answer of that run, where the caller has read it already; else it is read
            here.
        answer: The corrected answer text; None where the text was left as it is.
        guideline_version: Of the guideline that was beside the item; None where none was.
        created_at: An aware time; now when None.

    Returns:
        The annotation as stored.

    Raises:
        InvalidLabelError: The item does not allow a label, or there is none.
        InvalidAnnotationError: The id belongs to another annotation, or a value is not possible.
        NotFoundError: There is no such item, reviewer or run.
        NotPermittedError: The role of the reviewer is not open to labelling.
    """
    said = (label,) if label is not None else tuple(labels)
    item = item or get_item(cur, item_id)
    allowed = item.labels
    _require_allowed(item_id, said, allowed)
    if not said and not {"unanswerable", "information_missing"} & set(verdicts):
        raise InvalidLabelError(
            f"Item {item_id!r} was given no label: choose one of {list(allowed)}, or say with the "
            "verdict 'unanswerable' or 'information_missing' why there is none."
        )
    require(cur, reviewer_id, "annotate")
    require_text(answer, f"corrected answer for item {item_id!r}", InvalidAnnotationError)
    require_text(note, f"note on item {item_id!r}", InvalidAnnotationError)
    _require_possible(verdicts, severity, confidence, span, duration_seconds)
    history = list_annotations(cur, item_id)
    stored = _find_retried(history, annotation_id, reviewer_id)
    if stored is not None:
        return stored
    if seen_answer is None and run_id is not None:
        get_run(cur, run_id)
        prediction = find_prediction(cur, run_id, item_id)
        seen_answer = None if prediction is None else prediction.answer
    mine = standing_annotations(history).get(reviewer_id)
    parameters = {
        "annotation_id": annotation_id,
        "item_id": item_id,
        "reviewer_id": reviewer_id,
        "label": said[0] if len(said) == 1 else None,
        "labels": [name for name in allowed if name in said],
        "created_at": to_timestamp(created_at or utc_now()),
        "client_at": None if client_at is None else to_timestamp(client_at),
        "run_id": run_id,
        "old_label": gold_of(cur, item, history).label,
        "old_answer": seen_answer if mine is None or mine.answer is None else mine.answer,
        "answer": answer,
        "note": note,
        "verdicts": [name for name in get_args(Verdict) if name in verdicts],
        "severity": severity,
        "confidence": confidence,
        "span_text": span and span.text,
        "span_start": span and span.start,
        "span_end": span and span.end,
        "is_flagged": is_flagged,
        "is_fast": is_fast,
        "phase": phase,
        "presentation": presentation,
        "queue_id": queue_id,
        "guideline_version": guideline_version,
        "duration_seconds": duration_seconds,
    }
    return _write(cur, "annotation_insert", parameters)


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
    history = list_annotations(cur, item_id)
    stored = _find_retried(history, annotation_id, reviewer_id)
    if stored is not None:
        return stored
    standing = standing_annotations(history).get(reviewer_id)
    if standing is None:
        raise NothingToRetractError(
            f"There is nothing to undo: reviewer {reviewer_id!r} has no standing annotation "
            f"on item {item_id!r}."
        )
    parameters = {
        "annotation_id": annotation_id,
        "item_id": item_id,
        "retracted_annotation_id": standing.annotation_id,
        "old_label": gold_of(cur, get_item(cur, item_id), history).label,
        "created_at": to_timestamp(utc_now()),
    }
    return _write(cur, "annotation_retract", parameters)


def kept_annotations(history: Sequence[Annotation]) -> list[Annotation]:
    """Return those of an item's history that were not taken back, oldest first."""
    taken_back = {one.retracted_annotation_id for one in history if one.action == "retract"}
    return [one for one in history if one.action == "label" and one.annotation_id not in taken_back]


def standing_annotations(history: Sequence[Annotation]) -> dict[str, Annotation]:
    """Return each reviewer's latest annotation of an item's history that was not taken back."""
    return {one.reviewer_id: one for one in kept_annotations(history)}


def list_annotations(cur: DuckDBPyConnection, item_id: str) -> list[Annotation]:
    """Return the whole history of an item, oldest first, retractions included."""
    rows = _rows(cur, "annotation_list", {"item_id": item_id})
    return [_from_row(row) for row in sorted(rows, key=itemgetter("annotation_number"))]


def count_annotations(cur: DuckDBPyConnection, item_id: str) -> int:
    """Count the whole history of an item, retractions included."""
    row = cur.execute(load_sql("annotation_count"), {"item_id": item_id}).fetchone()
    return 0 if row is None else int(row[0])


def list_labelled(cur: DuckDBPyConnection, reviewer_id: str, item_ids: pa.StringArray) -> set[str]:
    """Return those of the items on which a reviewer has a standing annotation."""
    table = pa.table({"item_id": item_ids})
    with incoming_table(cur, "incoming_queue_item", table):
        rows = cur.execute(
            load_sql("annotation_list_labelled"), {"reviewer_id": reviewer_id}
        ).fetchall()
    return {row[0] for row in rows}


def get_gold(cur: DuckDBPyConnection, item_id: str) -> GoldLabel:
    """Return the label of record of an item: adjudicated, else agreed, else imported.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    return gold_of(cur, get_item(cur, item_id), list_annotations(cur, item_id))


def gold_of(cur: DuckDBPyConnection, item: Item, history: Sequence[Annotation]) -> GoldLabel:
    """Return the label of record of an item that is at hand with its whole history."""
    return _gold(item, history, _find_decision(cur, item.item_id))


def require_allowed_label(cur: DuckDBPyConnection, item_id: str, label: str) -> None:
    """Refuse a label that the item does not allow.

    Raises:
        InvalidLabelError: The label is none of the item's labels.
        ItemNotFoundError: No item has this id.
    """
    _require_allowed(item_id, [label], get_item(cur, item_id).labels)


def _require_allowed(item_id: str, labels: Sequence[str], allowed: Sequence[str]) -> None:
    for label in labels:
        if label not in allowed:
            raise InvalidLabelError(
                f"The label {label!r} is not allowed for item {item_id!r}: "
                f"choose one of {list(allowed)}."
            )


def _require_possible(
    verdicts: Sequence[str],
    severity: str | None,
    confidence: str | None,
    span: Span | None,
    duration_seconds: float | None,
) -> None:
    words = (
        *(("verdict", verdict, get_args(Verdict)) for verdict in verdicts),
        ("severity", severity, get_args(Severity)),
        ("confidence", confidence, get_args(Confidence)),
        ("span text", span and span.text, get_args(SpanText)),
    )
    for name, value, allowed in words:
        if value is not None and value not in allowed:
            raise InvalidAnnotationError(
                f"The {name} {value!r} is not known: choose one of {list(allowed)}."
            )
    if span is not None and not 0 <= span.start < span.end:
        raise InvalidAnnotationError(
            f"The span from {span.start} to {span.end} is empty or negative: "
            "give the first character and the one after the last."
        )
    if duration_seconds is not None and not 0 <= duration_seconds < math.inf:
        raise InvalidAnnotationError(
            f"The duration {duration_seconds} s is not possible: "
            "give seconds of at least 0, or None."
        )


def _find_decision(cur: DuckDBPyConnection, item_id: str) -> str | None:
    """Return the label of the latest adjudication of an item, or None."""
    row = cur.execute(load_sql("adjudication_find_label"), {"item_id": item_id}).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def _gold(item: Item, history: Sequence[Annotation], decision: str | None) -> GoldLabel:
    """Return what the view ``gold`` gives, for one item whose rows are at hand.

    The view takes 8 ms for one item at 100,000 annotations, the rows 2 ms; it is wanted at each
    key press. A test holds both to the same rule.
    """
    said = {one.labels for one in standing_annotations(history).values() if one.origin == "review"}
    if decision is not None:
        return GoldLabel(item.item_id, decision, "adjudicated")
    if len(said) == 1 and len(labels := said.pop()) == 1:
        return GoldLabel(item.item_id, labels[0], "agreed")
    imported: GoldOrigin | None = None if item.gold_label is None else "imported"
    return GoldLabel(item.item_id, item.gold_label, imported, conflicting=len(said) > 1)


def _find_retried(
    history: Sequence[Annotation], annotation_id: str, reviewer_id: str
) -> Annotation | None:
    """Return what an earlier call with the same id stored of the item, or None."""
    stored = next((one for one in history if one.annotation_id == annotation_id), None)
    if stored is not None and stored.reviewer_id != reviewer_id:
        raise _taken(stored)
    return stored


def _write(cur: DuckDBPyConnection, statement: str, parameters: Mapping[str, Any]) -> Annotation:
    """Append one row and give it as stored.

    An id that another item has is left to the table to refuse: to look for it, or "on conflict do
    nothing", would take as long as the rest of a save.
    """
    try:
        return _fetch(cur, statement, parameters)[0]
    except duckdb.ConstraintException as error:
        wanted = {"annotation_id": parameters["annotation_id"]}
        # On a cursor of its own: this transaction can do no more.
        found = _fetch(cur.cursor(), "annotation_get", wanted)
        if not found:
            raise
        raise _taken(found[0]) from error


def _taken(stored: Annotation) -> InvalidAnnotationError:
    return InvalidAnnotationError(
        f"The annotation id {stored.annotation_id!r} belongs to item {stored.item_id!r} and "
        f"reviewer {stored.reviewer_id!r} already. Make a new id for each annotation."
    )


_FIELDS = frozenset(field.name for field in fields(Annotation))


def _fetch(
    cur: DuckDBPyConnection, statement: str, parameters: Mapping[str, Any]
) -> list[Annotation]:
    """Run a statement that gives rows of ``annotation`` and turn them into records."""
    return [_from_row(row) for row in _rows(cur, statement, parameters)]


def _rows(
    cur: DuckDBPyConnection, statement: str, parameters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    cur.execute(load_sql(statement), dict(parameters))
    names = [column[0] for column in cur.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cur.fetchall()]


def _from_row(row: Mapping[str, Any]) -> Annotation:
    client_at, span_text = row["client_at"], row["span_text"]
    known = {name: value for name, value in row.items() if name in _FIELDS}
    return Annotation(
        **{
            **known,
            "created_at": from_timestamp(row["created_at"]),
            "client_at": None if client_at is None else from_timestamp(client_at),
            "labels": tuple(row["labels"]),
            "verdicts": tuple(row["verdicts"]),
            "span": span_text and Span(span_text, row["span_start"], row["span_end"]),
        }
    )
