"""Items corrected after their import, each correction a version, and items set aside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter, ValidationError

from db import search
from db.content.items import CONTENT, describe_item_faults, get_item, item_from_row
from db.conversions import (
    faults_of,
    require_text,
    to_json,
    to_timestamp,
    utc_now,
)
from db.errors import InvalidItemError, ItemConflictError, ItemNotFoundError, NotPermittedError
from db.people.permissions import require
from db.records import OPTION_LABEL_SETS, SEVERAL_OPTIONS_LABEL_SET, Item, join_labels
from db.statements import fetch_column, fetch_records, load_sql
from db.viewer import EVERYTHING

CORRECTABLE: Final = tuple(name for name in CONTENT if name not in ("source", "metadata"))
"""The fields of an item that a version may change."""
MAX_REASON_CHARACTERS: Final = 2000
_MAX_NAMED = 5
_ITEM_COLUMNS = 13
"""Of a row of ``item_get``."""


@dataclass(frozen=True)
class ItemVersion:
    """One version of an item: why and by whom it was made, and what refers to it.

    Version 1 is what was imported: it has no reason, author or time of its own. Annotations that
    were taken back are counted too.
    """

    item: Item
    changes_sense: bool
    """What was judged and answered of earlier versions does not hold for this one."""
    reason: str
    reviewer_id: str | None
    created_at: datetime | None
    num_annotations: int
    num_predictions: int
    num_training_runs: int


@dataclass(frozen=True)
class SetAside:
    """An item that is in no queue, metric or training set, and why."""

    item_id: str
    reason: str
    reviewer_id: str
    created_at: datetime


def apply_changes(item: Item, changes: Mapping[str, Any]) -> Item:
    """Return an item with some of its fields changed, as JSON holds them.

    Args:
        changes: By field; options as a list of ``{"label", "text"}``, or ``{"A": "text"}``. The
            labels follow the options unless they are given themselves.

    Raises:
        InvalidItemError: A field cannot be corrected, or a value is not of its kind.
    """
    unknown = sorted(set(changes) - set(CORRECTABLE))
    faults = [f"the field {name!r} is not one of {', '.join(CORRECTABLE)}" for name in unknown]
    given = dict(changes)
    if isinstance(given.get("options"), dict):
        given["options"] = [{"label": k, "text": v} for k, v in given["options"].items()]
    right = given.pop("gold_label") if isinstance(given.get("gold_label"), list) else None
    try:
        changed = TypeAdapter(Item).validate_python({**asdict(item), **given})
        if right is not None:
            TypeAdapter(dict[str, list[str]]).validate_python({"gold_label": right})
            changed = replace(changed, gold_label=join_labels(right, changed.labels))
    except ValidationError as error:
        faults += faults_of(error)
    if faults:
        raise InvalidItemError(
            f"The changes of item {item.item_id!r} cannot be used: {'; '.join(faults)}.",
            [(item.item_id, fault) for fault in faults],
        )
    if changed.label_set not in OPTION_LABEL_SETS:
        return changed
    is_several = changed.label_set == SEVERAL_OPTIONS_LABEL_SET
    labels = changed.labels if "labels" in given else tuple(o.label for o in changed.options)
    return replace(changed, labels=labels, is_several=is_several)


def correct_item(
    cur: DuckDBPyConnection,
    corrected: Item,
    *,
    reviewer_id: str,
    reason: str,
    changes_sense: bool = False,
) -> Item:
    """Store a corrected item as its next version, which counts from now on.

    Where the sense changes, what was judged of earlier versions is taken back, so that queues ask
    for it again, and decisions on and predictions for them count no more. The caller owns the
    transaction.

    Args:
        corrected: As it should be; its ``version`` is the one that it was made from.
        reason: Why, in a few words.
        changes_sense: Whether a judgement of the version before may not hold for this one. Other
            labels always change the sense.

    Returns:
        The item as stored.

    Raises:
        InvalidItemError: It contradicts itself, nothing differs, or there is no reason.
        ItemConflictError: Another version has been made in the meantime.
        ItemNotFoundError: No item has this id.
        NotPermittedError: The role of the person is not open to it, or they are to label the item
            blind first.
    """
    require(cur, reviewer_id, "edit_items")
    before = get_item(cur, corrected.item_id, EVERYTHING)
    _require_correction(before, corrected, reason)
    made = replace(corrected, version=before.version + 1)
    has_new_sense = changes_sense or _label_rules(made) != _label_rules(before)
    fields = {name: value for name, value in asdict(made).items() if name in CORRECTABLE}
    parameters = {
        **{name: list(v) if isinstance(v, tuple) else v for name, v in fields.items()},
        "item_id": made.item_id,
        "source": made.source,
        "metadata": to_json(made.metadata),
        "version": made.version,
        "changes_sense": has_new_sense,
        "reason": reason.strip(),
        "reviewer_id": reviewer_id,
        "created_at": to_timestamp(utc_now()),
    }
    if has_new_sense:
        shared = ("item_id", "version", "created_at")
        cur.execute(load_sql("item_version_retract"), {name: parameters[name] for name in shared})
    try:
        cur.execute(load_sql("item_version_insert"), parameters)
    except duckdb.ConstraintException as error:
        raise _outdated(corrected) from error
    search.index_changed(cur, [made.item_id])
    return made


def require_in_use(cur: DuckDBPyConnection, seen: Item) -> int:
    """Return the version of an item that was on screen, if it may still be judged.

    Raises:
        ItemConflictError: A later version has another sense, or the item was set aside.
    """
    row = cur.execute(load_sql("item_find_state"), {"item_id": seen.item_id}).fetchone()
    sense_version, aside = row or (None, None)
    return check_in_use(seen, sense_version or 1, aside)


def check_in_use(seen: Item, sense_version: int, set_aside: str | None) -> int:
    """Return the version of an item that was on screen, if it may still be judged.

    Args:
        set_aside: Why it was set aside; None where it is in use.

    Raises:
        ItemConflictError: A later version has another sense, or the item was set aside.
    """
    if set_aside is not None:
        raise ItemConflictError(
            f"Item {seen.item_id!r} was set aside ({set_aside}), so nothing was stored. "
            "Go on with the next item; Browse shows what is set aside.",
            [(seen.item_id, "is set aside")],
        )
    if sense_version > seen.version:
        raise _outdated(seen)
    return seen.version


def record_seen_versions(cur: DuckDBPyConnection, rows: pa.Table) -> None:
    """Record which versions of items the runs of some rows saw: those of their snapshots.

    Args:
        rows: Predictions or training records; the column ``run_id`` names the runs.
    """
    run_ids = rows["run_id"].unique().to_pylist()
    cur.execute(load_sql("seen_version_of_snapshot"), {"run_ids": run_ids})


def list_versions(cur: DuckDBPyConnection, item_id: str) -> list[ItemVersion]:
    """Return every version of an item, the imported one first.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    get_item(cur, item_id, EVERYTHING)
    return fetch_records(cur, _version, "item_version_list", item_id=item_id)


