"""Slices of the items: by what they are and how they were answered, and by saved filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.conversions import require_text
from db.errors import InvalidSliceError, NotPermittedError
from db.outcomes.run_pairs import PairFilter
from db.outcomes.selection import DIMENSIONS, By, Dimension, OutcomeFilter, Selection, select_rows
from db.people.permissions import require
from db.people.reviewers import get_reviewer
from db.records import Reviewer
from db.statements import append_row, load_sql

MIN_ITEMS: Final = 20
"""Smaller slices are not counted: nothing could be concluded about them."""
_MAX_NAME_LENGTH = 80


@dataclass(frozen=True)
class SliceCount:
    """How many items of a slice count, and how many of them are right."""

    dimension: Dimension
    value: str
    n: int
    num_right: int


@dataclass(frozen=True)
class SliceChange:
    """How many of the ``n`` items of a slice a second run fixes and breaks.

    ``dimension`` is None for a saved slice.
    """

    dimension: Dimension | None
    value: str
    n: int
    num_fixed: int
    num_broken: int


@dataclass(frozen=True)
class SavedSlice:
    """A filter that was saved by name."""

    name: str
    selection: Selection
    saved_by: str | None
    """The reviewer who saved it last; None for slices from before this was kept."""


def count_slices(
    cur: DuckDBPyConnection, flt: OutcomeFilter, by: By, min_items: int = MIN_ITEMS
) -> list[SliceCount]:
    """Count the right items of every slice of at least ``min_items`` items.

    An item belongs to one slice of each dimension that it has a value for, and of ``mesh`` to as
    many as it has terms.
    """
    rows, parameters = _judged(flt, by)
    return [
        SliceCount(dimension, value, n, num_right)
        for dimension, value, (n, num_right) in _count_each(
            cur, rows, ("is_right",), {**parameters, "min_items": min_items}
        )
    ]


def list_slice_changes(
    cur: DuckDBPyConnection, before: OutcomeFilter, run_after: str
) -> list[SliceChange]:
    """Count what the head of a second run fixes and breaks, in every slice of ``MIN_ITEMS``.

    Both runs are judged on the same items. Hedging and the form of an answer are those of the
    first run; of the saved slices those count that ask only what the items are. Call
    ``scored_runs.refresh`` for both runs first, and ``refresh_annotations`` where slices are saved.

    Args:
        before: The first run and the items.

    Returns:
        Those that are only a part of the items to which both runs gave a head label.
    """
    rows, parameters = _paired(before, run_after)
    num_paired, *_ = _count_changes(cur, rows, parameters)
    found = [
        SliceChange(dimension, value, *counts)
        for dimension, value, counts in _count_each(
            cur, rows, ("is_fixed", "is_broken"), {**parameters, "min_items": MIN_ITEMS}
        )
    ]
    for one in list_slices(cur):
        if one.selection.is_of_items:
            counted = _count_changes(cur, *_paired(before.also(one.selection), run_after))
            found.append(SliceChange(None, one.name, *counted))
    return [one for one in found if MIN_ITEMS <= one.n < num_paired]


def list_slice_items(
    cur: DuckDBPyConnection, flt: PairFilter
) -> list[tuple[Dimension, str, npt.NDArray[np.int64]]]:
    """Return the numbers of the items of every slice of run A, reviewed or not.

    Slices by the origin of the gold label are left out: reviewers make them.

    Returns:
        Dimension, value and numbers, by dimension and value.
    """
    names = [name for name in DIMENSIONS if name != "record_origin"]
    plain = [name for name in names if name != "mesh"]
    statement = (
        f"with sliced as ({load_sql('outcome_dimensions')}), listed as ("  # noqa: S608
        f"select {', '.join(plain)}, null as mesh, list(item_no) as numbers from sliced "
        f"group by grouping sets ({', '.join(f'({name})' for name in plain)}) "
        "union all by name select term as mesh, list(item_no) as numbers "
        "from (select unnest(mesh) as term, item_no from sliced) group by term) "
        f"select {', '.join(names)}, numbers from listed where len(numbers) >= $min_items"
    )
    parameters = {
        "run_id": flt.run_a,
        "label_set": flt.label_set,
        "source": flt.source,
        "split": flt.split,
        "viewer": flt.viewer.parameter,
        "min_items": MIN_ITEMS,
    }
    found = [
        (name, str(value), np.array(row[-1], dtype=np.int64))
        for row in cur.execute(statement, parameters).fetchall()
        for name, value in zip(names, row, strict=False)
        if value is not None
    ]
    return sorted(found, key=lambda one: one[:2])


def count_right(cur: DuckDBPyConnection, flt: OutcomeFilter, by: By) -> tuple[int, int]:
    """Return how many items count and how many of them are right."""
    rows, parameters = _judged(flt, by)
    statement = f"select count(*), count(*) filter (where is_right) from ({rows})"  # noqa: S608
    row = cur.execute(statement, parameters).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def save_slice(
    cur: DuckDBPyConnection,
    name: str,
    selection: Selection,
    *,
    saved_by: str,
) -> SavedSlice:
    """Save a filter by name; the same name again replaces one's own slice.

    Raises:
        InvalidSliceError: The name is empty or too long, or the filter lets everything pass.
        NotPermittedError: The person has no role, or the slice is another person's.
        ReviewerNotFoundError: No reviewer has this id.
    """
    require(cur, saved_by, "save_slices")
    require_text(name, "name of the slice", InvalidSliceError)
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
    _require_own(cur, shown, saved_by)
    stored = selection.to_json()
    append_row(cur, "saved_slice_insert", name=shown, selection=stored, saved_by=saved_by)
    return SavedSlice(shown, selection, saved_by)


def drop_slice(cur: DuckDBPyConnection, name: str, *, saved_by: str) -> None:
    """Delete one's own saved slice, or as an admin any; its definition stays in the history.

    Raises:
        InvalidSliceError: No slice has this name.
        NotPermittedError: The person has no role, or the slice is another person's.
        ReviewerNotFoundError: No reviewer has this id.
    """
    require(cur, saved_by, "save_slices")
    if _require_own(cur, name, saved_by) is None:
        raise InvalidSliceError(
            f"There is no saved slice {name!r}: it may have been deleted meanwhile. Choose another."
        )
    append_row(cur, "saved_slice_insert", name=name, selection="{}", saved_by=saved_by)


def list_slices(cur: DuckDBPyConnection) -> list[SavedSlice]:
    """Return the saved slices by name, without those that are damaged."""
    return [
        SavedSlice(name, selection, saved_by)
        for name, selection, saved_by in _read_slices(cur)
        if selection is not None
    ]


def list_slice_faults(cur: DuckDBPyConnection) -> list[str]:
    """Describe the saved slices that are set aside: read in part, they would hold other items."""
    return [
        f"The saved slice {name!r} is damaged: not all of its conditions can be read. Save a slice "
        "of that name again, or delete it."
        for name, selection, _ in _read_slices(cur)
        if selection is None
    ]


def _read_slices(cur: DuckDBPyConnection) -> Iterator[tuple[str, Selection | None, str]]:
    for name, chosen, saved_by in cur.execute(load_sql("saved_slice_list")).fetchall():
        yield name, Selection.find_stored(chosen), saved_by


def may_change(person: Reviewer, stored: SavedSlice) -> bool:
    """Return whether a person may replace or delete a slice: their own, and an admin any."""
    return person.role == "admin" or stored.saved_by == person.reviewer_id


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


def _paired(before: OutcomeFilter, run_after: str) -> tuple[str, dict[str, Any]]:
    rows, parameters = select_rows("*", before, "and head_label is not null")
    is_right_a, is_right_b = (f"{run}.head_label = before.gold_label" for run in ("before", "now"))
    statement = (
        f"select {', '.join(f'before.{name}' for name in DIMENSIONS)}, "  # noqa: S608
        f"not {is_right_a} and {is_right_b} as is_fixed, "
        f"{is_right_a} and not {is_right_b} as is_broken "
        f"from ({rows}) as before join scratch.outcome as now on now.item_no = before.item_no "
        "where now.run_id = $run_after and now.head_label is not null"
    )
    return statement, {**parameters, "run_after": run_after}


def _count_changes(
    cur: DuckDBPyConnection, rows: str, parameters: Mapping[str, Any]
) -> tuple[int, int, int]:
    statement = f"select {_counts('is_fixed', 'is_broken')} from ({rows})"  # noqa: S608
    row = cur.execute(statement, parameters).fetchone()
    return (0, 0, 0) if row is None else (int(row[0]), int(row[1]), int(row[2]))


def _counts(*flags: str) -> str:
    return ", ".join(
        ["count(*) as n", *(f"count(*) filter (where {flag}) as num_{flag}" for flag in flags)]
    )


def _count_each(
    cur: DuckDBPyConnection, rows: str, flags: Sequence[str], parameters: Mapping[str, Any]
) -> list[tuple[Dimension, str, tuple[int, ...]]]:
    """Count items and flags of rows in every slice; by dimension and value.

    Args:
        rows: A statement that gives the dimensions and the flags, Boolean columns.
        flags: Constants of this package.
        parameters: Of the statement, with ``min_items``.
    """
    plain = [name for name in DIMENSIONS if name != "mesh"]
    sets = ", ".join(f"({name})" for name in plain)
    statement = (
        f"with judged as ({rows}), counted as ("  # noqa: S608
        f"select {', '.join(plain)}, null as mesh, {_counts(*flags)} "
        f"from judged group by grouping sets ({sets}) "
        f"union all by name select term as mesh, {_counts(*flags)} "
        f"from (select unnest(mesh) as term, {', '.join(flags)} from judged) group by term) "
        f"select {', '.join(DIMENSIONS)}, n, {', '.join(f'num_{flag}' for flag in flags)} "
        "from counted where n >= $min_items"
    )
    found = []
    for row in cur.execute(statement, parameters).fetchall():
        for dimension, value in zip(DIMENSIONS, row, strict=False):
            if value is not None:
                found.append((dimension, str(value), tuple(row[len(DIMENSIONS) :])))
    return sorted(found)


def _require_own(cur: DuckDBPyConnection, name: str, reviewer_id: str) -> SavedSlice | None:
    """Return the slice of a name, None where there is none; refuse another person's."""
    stored = next((one for one in list_slices(cur) if one.name == name), None)
    person = get_reviewer(cur, reviewer_id)
    if stored is None or may_change(person, stored):
        return stored
    maker = get_reviewer(cur, stored.saved_by).name if stored.saved_by else "an unknown person"
    raise NotPermittedError(
        f"{person.name!r} may not change the slice {name!r}: {maker!r} saved it. "
        "Save yours under another name, or ask them or an admin."
    )
