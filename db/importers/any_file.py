"""Any file: what it is by bytes and fields, and what it holds as records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from db.errors import ImportFileError
from db.importers.assembly.whole_file import Assembly
from db.importers.batch import ImportBatch
from db.importers.choices import Choices
from db.importers.clinician_reviews import parse_clinician_reviews
from db.importers.contents import Contents, divided, first_rows, open_contents
from db.importers.entries import Entry, Frame, Reader, Row, by_row
from db.importers.faults import FaultList
from db.importers.fields import refuse_unstorable
from db.importers.file_names import split_of_name
from db.importers.items import parse_items
from db.importers.label_reading import YES_NO_MAYBE
from db.importers.mapping import (
    FIELDS,
    gold_of_values,
    guessed,
    guessed_inside,
    read_entry,
    suggested,
)
from db.importers.mapping import Mapping as FieldMapping
from db.importers.paths import value_at
from db.importers.predictions import parse_predictions
from db.importers.pubmedqa import SPLIT_FILE_NAME, parse_pubmedqa
from db.importers.readers.harnesses import task_of
from db.importers.signatures import SIGNATURES, Signature
from db.importers.unpacking import unpacked
from db.records import Item

ORIGIN: Final = "items"
_EXPECTED: Final = "rows with a question, or with the id of a stored item and an answer"
_NUM_LOOKED_AT: Final = 20
_NUM_SHOWN: Final = 3
_MAX_FIELDS: Final = 25


@dataclass(frozen=True)
class _Whole:
    """A format of ours, or one with rules of its own, which reads the whole file."""

    name: str
    fields: frozenset[str]
    parse: Callable[[Path, Path | None], ImportBatch]


def _parse_pubmedqa(path: Path, test_split: Path | None) -> ImportBatch:
    return parse_pubmedqa(path, test_split=test_split)


_WHOLE: Final = (
    _Whole("LlamaCare run", frozenset({"run"}), lambda path, _: parse_predictions(path)),
    _Whole(
        "LlamaCare items",
        frozenset({"item_id", "question", "label_set"}),
        lambda path, _: parse_items(path),
    ),
    _Whole(
        "clinicians' ratings of MedQA",
        frozenset({"worker_id", "blind_answers", "seen_answers"}),
        lambda path, _: parse_clinician_reviews(path),
    ),
    _Whole(
        "PubMedQA, expert-labelled",
        frozenset({"QUESTION", "CONTEXTS", "final_decision", "reasoning_required_pred"}),
        _parse_pubmedqa,
    ),
)


@dataclass(frozen=True)
class Look:
    """A first look at a file: its fields and some of its items, to map it by."""

    kind: str
    fields: tuple[str, ...]
    mapping: FieldMapping
    items: tuple[Item, ...]
    faults: str = ""


def parse_any(
    path: Path,
    choices: Choices | None = None,
    *,
    mapping: FieldMapping | None = None,
    test_split: Path | None = None,
) -> ImportBatch:
    """Read a file of any known format completely, without touching the store.

    Args:
        choices: What is decided for the whole file; all is taken from the file by default.
        mapping: Where the fields are; what it leaves open is recognised.
        test_split: For PubMedQA: the file that names the test items.

    Raises:
        ImportFileError: It is not recognised, or has faults; the message names each.
    """
    split_file = path.parent / SPLIT_FILE_NAME
    with unpacked(path) as file:
        if file != path and test_split is None and split_file.exists():
            test_split = split_file
        return _parse(file, choices or Choices(), mapping, test_split)


def _parse(
    path: Path, choices: Choices, mapping: FieldMapping | None, test_split: Path | None
) -> ImportBatch:
    faults = FaultList(path, _EXPECTED)
    contents = open_contents(path, faults)
    first, rows = first_rows(contents, _NUM_LOOKED_AT)
    row = _first_object(path, contents, first, faults)
    whole = _whole(path, row, choices, test_split) if mapping is None else None
    if whole is not None:
        return _described(whole.parse(path, test_split), whole.name)
    fitting = (each for each in SIGNATURES if each.fits(row, contents.around))
    signature = None if mapping else next(fitting, None)
    if signature is not None and signature.reader is None:
        raise ImportFileError(
            f"{path.name} was not imported: {signature.name}. {signature.refusal}"
        )
    if signature is None and _names_no_question(mapping, row):
        first, rows = divided(first, rows, _NUM_LOOKED_AT)
    reader = signature.reader if signature and signature.reader else _by_fields(mapping, first)
    if signature is None:
        faults.read_from = _used(mapping, first).in_words()
    entries = list(_entries(reader, rows, Frame(path, contents.around), faults))
    is_known = any(entry.question or entry.item_id or entry.prompt for entry in entries)
    if entries and not is_known:
        raise ImportFileError(_describe_unknown(path, contents, row))
    batch = _assembled(path, entries, faults, choices, signature.origin if signature else ORIGIN)
    if not batch.items and not batch.predictions and not batch.labels:
        raise ImportFileError(_describe_unknown(path, contents, row))
    return _described(batch, _name(path, contents, signature))


def look_at(
    path: Path, mapping: FieldMapping | None = None, choices: Choices | None = None
) -> Look:
    """Return the fields of a file, how they are mapped, and the first items that gives."""
    with unpacked(path) as file:
        return _look_at(file, mapping, choices or Choices())


def _look_at(path: Path, mapping: FieldMapping | None, choices: Choices) -> Look:
    faults = FaultList(path, _EXPECTED)
    contents = open_contents(path, faults)
    first, rows = first_rows(contents, _NUM_LOOKED_AT)
    row = _first_object(path, contents, first, faults)
    if (mapping or _signature(row, contents) is None) and _names_no_question(mapping, row):
        first, _ = divided(first, rows, _NUM_LOOKED_AT)
    fields = tuple(dict.fromkeys(name for _, each in first for name in _paths(each)))
    used = _used(mapping, first)
    entries = list(_entries(_by_mapping(used), iter(first), Frame(path), faults))
    assembly = Assembly(path, faults, choices)
    assembly.add(entries)
    message = ""
    try:
        faults.raise_if_any()
    except ImportFileError as error:
        message = str(error)
    items = tuple(assembly.items.values())[:_NUM_SHOWN]
    return Look(contents.kind, fields, used, items, message)


def _first_object(
    path: Path, contents: Contents, first: list[Row], faults: FaultList
) -> Mapping[str, Any]:
    row = next((value for _, value in first if isinstance(value, Mapping)), None)
    if not row:
        faults.raise_if_any()
        raise ImportFileError(
            f"{path.name} was not imported: it is {contents.kind} without any rows of named "
            f"fields. Expected {_EXPECTED}."
        )
    if len(first) == 1 and row and all(value in YES_NO_MAYBE for value in row.values()):
        raise ImportFileError(
            f"{path.name} was not imported: it lists PubMedQA's test items with their labels "
            "and holds no questions. Import ori_pqal.json with this file next to it, under the "
            f"name {SPLIT_FILE_NAME}, or name it with --test-split."
        )
    return row


def _whole(
    path: Path, row: Mapping[str, Any], choices: Choices, test_split: Path | None
) -> _Whole | None:
    found = next((each for each in _WHOLE if each.fields <= row.keys()), None)
    if found is None or found.parse is not _parse_pubmedqa:
        return found
    # A fold of it is named after its split; only of the whole is the test part in another file.
    has_split_file = test_split is not None or path.with_name(SPLIT_FILE_NAME).exists()
    is_one_split = bool(choices.split or split_of_name(path))
    return None if is_one_split and not has_split_file else found


def _signature(row: Mapping[str, Any], contents: Contents) -> Signature | None:
    return next((each for each in SIGNATURES if each.fits(row, contents.around)), None)


def _names_no_question(mapping: FieldMapping | None, row: Mapping[str, Any]) -> bool:
    """Return whether a mapping leaves the question of a row open."""
    return value_at(row, (mapping and mapping.question) or "") is None


def _used(mapping: FieldMapping | None, first: list[Row]) -> FieldMapping:
    """Return the mapping over what the names and values of the first rows suggest."""
    return (mapping or FieldMapping()).over(suggested(_objects(first)))


def _by_fields(mapping: FieldMapping | None, first: list[Row]) -> Reader:
    """Return the reader by a mapping over what the names of the fields suggest."""
    rows_seen = _objects(first)
    inner = guessed_inside(rows_seen)
    names = inner.over(guessed(dict.fromkeys(column for row in rows_seen for column in row)))
    shown = gold_of_values(rows_seen, names)

    def read(rows: Any, frame: Frame) -> Iterator[Entry]:
        del frame
        used = FieldMapping()
        known: frozenset[str] = frozenset()
        for place, row in rows:
            if not row.keys() <= known:
                known |= row.keys()
                used = guessed(sorted(known, key=str)).model_copy(update=shown)
                used = (mapping or FieldMapping()).over(inner.over(used))
            yield read_entry(place, row, used)

    return read


def _by_mapping(mapping: FieldMapping) -> Reader:
    """Return the reader by a mapping alone."""
    return by_row(lambda place, row, _: read_entry(place, row, mapping))


def _objects(rows: list[Row]) -> list[Mapping[str, Any]]:
    return [row for _, row in rows if isinstance(row, Mapping)]


def _entries(
    reader: Reader, rows: Iterator[Row], frame: Frame, faults: FaultList
) -> Iterator[Entry]:
    def objects() -> Iterator[Row]:
        for place, row in rows:
            if not isinstance(row, Mapping):
                faults.add(place, "is no object with named fields")
                continue
            try:
                yield place, refuse_unstorable(row)
            except ValueError as error:
                faults.add(place, str(error))

    try:
        yield from reader(objects(), frame)
    except (AttributeError, TypeError, KeyError, IndexError, ValueError, OverflowError) as error:
        # A row of a known format that is built otherwise than its tool documents it.
        faults.add("a row", f"is not built as the format is ({type(error).__name__}: {error})")


def _assembled(
    path: Path, entries: list[Entry], faults: FaultList, choices: Choices, origin: str
) -> ImportBatch:
    assembly = Assembly(path, faults, choices)
    assembly.add(entries)
    faults.raise_if_any()
    return assembly.batch(_digest(path), origin)


def _digest(path: Path) -> str:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _name(path: Path, contents: Contents, signature: Signature | None) -> str:
    if signature is None:
        return contents.kind
    if signature.name.startswith("lm-eval"):
        return f"{signature.name} of {task_of(Frame(path))}"
    return signature.name


def _described(batch: ImportBatch, name: str) -> ImportBatch:
    counts = [
        f"{count:,} {noun if count != 1 else noun.removesuffix('s')}"
        for count, noun in (
            (len(batch.items) if not batch.predictions else 0, "items"),
            (len(batch.predictions), "answers"),
            (len(batch.labels), "annotations"),
        )
        if count
    ]
    return replace(batch, description=", ".join([name, *counts]))


def _describe_unknown(path: Path, contents: Contents, row: Mapping[str, Any]) -> str:
    names = ", ".join(map(ascii, list(row)[:_MAX_FIELDS]))
    return (
        f"{path.name} was not imported: it is {contents.kind} of an unknown format. Its fields are "
        f"{names}. Say what they are with --map question=FIELD, or under Settings; a field is "
        f"one of {', '.join(FIELDS)}."
    )


def _paths(row: Any, before: str = "", depth: int = 3) -> Iterator[str]:
    """Yield the paths of a row, inner ones too."""
    for name, value in row.items() if isinstance(row, Mapping) else ():
        yield f"{before}{name}"
        if isinstance(value, Mapping) and depth > 1:
            yield from _paths(value, f"{before}{name}.", depth - 1)
