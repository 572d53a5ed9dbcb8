"""Items: adding them so that a second import adds nothing, and reading them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db import search
from db.arrow_tables import incoming, table_of
from db.conversions import from_json, to_json, to_timestamp, utc_now
from db.errors import InvalidItemError, ItemConflictError, ItemNotFoundError
from db.records import (
    FREE_TEXT_LABEL_SET,
    OPTION_LABEL_SETS,
    OPTIONS_LABEL_SET,
    SEVERAL_OPTIONS_LABEL_SET,
    Item,
    Option,
    Section,
    is_label_set,
)
from db.statements import fetch_column, fetch_value, load_sql
from db.viewer import Viewer, is_hidden

PROVISIONAL_ORIGIN = "model_answers"
"""Origin of items known only from a file of answers: the data set's own file may replace them."""
DEMO_ORIGIN = "demo"
"""Origin of the bundled items: a later version of the product may word them better."""
REPLACEABLE_ORIGINS: Final = (PROVISIONAL_ORIGIN, DEMO_ORIGIN)
"""Of items that a later import may complete, with the same labels and right answer."""

MAX_LABELS: Final = 50
"""Of a fixed label set."""
MAX_OPTIONS: Final = 26
"""Of one item: its options have a letter each."""
_MAX_NAMED = 5


@dataclass(frozen=True)
class AddReport:
    """How many items were new, already there with the same content, or completed."""

    added: int = 0
    unchanged: int = 0
    enriched: int = 0


def item_table(items: Iterable[Item], *, origin: str) -> pa.Table:
    """Return items as the table that ``add_items`` stores.

    Raises:
        InvalidItemError: Items that contradict themselves, or two of one id.
    """
    rows = [_to_row(item, origin) for item in items]
    _check_items(rows)
    return table_of("incoming_item", rows)


def add_items(
    cur: DuckDBPyConnection, items: Iterable[Item] | pa.Table, *, origin: str
) -> AddReport:
    """Add items; those already there with the same content are left alone.

    Items of origin ``PROVISIONAL_ORIGIN`` never change what is there, and are completed when
    another origin brings the same item; what they were is kept, as ``verify`` asks for it. The
    caller owns the transaction; after it, they index the words of more than ``search.BATCH`` items
    by ``Database.complete_index``.

    Args:
        items: Or the table that ``item_table`` made of them.

    Raises:
        InvalidItemError: Items that contradict themselves or their label set, or two of one id.
        ItemConflictError: An item of the same id with other content is there.
    """
    table = items if isinstance(items, pa.Table) else item_table(items, origin=origin)
    with incoming(cur, "incoming_item", table):
        misfits = cur.execute(load_sql("label_set_find_misfits")).fetchall()
        if misfits:
            raise _describe_misfits(misfits, table.num_rows)
        num_stored, differing = _load_stored(cur)
        enriched = _plan_enrichment(differing, origin)
        cur.execute(load_sql("item_insert_new"))
        if enriched:
            replaced = {"item_ids": enriched, "replaced_at": to_timestamp(utc_now())}
            cur.execute(load_sql("replaced_item_insert"), replaced)
            cur.execute(load_sql("item_enrich"), {"item_ids": enriched})
        search.index_changed(cur, enriched)
        search.index_incoming(cur, "item", table.num_rows)
    return AddReport(table.num_rows - num_stored, num_stored - len(enriched), len(enriched))