def _version(*row: Any) -> ItemVersion:
    return ItemVersion(item_from_row(row[:_ITEM_COLUMNS]), *row[_ITEM_COLUMNS:])


def set_items_aside(
    cur: DuckDBPyConnection,
    item_ids: Collection[str],
    *,
    reviewer_id: str,
    reason: str,
    is_aside: bool = True,
) -> list[str]:
    """Set items aside, in no queue, metric or training set, or with False restore them.

    The caller owns the transaction.

    Returns:
        The ids of those of which that was not so before.

    Raises:
        InvalidItemError: There is no reason.
        ItemNotFoundError: No item has one of the ids.
        NotPermittedError: The role of the person is not open to it.
    """
    require(cur, reviewer_id, "edit_items")
    named = list(item_ids)
    _require_reason(reason, named)
    unknown = cur.execute(load_sql("item_list_unknown"), {"item_ids": named}).fetchall()
    if unknown:
        raise ItemNotFoundError(
            f"{len(unknown)} of {len(named)} items are not in the database, nothing was changed: "
            + ", ".join(repr(item_id) for (item_id,) in unknown[:_MAX_NAMED])
            + ". Look the ids up on the Items page."
        )
    return fetch_column(
        cur,
        "set_aside_insert",
        item_ids=named,
        is_set_aside=is_aside,
        reason=reason.strip(),
        reviewer_id=reviewer_id,
        created_at=to_timestamp(utc_now()),
    )


def list_set_aside(cur: DuckDBPyConnection, item_id: str | None = None) -> list[SetAside]:
    """Return the items that are set aside now, the longest first, or one of them."""
    return fetch_records(cur, SetAside, "set_aside_list", item_id=item_id)


def _require_correction(before: Item, corrected: Item, reason: str) -> None:
    if corrected.is_hidden:
        raise NotPermittedError(
            f"Item {corrected.item_id!r} is to be labelled blind: label it first, then correct it."
        )
    if corrected.version != before.version:
        raise _outdated(corrected)
    _require_reason(reason, [corrected.item_id])
    faults = describe_item_faults(corrected)
    fixed = replace(before, **{name: getattr(corrected, name) for name in CORRECTABLE})
    if fixed != corrected:
        faults.append(f"only these fields can be corrected: {', '.join(CORRECTABLE)}")
    elif fixed == before:
        faults.append("nothing differs from the version that is stored")
    for text in _texts(corrected):
        require_text(text, f"item {corrected.item_id!r}")
    if faults:
        raise InvalidItemError(
            f"The correction of item {corrected.item_id!r} was not stored: {'; '.join(faults)}.",
            [(corrected.item_id, fault) for fault in faults],
        )


def _label_rules(item: Item) -> tuple[tuple[str, ...], bool]:
    return item.labels, item.is_several


def _texts(item: Item) -> list[str | None]:
    parts = [text for part in item.context for text in (part.heading, part.text)]
    options = [text for part in item.options for text in (part.label, part.text)]
    return [item.question, item.long_answer, item.gold_label, *item.labels, *parts, *options]


def _require_reason(reason: str, item_ids: list[str]) -> None:
    if not 0 < len(reason.strip()) <= MAX_REASON_CHARACTERS:
        what = f"A reason of {len(reason.strip()):,} characters cannot be stored: "
        fault = f"give one of 1 to {MAX_REASON_CHARACTERS:,}."
        raise InvalidItemError(what + fault, [(item_id, fault) for item_id in item_ids])
    require_text(reason, "reason")


def _outdated(item: Item) -> ItemConflictError:
    return ItemConflictError(
        f"Item {item.item_id!r} has been corrected since its version {item.version} was shown, "
        "so nothing was stored. Load the page again and look at the new version first.",
        [(item.item_id, "has been corrected since")],
    )
