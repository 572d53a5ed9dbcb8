"""Vetoes on training records: append-only; the latest decision on a record counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from db.content.items import get_item
from db.conversions import require_text
from db.people.permissions import require
from db.statements import append_row, fetch_records
from db.viewer import EVERYTHING, Viewer


@dataclass(frozen=True)
class RecordVeto:
    """A standing veto; ``num_shots`` None keeps the item out altogether, as a shot too."""

    item_id: str
    num_shots: int | None
    note: str
    reviewer_id: str
    created_at: datetime


def add_record_veto(
    cur: DuckDBPyConnection,
    *,
    item_id: str,
    num_shots: int | None,
    reviewer_id: str,
    is_vetoed: bool = True,
    note: str = "",
) -> None:
    """Veto the record of an item with this many shots, or withdraw the veto.

    Snapshots frozen from now on carry it, so every later build and run leaves the record out.

    Args:
        num_shots: None for the item altogether.
        is_vetoed: False takes an earlier veto back.

    Raises:
        NotPermittedError: The person's role is not open to it.
        NotFoundError: There is no such item or reviewer.
        InvalidTextError: The note cannot be stored.
    """
    require(cur, reviewer_id, "veto_records")
    get_item(cur, item_id, EVERYTHING)
    require_text(note, f"note on item {item_id!r}")
    append_row(
        cur,
        "record_veto_insert",
        item_id=item_id,
        num_shots=num_shots,
        is_vetoed=is_vetoed,
        note=note,
        reviewer_id=reviewer_id,
    )


def list_record_vetoes(cur: DuckDBPyConnection, viewer: Viewer) -> list[RecordVeto]:
    """Return the standing vetoes, the latest first; those on hidden items are left out."""
    return fetch_records(cur, RecordVeto, "record_veto_list", viewer=viewer.parameter)
