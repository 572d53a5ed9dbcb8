"""One's own questions, as JSON lines or CSV; also the form of the bundled demo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from db.content.items import describe_item_faults
from db.importers.batch import ImportBatch
from db.importers.entries import Row
from db.importers.faults import FaultList
from db.importers.fields import (
    PUBMEDQA_LABEL_SET,
    PUBMEDQA_LABELS,
    FilledText,
    Identifier,
    Metadata,
    OptionLabel,
    Text,
)
from db.importers.files import read_bytes, read_csv, read_json_lines
from db.importers.paths import nested
from db.importers.readers.tables import PARQUET_MARK, parquet_rows
from db.records import (
    FREE_TEXT_LABEL_SET,
    OPTION_LABEL_SETS,
    OPTIONS_LABEL_SET,
    SEVERAL_OPTIONS_LABEL_SET,
    Item,
    LabelKind,
    LabelSet,
    Option,
    Section,
    SetLabel,
    Split,
    join_labels,
)
from db.spreadsheets import original_text

ORIGIN = "items"

_EXPECTED = (
    'one JSON object a line: item_id, question, label_set ("pubmedqa" for yes/no/maybe, "options" '
    'with options [{"label": "A", "text": "..."}], or a name with labels ["urgent", "routine"]), '
    "and where wanted source, context "
    '[{"heading": "...", "text": "..."}], gold_label, long_answer, split (train, dev or test), '
    "metadata"
)
_EXPECTED_CSV = (
    "a header line and one item a line, columns item_id, question, and where wanted source, "
    "context, option_A, option_B ... (none: yes/no/maybe), gold_label, long_answer, split"
)
_OPTION_PREFIX = "option_"
_JSON_CELLS = frozenset({"context", "labels", "options", "metadata"})
"""Columns in which an export writes lists and objects as JSON."""


def _listed(value: Any) -> Any:
    """Return right labels as a list: one as it is, a list, or the JSON text of a list."""
    given = nested(value) if isinstance(value, str) and value.startswith("[") else value
    return [] if given is None else given if isinstance(given, list | tuple) else [given]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    heading: Text = ""
    text: FilledText


class _Option(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    label: OptionLabel
    text: FilledText


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    item_id: Identifier
    question: FilledText
    label_set: Identifier
    source: Identifier = "own"
    context: tuple[_Section, ...] = ()
    labels: tuple[OptionLabel, ...] | None = None
    options: tuple[_Option, ...] = ()
    gold_label: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    is_several: bool = False
    long_answer: Text = ""
    split: Split = "train"
    metadata: Metadata = Field(default_factory=dict)


def parse_items(path: Path, *, origin: str = ORIGIN) -> ImportBatch:
    """Read items as JSON lines, as CSV where its name ends so, or as Parquet.

    Raises:
        ImportFileError: Faults in the file.
    """
    is_csv = path.suffix.lower() == ".csv"
    faults = FaultList(path, _EXPECTED_CSV if is_csv else _EXPECTED)
    given = _entries(path, faults, is_csv=is_csv)
    checked = [(place, faults.check(place, _Item, value)) for place, value in given]
    entries = [(place, entry) for place, entry in checked if entry is not None]
    # Where one item of a set has several right labels, all may have.
    several = {
        entry.label_set for _, entry in entries if entry.is_several or len(entry.gold_label) > 1
    }
    several |= {SEVERAL_OPTIONS_LABEL_SET}
    items: list[Item] = []
    places: dict[str, str] = {}
    for place, entry in entries:
        item = _to_item(entry, is_several=entry.label_set in several)
        for fault in _describe_label_faults(item):
            faults.add(place, fault)
        if item.item_id in places:
            faults.add(place, f"item_id {item.item_id!r} was given in {places[item.item_id]}")
        places[item.item_id] = place
        items.append(item)
    faults.raise_if_any()
    return ImportBatch(
        origin=origin, items=tuple(items), places=places, label_sets=tuple(_label_sets(items))
    )


def _entries(path: Path, faults: FaultList, *, is_csv: bool) -> Iterator[Row]:
    if is_csv:
        for place, row in read_csv(path, faults):
            yield place, _from_csv(row)
    elif read_bytes(path).startswith(PARQUET_MARK):
        for place, row in parquet_rows(path):
            given = {name: value for name, value in row.items() if value is not None}
            if isinstance(given.get("metadata"), str):
                given["metadata"] = nested(given["metadata"])
            yield place, given
    else:
        yield from read_json_lines(path, faults)


def _label_sets(items: Iterable[Item]) -> Iterator[LabelSet]:
    """Yield the label sets of one's own that items share, with the labels of their first item."""
    first = {item.label_set: item for item in reversed([*items])}
    for name, item in first.items():
        if name not in (PUBMEDQA_LABEL_SET, FREE_TEXT_LABEL_SET, *OPTION_LABEL_SETS):
            kind: LabelKind = "several" if item.is_several else "single"
            yield LabelSet(name, tuple(map(SetLabel, item.labels)), kind)


def _to_item(entry: _Item, *, is_several: bool) -> Item:
    options = tuple(Option(option.label, option.text) for option in entry.options)
    allowed = (
        PUBMEDQA_LABELS
        if entry.label_set == PUBMEDQA_LABEL_SET
        else tuple(option.label for option in options)
    )
    labels = allowed if entry.labels is None else entry.labels
    gold = entry.gold_label
    if is_several and entry.label_set == OPTIONS_LABEL_SET:
        entry = entry.model_copy(update={"label_set": SEVERAL_OPTIONS_LABEL_SET})
    return Item(
        item_id=entry.item_id,
        source=entry.source,
        question=entry.question,
        context=tuple(Section(part.heading, part.text) for part in entry.context),
        label_set=entry.label_set,
        labels=labels,
        options=options,
        gold_label=join_labels(gold, labels) if is_several else gold[0] if gold else None,
        long_answer=entry.long_answer,
        split=entry.split,
        metadata=entry.metadata,
        is_several=is_several,
    )


def _describe_label_faults(item: Item) -> list[str]:
    faults = describe_item_faults(item)
    if item.label_set == PUBMEDQA_LABEL_SET and item.labels != PUBMEDQA_LABELS:
        faults.append(f"labels are {list(item.labels)}, expected {list(PUBMEDQA_LABELS)}")
    if not item.labels and item.label_set != FREE_TEXT_LABEL_SET:
        faults.append(f"label set {item.label_set!r} needs its labels: [FIRST, SECOND, ...]")
    if item.label_set == PUBMEDQA_LABEL_SET and item.options:
        faults.append(f'options need label_set "{OPTIONS_LABEL_SET}"')
    if item.label_set == PUBMEDQA_LABEL_SET and item.is_several:
        faults.append(f"label set {item.label_set!r} has one right label, give it another name")
    return faults


def _from_csv(row: dict[str, Any]) -> dict[str, Any]:
    """Convert a CSV line to what a JSON line would hold; empty cells count as missing."""
    given: dict[str, Any] = {
        name: original_text(value) for name, value in row.items() if value != ""
    }
    for name in _JSON_CELLS & given.keys():
        given[name] = nested(given[name])
    if "options" in given:
        return given  # as exported
    options = [
        {"label": name.removeprefix(_OPTION_PREFIX), "text": given.pop(name)}
        for name in list(given)
        if name.startswith(_OPTION_PREFIX)
    ]
    label_set = OPTIONS_LABEL_SET if options else PUBMEDQA_LABEL_SET
    if isinstance(given.get("context"), str):
        given["context"] = [{"text": given["context"]}]
    return {"label_set": label_set, "options": options, **given}
