"""Adjudications: decisions on items that reviewers disagree on; append-only, the latest counts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from duckdb import DuckDBPyConnection

from db.content.item_versions import require_in_use
from db.content.items import get_item
from db.conversions import require_text, to_timestamp, utc_now
from db.errors import InvalidAnnotationError
from db.people.permissions import require
from db.people.signatures import MEANINGS, sign
from db.records import Adjudication, AdjudicationReason, AnnotationOrigin, GoldLabel
from db.review.annotations import get_gold, require_allowed_label
from db.statements import fetch_column, fetch_records, load_sql
from db.viewer import EVERYTHING, Viewer, is_hidden

Disputed = Literal["open", "rejected", "decided"]
"""Items on which people differ, items whose imported gold label several of them do not accept, and
items that were adjudicated; the first two only without a decision."""


def add_adjudication(
    cur: DuckDBPyConnection,
    *,
    adjudication_id: str,
    item_id: str,
    reviewer_id: str,
    label: str,
    reason: AdjudicationReason | None = None,
    note: str = "",
    created_at: datetime | None = None,
) -> GoldLabel:
    """Append a decision on an item; it outranks all annotations and earlier decisions.

    The label of record that it replaces, and the person's signature, are stored with it. The same
    ``adjudication_id`` again changes nothing. The caller owns the transaction.

    Args:
        reason: Why people differed; None where a program decides.

    Returns:
        The current label of record.

    Raises:
        InvalidLabelError: The item does not allow the label.
        ItemConflictError: The item was set aside.
        InvalidAnnotationError: The reason is unknown, or the note cannot be stored.
        NotFoundError: There is no such item or reviewer.
        NotPermittedError: The role of the reviewer is not open to deciding.
    """
    require_allowed_label(cur, item_id, label)
    known = get_args(AdjudicationReason)
    if reason is not None and reason not in known:
        raise InvalidAnnotationError(
            f"The reason {reason!r} is not known: choose one of {list(known)}."
        )
    person = require(cur, reviewer_id, "adjudicate")
    require_text(note, f"note on item {item_id!r}", InvalidAnnotationError)
    require_in_use(cur, get_item(cur, item_id, EVERYTHING))
    before = get_gold(cur, item_id, EVERYTHING)
    parameters = {
        "adjudication_id": adjudication_id,
        "item_id": item_id,
        "reviewer_id": reviewer_id,
        "label": label,
        "reason": reason,
        "note": note,
        "old_label": before.label,
        "old_origin": before.origin,
        "created_at": to_timestamp(created_at or utc_now()),
    }
    cur.execute(load_sql("adjudication_insert"), parameters)
    sign(cur, "adjudication", adjudication_id, person, MEANINGS["adjudicate"])
    return get_gold(cur, item_id, EVERYTHING)


def list_adjudications(cur: DuckDBPyConnection, item_id: str, viewer: Viewer) -> list[Adjudication]:
    """Return every decision on an item, oldest first; none where it is hidden from the viewer."""
    if is_hidden(cur, viewer, item_id):
        return []
    return fetch_records(cur, Adjudication, "adjudication_list", item_id=item_id)


def list_disputed(
    cur: DuckDBPyConnection,
    viewer: Viewer,
    show: Disputed = "open",
    *,
    origin: AnnotationOrigin | None = None,
    label_set: str | None = None,
    source: str | None = None,
    threshold: int = 2,
) -> list[str]:
    """Return the ids of items to adjudicate, those on which a decision would change most first.

    A decision changes much where many people do not accept the label of record, and where it would
    make the answers of many runs right or wrong; among equals, those with most disagreeing pairs of
    people come first. Disputes among people who review here precede those of imported annotators.
    What counts is what each person says in the end. Hidden items are left out.

    Args:
        origin: Whose annotations count: people's at the screen, those that came with a data set,
            or None for both.
        threshold: For ``rejected``: how many people must not accept the gold label.
    """
    return fetch_column(
        cur,
        "dispute_items",
        show=show,
        origin=origin,
        label_set=label_set,
        source=source,
        threshold=threshold,
        viewer=viewer.parameter,
    )
