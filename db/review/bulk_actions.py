"""Acting on every item that passes a filter at once: seen first, then done, taken back in one go.

Nothing is changed in place. A label set for many items is an annotation on each, under the name of
the person who acted; undoing the action appends a retraction of each. See ``bulk_action`` in
``migrations/0012_bulk_and_guidelines.sql``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming
from db.conversions import to_json, to_timestamp, utc_now
from db.errors import BulkActionError
from db.people.permissions import require
from db.review.item_list import ReviewFilter, select_items
from db.review.queue_changes import close_queue
from db.review.visibility import view_as
from db.statements import fetch_record, fetch_records, load_sql

ItemKind = Literal["head", "text", "retract", "flag"]
"""``head`` and ``text``: label as the head, or the answer's text, says. ``retract``: take one's own
labels back. ``flag``: flag the items."""
BulkKind = ItemKind | Literal["queue"]
"""What was done to each item, or ``queue``: earlier versions made a queue of all of them, which
undoing closes."""

# The label that each item gets or loses, and which items there is something to do for.
_TARGETS: Final[Mapping[ItemKind, tuple[str, str]]] = {
    "head": ("head_label", "label is not null and label is distinct from my_label"),
    "text": ("answer_label", "label is not null and label is distinct from my_label"),
    "retract": ("my_label", "label is not null"),
    "flag": ("cast(null as varchar)", "not is_flagged"),
}


@dataclass(frozen=True)
class BulkPreview:
    """What an action would do, before it does it."""

    kind: ItemKind
    num_found: int
    """Items that pass the filter."""
    num_changed: int
    """Those of them that the action would change; the rest has it already, or no such label."""
    labels: Mapping[str, int]
    """How many items each label is set on, or taken from."""


@dataclass(frozen=True)
class BulkAction:
    """An action that was done."""

    batch_id: str
    kind: BulkKind
    reviewer_id: str
    num_items: int
    created_at: datetime
    undone_at: datetime | None


def preview_action(
    cur: DuckDBPyConnection, flt: ReviewFilter, kind: ItemKind, reviewer_id: str
) -> BulkPreview:
    """Count what an action would do; writes nothing.

    Of items that the reviewer is to label blind, nothing that a model says is counted or set.
    """
    viewer = view_as(cur, reviewer_id)
    statement, parameters = select_items("count(*)", replace(flt, reviewer_id=reviewer_id), viewer)
    row = cur.execute(statement, parameters).fetchone()
    targets = _targets(cur, flt, kind, reviewer_id)
    labels = Counter(target["label"] for target in targets if target["label"] is not None)
    ordered = dict(sorted(labels.items(), key=lambda pair: (-pair[1], pair[0])))
    return BulkPreview(kind, 0 if row is None else row[0], len(targets), ordered)


def do_action(
    cur: DuckDBPyConnection,
    flt: ReviewFilter,
    kind: ItemKind,
    *,
    reviewer_id: str,
    batch_id: str,
    num_expected: int,
) -> BulkAction:
    """Apply an action to every item that passes the filter. The caller owns the transaction.

    Args:
        batch_id: Made by the caller once for each press: the same id again changes nothing.
        num_expected: What the preview counted. Where it is another number by now, nothing is done.

    Raises:
        BulkActionError: There is nothing to do, or it is not what the preview showed.
        NotPermittedError: The role of the reviewer is not open to actions on many items.
    """
    require(cur, reviewer_id, "bulk")
    done = _find(cur, batch_id)
    if done is not None:
        return done
    targets = _targets(cur, flt, kind, reviewer_id)
    _require_as_seen(len(targets), num_expected)
    now = to_timestamp(utc_now())
    batch: dict[str, Any] = {"batch_id": batch_id, "reviewer_id": reviewer_id}
    with incoming(cur, "incoming_target", targets):
        if kind == "retract":
            cur.execute(load_sql("bulk_standing"), batch)
        else:
            has_annotation = kind != "flag"
            cur.execute(
                load_sql("bulk_item_insert"),
                {"batch_id": batch_id, "has_annotation": has_annotation},
            )
        if kind in ("head", "text"):
            note = {"note": "", "run_id": flt.run_id, "created_at": now}
            cur.execute(load_sql("bulk_label"), {**batch, **note})
    if kind == "retract":
        _retract(cur, batch_id, f"{batch_id}/", now)
    elif kind == "flag":
        cur.execute(load_sql("bulk_event"), {**batch, "action": "flag", "created_at": now})
    return _record(cur, flt, kind, len(targets), batch, now)


def undo_action(cur: DuckDBPyConnection, batch_id: str, *, reviewer_id: str) -> BulkAction:
    """Undo an action, once and completely; judgements made since are kept.

    The caller owns the transaction.

    Raises:
        BulkActionError: It was undone already, or is someone else's.
        NotPermittedError: The role of the reviewer is not open to actions on many items.
    """
    person = require(cur, reviewer_id, "bulk")
    done = get_action(cur, batch_id)
    if done.undone_at is not None:
        raise BulkActionError(
            f"The action on {done.num_items:,} items was taken back already, on "
            f"{done.undone_at:%Y-%m-%d %H:%M} UTC. There is nothing left to do."
        )
    if done.reviewer_id != reviewer_id and person.role != "admin":
        raise BulkActionError(
            f"The action on {done.num_items:,} items is someone else's and was not undone. "
            "Ask them, or an admin."
        )
    now = to_timestamp(utc_now())
    prefix = f"undo/{batch_id}/"
    if done.kind == "retract":
        again = {"batch_id": batch_id, "prefix": prefix, "created_at": now}
        cur.execute(load_sql("bulk_restore"), again)
    elif done.kind == "flag":
        owner = {"batch_id": batch_id, "reviewer_id": done.reviewer_id}
        cur.execute(load_sql("bulk_event"), {**owner, "action": "unflag", "created_at": now})
    elif done.kind == "queue":
        close_queue(cur, batch_id, reviewer_id)
    else:
        _retract(cur, batch_id, prefix, now)
    undo = {"batch_id": batch_id, "reviewer_id": reviewer_id, "created_at": now}
    cur.execute(load_sql("bulk_undo_insert"), undo)
    return get_action(cur, batch_id)


def get_action(cur: DuckDBPyConnection, batch_id: str) -> BulkAction:
    """Return one action.

    Raises:
        BulkActionError: No action has this id.
    """
    found = _find(cur, batch_id)
    if found is None:
        raise BulkActionError(
            f"There is no action {batch_id!r}. Choose one of the list on the Items page."
        )
    return found


def list_actions(cur: DuckDBPyConnection) -> list[BulkAction]:
    """Return all actions, the newest first."""
    return fetch_records(cur, BulkAction, "bulk_action_list", batch_id=None)


def _require_as_seen(num_items: int, num_expected: int) -> None:
    if not num_items or num_items != num_expected:
        raise BulkActionError(
            f"Nothing was done: the action would change {num_items:,} items, the preview showed "
            f"{num_expected:,}. Someone has changed them meanwhile; look at the preview again."
        )


def _record(
    cur: DuckDBPyConnection,
    flt: ReviewFilter,
    kind: BulkKind,
    num_items: int,
    batch: Mapping[str, Any],
    now: datetime,
) -> BulkAction:
    facts = {"kind": kind, "filter": to_json(asdict(flt)), "num_items": num_items}
    cur.execute(load_sql("bulk_action_insert"), {**batch, **facts, "created_at": now})
    return get_action(cur, batch["batch_id"])


def _targets(
    cur: DuckDBPyConnection, flt: ReviewFilter, kind: ItemKind, reviewer_id: str
) -> list[dict[str, Any]]:
    label, condition = _TARGETS[kind]
    found, parameters = select_items(
        f"item_id, {label} as label, my_label, is_flagged",
        replace(flt, reviewer_id=reviewer_id),
        view_as(cur, reviewer_id),
    )
    statement = f"select item_id, label from ({found}) where {condition} order by item_id"  # noqa: S608
    rows = cur.execute(statement, parameters).fetchall()
    return [{"item_id": item_id, "label": label} for item_id, label in rows]


def _retract(cur: DuckDBPyConnection, batch_id: str, prefix: str, now: datetime) -> None:
    parameters = {"batch_id": batch_id, "prefix": prefix, "created_at": now}
    cur.execute(load_sql("bulk_retract"), parameters)


def _find(cur: DuckDBPyConnection, batch_id: str) -> BulkAction | None:
    return fetch_record(cur, BulkAction, "bulk_action_list", batch_id=batch_id)
