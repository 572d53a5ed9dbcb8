"""Adjudications: decisions that settle differing annotations; append-only, the latest stands."""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from db.annotations import get_gold, require_allowed_label
from db.permissions import require
from db.records import GoldLabel
from db.statements import load_sql
from db.values import to_timestamp, utc_now


def add_adjudication(
    cur: DuckDBPyConnection,
    *,
    adjudication_id: str,
    item_id: str,
    reviewer_id: str,
    label: str,
    note: str = "",
    created_at: datetime | None = None,
) -> GoldLabel:
    """Append a decision on an item; it outranks all annotations and earlier decisions.

    The same ``adjudication_id`` again changes nothing.

    Returns:
        The label of record that stands now.

    Raises:
        InvalidLabelError: The item does not allow the label.
        NotFoundError: There is no such item or reviewer.
        NotPermittedError: The role of the reviewer is not open to deciding.
    """
    require_allowed_label(cur, item_id, label)
    require(cur, reviewer_id, "adjudicate")
    parameters = {
        "adjudication_id": adjudication_id,
        "item_id": item_id,
        "reviewer_id": reviewer_id,
        "label": label,
        "note": note,
        "created_at": to_timestamp(created_at or utc_now()),
    }
    cur.execute(load_sql("adjudication_insert"), parameters)
    return get_gold(cur, item_id)
