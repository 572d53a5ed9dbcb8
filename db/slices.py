"""Slices of the items: by what they are and how they were answered, and by saved filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from db.errors import InvalidSliceError
from db.outcome_filter import DIMENSIONS, By, Dimension, OutcomeFilter, Selection, select_rows
from db.statements import load_sql
from db.values import to_timestamp, utc_now

_MAX_NAME_LENGTH = 80


@dataclass(frozen=True)
class SliceCount:
    """How many items of a slice count, and how many of them are right."""

    dimension: Dimension
    value: str
    n: int
    num_right: int


@dataclass(frozen=True)
class SavedSlice:
    """A filter that somebody kept by name."""

    name: str
    selection: Selection


def count_slices(
    cur: DuckDBPyConnection, flt: OutcomeFilter, by: By, min_items: int = 20
) -> list[SliceCount]:
    """Count the right items of every slice of at least ``min_items`` items.

    An item belongs to one slice of each dimension that it has a value for, and of ``mesh`` to as
    many as it has terms.
    """
    plain = [name for name in DIMENSIONS if name != "mesh"]
    rows, parameters = _judged(flt, by)
    sets = ", ".join(f"({name})" for name in plain)
    statement = (
        f"with judged as ({rows}), counted as ("  # noqa: S608
        f"select {', '.join(plain)}, null as mesh, count(*) as n, "
        f"count(*) filter (where is_right) as num_right from judged group by grouping sets ({sets})"
        f" union all by name select term as mesh, count(*) as n, "
        "count(*) filter (where is_right) as num_right "
        "from (select unnest(mesh) as term, is_right from judged) group by term) "
        f"select {', '.join(DIMENSIONS)}, n, num_right from counted where n >= $min_items"
    )
    found = []
    for row in cur.execute(statement, {**parameters, "min_items": min_items}).fetchall():
        values = dict(zip(DIMENSIONS, row, strict=False))
        for dimension, value in values.items():
            if value is not None:
                found.append(SliceCount(dimension, value, *row[-2:]))
    return sorted(found, key=lambda one: (one.dimension, one.value))


def count_right(cur: DuckDBPyConnection, flt: OutcomeFilter, by: By) -> tuple[int, int]:
    """Give how many items count and how many of them are right."""
    rows, parameters = _judged(flt, by)
    statement = f"select count(*), count(*) filter (where is_right) from ({rows})"  # noqa: S608
    row = cur.execute(statement, parameters).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def save_slice(
    cur: DuckDBPyConnection,
    name: str,
    selection: Selection,
    *,
    saved_by: str | None = None,
    created_at: datetime | None = None,
) -> SavedSlice:
    """Keep a filter by name; the same name again replaces it.

    Raises:
        InvalidSliceError: The name is empty or too long, or the filter lets everything pass.
    """
    shown = " ".join(name.split())
    if not 0 < len(shown) <= _MAX_NAME_LENGTH:
        raise InvalidSliceError(
            f"The slice was not saved: its name {name[:40]!r} has {len(shown)} characters; 1 to "
            f"{_MAX_NAME_LENGTH} are allowed. Give it a short name."
        )
    if selection.is_empty:
        raise InvalidSliceError(
            f"The slice {shown!r} was not saved: it has no condition, so it would be all items. "
            "Choose a cell, a slice or a label first."
        )
    _append(cur, shown, selection.to_json(), saved_by, created_at)
    return SavedSlice(shown, selection)


def drop_slice(
    cur: DuckDBPyConnection,
    name: str,
    *,
    saved_by: str | None = None,
    created_at: datetime | None = None,
) -> None:
    """Take a saved slice off the list; what it was stays in the history."""
    _append(cur, name, "{}", saved_by, created_at)


def list_slices(cur: DuckDBPyConnection) -> list[SavedSlice]:
    """Give the saved slices by name."""
    rows = cur.execute(load_sql("saved_slice_list")).fetchall()
    return [SavedSlice(name, Selection.from_json(selection)) for name, selection in rows]


def _judged(flt: OutcomeFilter, by: By) -> tuple[str, dict[str, object]]:
    label, counts = (
        ("head_label", "head_label is not null")
        if by == "head"
        else ("text_label", "has_text_outcome")
    )
    return select_rows(
        f"{', '.join(DIMENSIONS)}, coalesce({label} = gold_label, false) as is_right",
        flt,
        f"and {counts}",
    )


def _append(
    cur: DuckDBPyConnection,
    name: str,
    selection: str,
    saved_by: str | None,
    created_at: datetime | None,
) -> None:
    parameters = {
        "name": name,
        "selection": selection,
        "saved_by": saved_by,
        "created_at": to_timestamp(created_at or utc_now()),
    }
    cur.execute(load_sql("saved_slice_insert"), parameters)