def get_item(cur: DuckDBPyConnection, item_id: str, viewer: Viewer) -> Item:
    """Return one item, without its gold label and long answer where it is hidden from the viewer.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    versions = cur.execute(load_sql("item_get"), {"item_id": item_id}).fetchall()
    if not versions:
        raise ItemNotFoundError(
            f"There is no item {item_id!r} in the database. "
            "Look the id up on the Items page, or import the file that holds it."
        )
    item = max(map(item_from_row, versions), key=attrgetter("version"))
    if is_hidden(cur, viewer, item_id):
        return without_answers(item)
    return item


def without_answers(item: Item) -> Item:
    """Return an item as it is shown to a person from whom its answers are hidden."""
    return replace(item, gold_label=None, long_answer="", is_hidden=True)


def count_by_label(
    cur: DuckDBPyConnection, viewer: Viewer, source: str | None = None, split: str | None = None
) -> dict[str, int]:
    """Count the items of each imported gold label; hidden ones and those without are left out."""
    parameters = {"source": source, "split": split, "viewer": viewer.parameter}
    rows: list[tuple[str, int]] = cur.execute(
        load_sql("item_count_by_label"), parameters
    ).fetchall()
    return dict(rows)


def list_sources(cur: DuckDBPyConnection) -> list[str]:
    """Return the sources of all items, sorted."""
    return fetch_column(cur, "item_list_sources")


def has_unanswered(cur: DuckDBPyConnection) -> bool:
    """Return whether there are items that no run has answered."""
    return fetch_value(cur, bool, "item_has_unanswered") or False


def item_from_row(row: Sequence[Any]) -> Item:
    """Convert a row of ``item_get`` to an item."""
    return Item(
        item_id=row[0],
        source=row[1],
        question=row[2],
        context=tuple(Section(part["heading"], part["text"]) for part in row[3]),
        label_set=row[4],
        labels=tuple(row[5]),
        options=tuple(Option(part["label"], part["text"]) for part in row[6]),
        gold_label=row[7],
        long_answer=row[8],
        split=row[9],
        metadata=from_json(row[10]),
        version=row[11],
        is_several=row[12],
    )


def describe_item_faults(item: Item) -> list[str]:
    """Describe how an item contradicts itself; empty for a consistent one."""
    faults = []
    if not item.item_id.strip():
        faults.append("item_id is empty")
    if not item.question.strip():
        faults.append("question is empty")
    # As a model can be asked: eci/questions/labels.py has the same rules.
    names = {label.strip().casefold() for label in item.labels} - {""}
    if item.label_set == FREE_TEXT_LABEL_SET:
        return [*faults, *(["an item of free text has labels"] if item.labels else [])]
    if len(item.labels) < 2 or len(names) != len(item.labels):
        faults.append(f"labels are {list(item.labels)}, expected at least two different ones")
    most = MAX_OPTIONS if item.label_set in OPTION_LABEL_SETS else MAX_LABELS
    if len(item.labels) > most:
        faults.append(f"there are {len(item.labels)} labels, expected at most {most}")
    if any(is_label_set(label) for label in item.labels):
        faults.append("a label holds the character U+001F, which ends the labels of a set")
    elif item.gold_label is not None and not item.allows(item.gold_label):
        given = list(item.gold_labels) if item.is_several else repr(item.gold_label)
        few = "some" if item.is_several else "one"
        faults.append(f"gold_label is {given}, expected {few} of {list(item.labels)}")
    option_labels = tuple(option.label for option in item.options)
    if item.label_set in OPTION_LABEL_SETS and option_labels != item.labels:
        faults.append(f"labels are {list(item.labels)} but options are {list(option_labels)}")
    if item.label_set in OPTION_LABEL_SETS:
        named = SEVERAL_OPTIONS_LABEL_SET if item.is_several else OPTIONS_LABEL_SET
        if item.label_set != named:
            faults.append(f"label_set is {item.label_set!r}, expected {named!r}")
    return faults


def _describe_text_faults(text: str) -> list[str]:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = ord(text[error.start])
        return [f"a text holds half of an emoji or of another rare character (U+{half:04X})"]
    return []


def _to_row(item: Item, origin: str) -> dict[str, Any]:
    content: dict[str, Any] = {
        "item_id": item.item_id,
        "source": item.source,
        "question": item.question,
        "context": [{"heading": part.heading, "text": part.text} for part in item.context],
        "label_set": item.label_set,
        "labels": list(item.labels),
        "options": [{"label": part.label, "text": part.text} for part in item.options],
        "gold_label": item.gold_label,
        "long_answer": item.long_answer,
        "split": item.split,
        "metadata": to_json(item.metadata),
    }
    if item.is_several:  # items of before this could be were hashed without it
        content["is_several"] = True
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return {
        **content,
        "is_several": item.is_several,
        "origin": origin,
        "content_hash": hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(),
        "created_at": to_timestamp(utc_now()),
        "faults": [*describe_item_faults(item), *_describe_text_faults(text)],
    }


def _check_items(rows: Sequence[dict[str, Any]]) -> None:
    faults = [(row["item_id"], fault) for row in rows for fault in row["faults"]]
    seen: set[str] = set()
    for row in rows:
        if row["item_id"] in seen:
            faults.append((row["item_id"], "given twice"))
        seen.add(row["item_id"])
    if faults:
        raise InvalidItemError(
            f"{len(faults)} faults in {len(rows)} items, nothing was added. First: "
            + "; ".join(f"{item_id!r}: {fault}" for item_id, fault in faults[:_MAX_NAMED]),
            faults,
        )


def _describe_misfits(misfits: Sequence[tuple[str, str]], num_items: int) -> InvalidItemError:
    named = "; ".join(f"{item_id!r}: {fault}" for item_id, fault in misfits[:_MAX_NAMED])
    return InvalidItemError(
        f"{len(misfits)} of {num_items} items have other labels than their label set, nothing was "
        f"added. First: {named}. Use the labels of the set in its order, or another name.",
        misfits,
    )


def _load_stored(
    cur: DuckDBPyConnection,
) -> tuple[int, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Return how many incoming items are stored, and both forms of those that may change."""
    row = cur.execute(load_sql("item_count_incoming")).fetchone()
    parameters = {"provisional": PROVISIONAL_ORIGIN}
    cursor = cur.execute(load_sql("item_find_incoming"), parameters)
    return 0 if row is None else row[0], cursor.fetchall()


