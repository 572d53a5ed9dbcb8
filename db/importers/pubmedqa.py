"""PubMedQA's expert-labelled part: ``ori_pqal.json`` and its official test split."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from db.content.imported_labels import ImportedLabel
from db.errors import ImportFileError
from db.importers.batch import ImportBatch
from db.importers.faults import FaultList
from db.importers.fields import PUBMEDQA_LABEL_SET, PUBMEDQA_LABELS, FilledText, Identifier, Text
from db.importers.files import describe_json, read_json
from db.records import Item, Section

ORIGIN = "pubmedqa"
SPLIT_FILE_NAME = "test_ground_truth.json"
ANNOTATOR_1 = "PubMedQA annotator 1 (context only)"
ANNOTATOR_2 = "PubMedQA annotator 2 (with conclusion)"

_EXPECTED = (
    "one JSON object: each key a PMID, each value an object with QUESTION, CONTEXTS, LABELS, "
    "LONG_ANSWER and final_decision (yes, no or maybe), as in ori_pqal.json"
)
_EXPECTED_SPLIT = (
    "one JSON object that maps the PMID of each test item to its gold label (yes, no or maybe), "
    f"as in {SPLIT_FILE_NAME}, where each PMID is in the imported file with the same label"
)

_Label = Literal["yes", "no", "maybe"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)

    QUESTION: FilledText
    CONTEXTS: tuple[Text, ...]
    LABELS: tuple[Text, ...]
    LONG_ANSWER: Text
    final_decision: _Label
    MESHES: tuple[Text, ...] = ()
    YEAR: Text | None = None
    reasoning_required_pred: _Label | None = None
    reasoning_free_pred: _Label | None = None


class _Key(BaseModel):
    pmid: Identifier


class _SplitEntry(BaseModel):
    label: _Label


def parse_pubmedqa(path: Path, *, test_split: Path | None = None) -> ImportBatch:
    """Read PQA-L. The items that the split file names are test items, all others train.

    Args:
        path: ``ori_pqal.json``.
        test_split: The split file; ``test_ground_truth.json`` next to the file when None.

    Raises:
        ImportFileError: Faults in either file, or no split file: without it the official test
            items would be trained on.
    """
    faults = FaultList(path, _EXPECTED)
    entries = _read_entries(path, faults)
    faults.raise_if_any()
    test_ids = _read_test_ids(path, test_split, entries)
    return ImportBatch(
        origin=ORIGIN,
        items=tuple(_to_item(pmid, entry, pmid in test_ids) for pmid, entry in entries.items()),
        labels=tuple(
            ImportedLabel(_item_id(pmid), annotator, (label,))
            for pmid, entry in entries.items()
            for annotator, label in (
                (ANNOTATOR_1, entry.reasoning_required_pred),
                (ANNOTATOR_2, entry.reasoning_free_pred),
            )
            if label is not None
        ),
        places={_item_id(pmid): f"PMID {pmid}" for pmid in entries},
        unread=faults.unread,
    )


def _read_entries(path: Path, faults: FaultList) -> dict[str, _Entry]:
    entries = {}
    for pmid, value in _read_object(path, faults).items():
        place = f"PMID {pmid!r}"
        key = faults.check(place, _Key, {"pmid": pmid})
        entry = faults.check(place, _Entry, value)
        if entry is not None and len(entry.CONTEXTS) != len(entry.LABELS):
            faults.add(place, f"{len(entry.CONTEXTS)} CONTEXTS but {len(entry.LABELS)} LABELS")
        elif entry is not None and key is not None:
            entries[pmid] = entry
    return entries


def _read_test_ids(path: Path, test_split: Path | None, entries: dict[str, _Entry]) -> set[str]:
    split_path = test_split or path.with_name(SPLIT_FILE_NAME)
    if test_split is None and not split_path.exists():
        raise ImportFileError(
            f"{path.name} was not imported: there is no {SPLIT_FILE_NAME} next to it, and without "
            "it the official test items would be trained on. Pass --test-split FILE, a JSON file "
            "that maps the PMID of each test item to its gold label."
        )
    faults = FaultList(split_path, _EXPECTED_SPLIT)
    split = _read_object(split_path, faults)
    for pmid, label in split.items():
        place = f"PMID {pmid!r}"
        checked = faults.check(place, _SplitEntry, {"label": label})
        if pmid not in entries:
            faults.add(place, f"is not in {path.name}")
        elif checked is not None and checked.label != entries[pmid].final_decision:
            gold = entries[pmid].final_decision
            faults.add(place, f"label is {label!r} here but {gold!r} in {path.name}")
    faults.raise_if_any()
    return set(split)


def _read_object(path: Path, faults: FaultList) -> dict[str, Any]:
    value = read_json(path, faults)
    if isinstance(value, dict) and value:
        return value
    faults.add("the whole file", f"found {describe_json(value)}")
    return {}


def _item_id(pmid: str) -> str:
    return f"pubmedqa-{pmid}"


def _to_item(pmid: str, entry: _Entry, is_test: bool) -> Item:
    metadata: dict[str, Any] = {"pmid": pmid, "mesh": list(entry.MESHES)}
    if entry.YEAR is not None:
        metadata["year"] = entry.YEAR
    return Item(
        item_id=_item_id(pmid),
        source="pubmedqa",
        question=entry.QUESTION,
        context=tuple(
            Section(heading, text)
            for heading, text in zip(entry.LABELS, entry.CONTEXTS, strict=True)
        ),
        label_set=PUBMEDQA_LABEL_SET,
        labels=PUBMEDQA_LABELS,
        options=(),
        gold_label=entry.final_decision,
        long_answer=entry.LONG_ANSWER,
        split="test" if is_test else "train",
        metadata=metadata,
    )
