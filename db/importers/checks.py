"""A file against the store, before anything of it is stored: which items it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming_table
from db.content.imported_labels import ImportedLabel
from db.content.items import PROVISIONAL_ORIGIN, item_table
from db.content.predictions import prediction_table
from db.errors import InvalidItemError
from db.importers.batch import ImportBatch, text_table
from db.importers.label_reading import find_label, parts_of
from db.records import LABEL_END, join_labels, labels_in
from db.statements import load_sql

OWN_RUN: Final = "predictions"
"""Origin of a run in our own form."""
_MAX_PAIRS: Final = 2_000_000
"""Prompts times items that are searched for each other's text."""


@dataclass(frozen=True)
class Match:
    """How the items of a file were found in the store."""

    num_by_id: int = 0
    num_by_text: int = 0
    num_new: int = 0
    num_unknown: int = 0
    """Items of answers or annotations that are neither stored nor in the file."""
    num_left_out: int = 0
    """Of those found: the file adds nothing to them."""


@dataclass(frozen=True)
class _Known:
    """A stored item that an item of the file is."""

    item_id: str
    labels: tuple[str, ...]
    is_same_id: bool
    is_same_text: bool
    renamed: Mapping[str, str]
    """Label of the file to that of the store, where they differ."""
    is_several: bool
    """Whether its labels are sets of labels."""


def match_batch(cur: DuckDBPyConnection, batch: ImportBatch) -> tuple[ImportBatch, pa.Table, Match]:
    """Return a batch that names the items of the store by their ids, its predictions, and how.

    An item of the file is a stored one where the id is the same, else where question and options
    are; an answer without its question, where the prompt contains the question of a stored item.
    """
    items = _items(batch)
    known = _find_items(cur, items)
    predictions = _predictions(batch)
    named = {*predictions["item_id"].to_pylist(), *(label.item_id for label in batch.labels)}
    loose = named - set(items["item_id"].to_pylist())
    known |= _find_loose(cur, batch, loose)
    _require_allowed(batch, loose, known)
    same = {item_id for item_id, item in known.items() if item.is_same_id}
    left_out = _left_out(batch, items, known)
    is_left_out = pc.is_in(items["item_id"], pa.array(sorted(left_out), pa.string()))
    matched = replace(
        batch,
        items=items.filter(pc.invert(is_left_out)),
        labels=tuple(_renamed_label(label, known.get(label.item_id)) for label in batch.labels),
        places=_renamed_places(batch, known),
    )
    return (
        matched,
        _renamed(predictions, known, is_own=batch.origin == OWN_RUN),
        Match(
            num_by_id=len(same),
            num_by_text=len(known) - len(same),
            num_new=items.num_rows - len(known.keys() - loose),
            num_unknown=len(loose - known.keys()),
            num_left_out=len(left_out),
        ),
    )


def without_given_labels(batch: ImportBatch) -> ImportBatch:
    """Return a batch of which the answers' labels are those that their texts state.

    A label of the file stays where there is no text.
    """
    table = _predictions(batch)
    has_text = pc.is_valid(table["answer"])
    for name in ("answer_label", "answer_form"):
        place = table.schema.get_field_index(name)
        nothing = pa.scalar(None, pa.string())
        column = pc.if_else(has_text, nothing, table[name])
        table = table.set_column(place, table.schema.field(place), column)
    # Runs of their own: one that is stored with the file's labels does not change.
    ids = pa.array([f"{run_id}-text" for run_id in table["run_id"].to_pylist()], pa.string())
    place = table.schema.get_field_index("run_id")
    runs = tuple(replace(run, run_id=f"{run.run_id}-text") for run in batch.runs)
    table = table.set_column(place, table.schema.field(place), ids)
    return replace(batch, predictions=table, runs=runs)


def _require_allowed(batch: ImportBatch, loose: set[str], known: Mapping[str, _Known]) -> None:
    """Raise where an annotation is of an item that is not stored, or of a label it has not."""
    faults = []
    for label in batch.labels:
        item = known.get(label.item_id)
        if item is None and label.item_id in loose:
            faults.append((label.item_id, "there is no such item: import the items first"))
        elif item is not None:
            unknown = [name for name in label.labels if not _one(name, item)]
            unknown = [name for name in unknown if name not in item.labels]
            faults += [
                (label.item_id, f"the label {name!r} is none of its own") for name in unknown
            ]
    if faults:
        raise InvalidItemError(f"{len(faults)} annotations cannot be stored.", faults)


def _items(batch: ImportBatch) -> pa.Table:
    if isinstance(batch.items, pa.Table):
        return batch.items
    return item_table(batch.items, origin=batch.origin)


