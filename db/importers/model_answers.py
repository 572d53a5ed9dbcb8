"""Answers of models to PubMedQA and MedQA, as the medagents benchmark releases them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from db.content.items import PROVISIONAL_ORIGIN
from db.conversions import require_text, utc_now
from db.errors import ImportFileError
from db.importers.batch import ImportBatch
from db.importers.faults import FaultList
from db.importers.fields import (
    PUBMEDQA_LABEL_SET,
    PUBMEDQA_LABELS,
    Count,
    Identifier,
    Seconds,
    Text,
)
from db.importers.files import describe_json, read_bytes, read_json
from db.importers.medqa import MedqaEntry, medqa_item, medqa_item_id
from db.records import Item, Prediction, Run, Section

_EXPECTED = (
    "a JSON list of objects with realidx, question, options, answer_idx and what the model gave: "
    "raw_response or completion (the text), predicted_answer (an option letter)"
)


class _TokenUsage(BaseModel):
    model_config = ConfigDict(frozen=True)

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None


class _Entry(MedqaEntry):
    realidx: int | Identifier
    answer_rationale: Text | None = None
    raw_response: Text | None = None
    completion: Text | None = None
    predicted_answer: Text | None = None
    token_usage: _TokenUsage = Field(default_factory=_TokenUsage)
    time_elapsed: Seconds | None = None

    @property
    def is_pubmedqa(self) -> bool:
        """Return the benchmark by its options: exactly yes, no and maybe."""
        return sorted(self.options.values()) == sorted(PUBMEDQA_LABELS)

    @property
    def item_id(self) -> str:
        """Return the id that the benchmark's own importer gives the item."""
        return f"pubmedqa-{self.realidx}" if self.is_pubmedqa else medqa_item_id(self)

    @property
    def text(self) -> str | None:
        """Return what the model wrote; None where only its letter was released."""
        return self.completion if self.raw_response is None else self.raw_response


def parse_model_answers(path: Path, *, model: str | None = None) -> ImportBatch:
    """Read one file of answers as a run, and its questions as provisional items.

    Args:
        path: The run is named after the file; its id comes from the content.
        model: Who answered; the part of the file name before the benchmark when None.

    Raises:
        ImportFileError: Faults in the file, or no model name to be had.
    """
    require_text(path.name, f"file name {path.name!a}", ImportFileError)
    faults = FaultList(path, _EXPECTED)
    entries = _read_entries(path, faults)
    faults.raise_if_any()
    digest = hashlib.sha256(read_bytes(path)).hexdigest()
    run = Run(
        run_id=f"import-{digest[:16]}",
        name=path.stem,
        kind="imported",
        model=model or _model_from_name(path),
        settings={"file": path.name, "file_sha256": digest},
        metrics={},
        created_at=utc_now(),
    )
    return ImportBatch(
        origin=PROVISIONAL_ORIGIN,
        items=tuple(_to_item(entry) for entry in entries.values()),
        run=run,
        predictions=tuple(_to_prediction(run.run_id, entry) for entry in entries.values()),
        places={entry.item_id: place for place, entry in entries.items()},
        unread=faults.unread,
    )


def _read_entries(path: Path, faults: FaultList) -> dict[str, _Entry]:
    values = read_json(path, faults)
    if not isinstance(values, list) or not values:
        faults.add("the whole file", f"found {describe_json(values)}")
        return {}
    entries: dict[str, _Entry] = {}
    seen: dict[str, str] = {}
    for number, value in enumerate(values, start=1):
        place = f"entry {number}"
        entry = faults.check(place, _Entry, value)
        if entry is None:
            continue
        for fault in entry.describe_faults():
            faults.add(place, fault)
        if entry.item_id in seen:
            faults.add(place, f"the question of {seen[entry.item_id]} again ({entry.item_id})")
        seen[entry.item_id] = place
        entries[place] = entry
    return entries


def _model_from_name(path: Path) -> str:
    found = re.match(r"(.+?)-(?:pubmedqa|medqa)(?:-|$)", path.stem, re.IGNORECASE)
    if found is None:
        raise ImportFileError(
            f"{path.name} was not imported: its name does not say which model answered (expected "
            "MODEL-pubmedqa-... or MODEL-medqa-...). Rename it, or pass --model NAME."
        )
    return found[1]


def _to_item(entry: _Entry) -> Item:
    item = medqa_item(entry, "test")
    if not entry.is_pubmedqa:
        return item
    *context, question = entry.question.rstrip().split("\n")
    return Item(
        item_id=entry.item_id,
        source="pubmedqa",
        question=question,
        context=tuple(Section("", line) for line in context if line.strip()),
        label_set=PUBMEDQA_LABEL_SET,
        labels=PUBMEDQA_LABELS,
        options=(),
        gold_label=entry.options[entry.answer_idx],
        long_answer=entry.answer_rationale or "",
        split="test",
        metadata={"pmid": str(entry.realidx)},
    )


def _to_prediction(run_id: str, entry: _Entry) -> Prediction:
    letter = (entry.predicted_answer or "").strip()
    label = letter if letter in entry.options else None
    if label is not None and entry.is_pubmedqa:
        label = entry.options[letter]
    return Prediction(
        run_id=run_id,
        item_id=entry.item_id,
        answer=entry.text,
        answer_label=label,
        # Without a text nobody can read it again: no label is then the outcome, and a wrong one.
        answer_form="absent" if label is None and entry.text is None else None,
        is_finished=not _stops_while_thinking(entry.text or ""),
        prompt_tokens=entry.token_usage.prompt_tokens,
        answer_tokens=entry.token_usage.completion_tokens,
        latency_seconds=entry.time_elapsed,
    )


def _stops_while_thinking(text: str) -> bool:
    _, opened, rest = text.rpartition("<think>")
    return bool(opened) and "</think>" not in rest
