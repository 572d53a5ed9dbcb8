"""Renaming, merging and retiring labels: history stays as it was said, and is carried over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from db.content.label_sets import (
    check_label_set,
    find_label_set,
    insert_label_set,
    require_kind,
)
from db.conversions import to_timestamp, utc_now
from db.errors import InvalidLabelSetError
from db.people.permissions import require
from db.records import LabelSet
from db.statements import load_sql

_STATEMENTS = (
    ("label_move_retract", ("name", "before", "suffix", "created_at")),
    ("label_move_annotations", ("before", "moved", "after", "suffix")),
    ("label_move_adjudications", ("name", "before", "moved", "after", "suffix")),
    (
        "label_move_items",
        ("name", "before", "moved", "after", "reason", "reviewer_id", "created_at"),
    ),
)
"""In their order, each with its parameters."""


def change_labels(
    cur: DuckDBPyConnection,
    label_set: LabelSet,
    moves: Mapping[str, str | None],
    *,
    reviewer_id: str,
    reason: str,
) -> LabelSet:
    """Store the next version of a label set, with other labels than the version before.

    Its items get a version with the new labels. What was judged stays in the history as it was
    said, and is carried over to the new labels in the name of who said it; judgements with a
    retired label are asked for again. Predictions with the labels of before no longer count.
    The caller owns the transaction.

    Args:
        label_set: With the labels of now, in their order.
        moves: Each label of the version before that is not among them: what it became (two may
            become one), or None where it is retired.

    Returns:
        The set as stored.

    Raises:
        InvalidLabelSetError: There is no such set, a label is missing in ``moves`` or moves to
            none of the new ones, or there is no reason.
        NotPermittedError: The role of the person is not open to it.
    """
    require(cur, reviewer_id, "edit_items")
    check_label_set(label_set)
    require_kind(cur, label_set)
    stored = find_label_set(cur, label_set.name)
    if stored is None:
        raise InvalidLabelSetError(
            f"There is no label set {label_set.name!r} whose labels could change. Add it first."
        )
    faults = _describe_faults(stored.names, label_set.names, moves)
    if not reason.strip():
        faults.append("there is no reason, give one")
    if faults:
        raise InvalidLabelSetError(
            f"The labels of {label_set.name!r} were not changed: {'; '.join(faults)}."
        )
    made = insert_label_set(
        cur, label_set, stored, moves=moves, reviewer_id=reviewer_id, reason=reason
    )
    values: dict[str, Any] = {
        "name": made.name,
        "before": [*stored.names],
        "moved": [moves.get(name, name) for name in stored.names],
        "after": [*made.names],
        "suffix": f"/{made.name}-{made.version}",
        "reason": reason,
        "reviewer_id": reviewer_id,
        "created_at": to_timestamp(utc_now()),
    }
    for statement, names in _STATEMENTS:
        cur.execute(load_sql(statement), {name: values[name] for name in names})
    return made


def _describe_faults(
    before: tuple[str, ...], after: tuple[str, ...], moves: Mapping[str, str | None]
) -> list[str]:
    faults = [
        f"{name!r} is no longer there, so it must be moved or retired"
        for name in before
        if name not in after and name not in moves
    ]
    for name, target in moves.items():
        if name not in before:
            faults.append(f"{name!r} is none of the labels {', '.join(before)}")
        elif target is None and name in after:
            faults.append(f"{name!r} is retired and among the labels of now")
        elif target is not None and target not in after:
            faults.append(f"{name!r} moves to {target!r}, which is none of {', '.join(after)}")
    if before == after and not moves:
        faults.append("the labels are the same; use `labels add` for definitions and synonyms")
    return faults
