"""A MedQA (USMLE) question as other files repeat it."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field

from db.importers.fields import FilledText, Identifier, OptionLabel, Text
from db.records import OPTIONS_LABEL_SET, Item, Option, Split


class MedqaEntry(BaseModel):
    """One MedQA question."""

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
