"""MedQA (USMLE): one JSON object a line, four or five options."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from db.importers.batch import ImportBatch
from db.importers.faults import FaultList
from db.importers.fields import FilledText, Identifier, OptionLabel, Text
from db.importers.files import read_json_lines
from db.records import OPTIONS_LABEL_SET, Item, Option, Split

ORIGIN = "medqa"

_EXPECTED = (
    "one JSON object a line with question, options (an object of letter to text), answer_idx (the "
    "right letter) and, where known, answer, meta_info and realidx"
)


class MedqaEntry(BaseModel):
    """One MedQA question as released; also what answer files repeat of it."""

    model_config = ConfigDict(frozen=True)

    question: FilledText
    options: dict[OptionLabel, FilledText] = Field(min_length=2)
    answer_idx: OptionLabel
    answer: Text | None = None
    meta_info: Text | None = None
    realidx: int | Identifier | None = None

    def describe_faults(self) -> list[str]:
        """Describe how the entry contradicts itself."""
        if self.answer_idx not in self.options:
            return [f"answer_idx is {self.answer_idx!r}, expected one of {sorted(self.options)}"]
        right = self.options[self.answer_idx]
        if self.answer is not None and self.answer != right:
            return [f"answer is {self.answer!r} but option {self.answer_idx} is {right!r}"]
        return []


def parse_medqa(path: Path, *, split: Split = "test") -> ImportBatch:
    """Read MedQA questions; all get the same split.

    Raises:
        ImportFileError: Faults in the file.
    """
    faults = FaultList(path, _EXPECTED)
    items: list[Item] = []
    places: dict[str, str] = {}
    for place, value in read_json_lines(path, faults):
        entry = faults.check(place, MedqaEntry, value)
        if entry is None:
            continue
        for fault in entry.describe_faults():
            faults.add(place, fault)
        item_id = medqa_item_id(entry)
        if item_id in places:
            faults.add(place, f"the question of {places[item_id]} again ({item_id})")
        places[item_id] = place
        items.append(medqa_item(entry, split))
    faults.raise_if_any()
    return ImportBatch(origin=ORIGIN, items=tuple(items), places=places, unread=faults.unread)


def medqa_item_id(entry: MedqaEntry) -> str:
    """Return the id of an entry: by its number, else by its question and options."""
    if entry.realidx is not None:
        return f"medqa-{entry.realidx}"
    content = json.dumps([entry.question, entry.options], sort_keys=True)
    return f"medqa-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def medqa_item(entry: MedqaEntry, split: Split) -> Item:
    """Convert an entry without faults to an item."""
    labels = tuple(sorted(entry.options))
    return Item(
        item_id=medqa_item_id(entry),
        source="medqa",
        question=entry.question,
        context=(),
        label_set=OPTIONS_LABEL_SET,
        labels=labels,
        options=tuple(Option(label, entry.options[label]) for label in labels),
        gold_label=entry.answer_idx,
        long_answer="",
        split=split,
        metadata={} if entry.meta_info is None else {"step": entry.meta_info},
    )