def _plan_enrichment(
    pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]], origin: str
) -> list[str]:
    """Return the ids of stored items to complete; raise for items that contradict."""
    enriched = []
    conflicts = []
    for old, row in pairs:
        is_same = old["content_hash"] == row["content_hash"]
        differing = [] if is_same else _differing(old, row, old["origin"], origin)
        if differing:
            fault = f"is stored already with another {', another '.join(differing)}"
            conflicts.append((row["item_id"], fault))
        elif _completes(old["origin"], origin, is_same):
            enriched.append(row["item_id"])
    if conflicts:
        raise ItemConflictError(
            f"{len(conflicts)} items are already stored with other content: "
            + ", ".join(f"{item_id!r} {fault}" for item_id, fault in conflicts[:_MAX_NAMED])
            + ". Nothing was changed. Give the new ones other ids, or use another database.",
            conflicts,
        )
    return enriched


def _differing(old: dict[str, Any], row: dict[str, Any], old_origin: str, origin: str) -> list[str]:
    """Return the fields that contradict: of provisional and demo items only what is scored counts.

    Releases of one data set differ in quotation marks and line ends, so options count as the same
    where nothing else differs.
    """
    is_open = PROVISIONAL_ORIGIN in (origin, old_origin) or origin == old_origin == DEMO_ORIGIN
    if not is_open:
        return [name for name in CONTENT if old[name] != row[name]]
    differing = [name for name in ("labels", "gold_label") if old[name] != row[name]]
    if _bare_options(old["options"]) != _bare_options(row["options"]):
        differing.append("options")
    return differing


def _bare_options(options: Sequence[dict[str, str]]) -> list[tuple[str, str]]:
    return [(part["label"], "".join(part["text"].replace('"', "").split())) for part in options]


def _completes(old_origin: str, origin: str, is_same: bool) -> bool:
    if old_origin == PROVISIONAL_ORIGIN:
        # Also where nothing differs: from now on the item belongs to its own data set.
        return origin != PROVISIONAL_ORIGIN
    return origin == old_origin == DEMO_ORIGIN and not is_same


CONTENT: Final = (
    "source",
    "question",
    "context",
    "label_set",
    "labels",
    "options",
    "gold_label",
    "long_answer",
    "split",
    "metadata",
    "is_several",
)