def _predictions(batch: ImportBatch) -> pa.Table:
    if isinstance(batch.predictions, pa.Table):
        return batch.predictions
    return prediction_table(batch.predictions)


def _find_items(cur: DuckDBPyConnection, items: pa.Table) -> dict[str, _Known]:
    with incoming_table(cur, "incoming_item", items):
        rows = cur.execute(load_sql("item_match")).fetchall()
    return {
        row[0]: _Known(
            row[1], tuple(row[2]), row[0] == row[1], row[4], _paired(row[3], row[2]), row[5]
        )
        for row in rows
    }


def _find_loose(cur: DuckDBPyConnection, batch: ImportBatch, loose: set[str]) -> dict[str, _Known]:
    """Return the stored items of answers and annotations whose item is not in the file."""
    if not loose:
        return {}
    hints = text_table(batch.hints)
    texts = dict(zip(hints["item_id"].to_pylist(), hints["place"].to_pylist(), strict=True))
    named = text_table({item_id: texts.get(item_id, "") for item_id in sorted(loose)})
    with incoming_table(cur, "incoming_place", named):
        parameters = {"max_pairs": _MAX_PAIRS}
        rows = cur.execute(load_sql("item_match_named"), parameters).fetchall()
    return {
        row[0]: _Known(row[1], tuple(row[2]), row[0] == row[1], True, {}, row[3]) for row in rows
    }


def _paired(file_labels: Sequence[str], labels: Sequence[str]) -> dict[str, str]:
    if list(file_labels) == list(labels) or len(file_labels) != len(labels):
        return {}
    return dict(zip(file_labels, labels, strict=True))


def _left_out(batch: ImportBatch, items: pa.Table, known: Mapping[str, _Known]) -> set[str]:
    """Return the items that are not stored again: those found by text, and those that add nothing.

    Of a file of answers or annotations, a stored item without a right answer adds nothing.
    """
    held = set(items["item_id"].to_pylist())
    by_text = {i for i, item in known.items() if not item.is_same_id} & held
    if batch.origin != PROVISIONAL_ORIGIN:
        return by_text
    bare = items.filter(pc.is_null(items["gold_label"]))["item_id"].to_pylist()
    return by_text | {i for i in bare if i in known and known[i].is_same_text}


def _renamed(predictions: pa.Table, known: Mapping[str, _Known], *, is_own: bool) -> pa.Table:
    """Return predictions with the ids and labels of the store."""
    if not known:
        return predictions
    ids = predictions["item_id"].to_pylist()
    columns: dict[str, list[Any]] = {
        "item_id": [known[item_id].item_id if item_id in known else item_id for item_id in ids]
    }
    # A label that the item has not is refused, but where a text says more.
    is_kept = pc.is_null(predictions["answer"]).to_pylist()
    for name in ("answer_label", "head_label"):
        columns[name] = [
            _label(label, known.get(item_id)) or (label if keep or is_own else None)
            for item_id, label, keep in zip(
                ids, predictions[name].to_pylist(), is_kept, strict=True
            )
        ]
    for name, values in columns.items():
        place = predictions.schema.get_field_index(name)
        predictions = predictions.set_column(
            place, predictions.schema.field(place), pa.array(values, pa.string())
        )
    return predictions


def _label(label: str | None, item: _Known | None) -> str | None:
    """Return a label as the store has it; None where it is none of the item's: the text counts."""
    if label is None or item is None:
        return label
    if item.is_several:
        # An answer that came without its item: "A,C" is its file's way to write two labels.
        is_set = label.endswith(LABEL_END) or _one(label, item) is not None
        found = [_one(name, item) for name in (labels_in(label) if is_set else parts_of(label))]
        known = [name for name in found if name is not None]
        return join_labels(known, item.labels) if len(known) == len(found) else None
    return _one(label, item)


def _one(label: str, item: _Known) -> str | None:
    """Return a single label as the store has it."""
    return find_label(item.renamed.get(label, label), item.labels)


def _renamed_label(label: ImportedLabel, item: _Known | None) -> ImportedLabel:
    if item is None:
        return label
    names = [_one(name, item) for name in label.labels]
    ordered = tuple(name for name in item.labels if name in names)
    return replace(label, item_id=item.item_id, labels=ordered)


def _renamed_places(batch: ImportBatch, known: Mapping[str, _Known]) -> pa.Table:
    places = text_table(batch.places)
    ids = [known[i].item_id if i in known else i for i in places["item_id"].to_pylist()]
    return places.set_column(0, places.schema.field(0), pa.array(ids, pa.string()))
