"""Rows of the table ``annotation`` as records, and the whole histories of items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from duckdb import DuckDBPyConnection

from db.conversions import from_timestamp
from db.records import Annotation, Encounter, Judgement, Span
from db.statements import execute_for, fetch_row

_Record = TypeVar("_Record", Judgement, Encounter)


def list_histories(
    cur: DuckDBPyConnection, item_ids: Sequence[str]
) -> dict[str, tuple[Annotation, ...]]:
    """Return all that was said of each of some items, oldest first, retractions included.

    Nothing is hidden: what reaches a screen goes through ``annotations.view_history``.
    """
    rows = [_name_columns(cur, row) for row in execute_for(cur, "annotation_list", item_ids)]
    rows.sort(key=lambda row: int(row["annotation_number"]))
    histories: dict[str, list[Annotation]] = {item_id: [] for item_id in item_ids}
    for row in rows:
        histories[row["item_id"]].append(from_row(row))
    return {item_id: tuple(history) for item_id, history in histories.items()}


def find_annotation(cur: DuckDBPyConnection, annotation_id: str) -> Annotation | None:
    """Return one annotation, or None."""
    row = fetch_row(cur, "annotation_get", annotation_id=annotation_id)
    return from_row(_name_columns(cur, row)) if row else None


def _name_columns(cur: DuckDBPyConnection, row: Sequence[Any]) -> dict[str, Any]:
    names = [column[0] for column in cur.description or ()]
    return dict(zip(names, row, strict=True))


def from_row(row: Mapping[str, Any]) -> Annotation:
    """Return a row, by the names of its columns, as a record."""
    span_text, client_at = row["span_text"], row["client_at"]
    values = {
        **row,
        "labels": tuple(row["labels"]),
        "verdicts": tuple(row["verdicts"]),
        "span": span_text and Span(span_text, row["span_start"], row["span_end"]),
        "client_at": client_at and from_timestamp(client_at),
    }
    return Annotation(
        annotation_id=row["annotation_id"],
        item_id=row["item_id"],
        reviewer_id=row["reviewer_id"],
        judgement=_pick(Judgement, values),
        encounter=_pick(Encounter, values),
        created_at=from_timestamp(row["created_at"]),
        action=row["action"],
        origin=row["origin"],
        old_label=row["old_label"],
        old_answer=row["old_answer"],
        retracted_annotation_id=row["retracted_annotation_id"],
        item_version=row["item_version"],
    )


def _pick(kind: type[_Record], values: Mapping[str, Any]) -> _Record:
    return kind(**{field.name: values[field.name] for field in fields(kind)})
