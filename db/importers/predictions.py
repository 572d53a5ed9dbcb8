"""A run of one's own: a first line that describes the run, then one prediction a line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from db.conversions import Moment, utc_now
from db.importers.batch import ImportBatch
from db.importers.checks import OWN_RUN
from db.importers.faults import FaultList
from db.importers.fields import Count, FilledText, Identifier, Metadata, Probability, Seconds, Text
from db.importers.files import read_bytes, read_json_lines
from db.importers.label_reading import label_of_file
from db.records import Prediction, Run

_EXPECTED = (
    'a first line {"run": {"name": "...", "model": "..."}} and then one JSON object a line with '
    "item_id, answer and, where known, answer_label, answer_form, answer_start, answer_end, "
    "is_finished, head_label, head_probabilities, prompt_tokens, answer_tokens, latency_seconds"
)


_Label = Annotated[Text | None, BeforeValidator(label_of_file)]
"""One label, or the list of a set of labels."""


class _Run(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FilledText
    model: FilledText
    run_id: Identifier | None = None
    settings: Metadata = Field(default_factory=dict)
    metrics: Metadata = Field(default_factory=dict)
    created_at: Moment | None = None
    base_run_id: Identifier | None = None


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    run: _Run


class _Prediction(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    item_id: Identifier
    answer: Text | None = None
    answer_label: _Label = None
    answer_form: Text | None = None
    answer_start: Count | None = None
    answer_end: Count | None = None
    is_finished: bool = True
    head_label: _Label = None
    head_probabilities: tuple[Probability, ...] | None = None
    prompt_tokens: Count | None = None
    answer_tokens: Count | None = None
    latency_seconds: Seconds | None = None


def parse_predictions(path: Path) -> ImportBatch:
    """Read a run with its predictions; their items must be in the store already.

    The run's id is the one given, else it comes from the file's content.

    Raises:
        ImportFileError: Faults in the file.
    """
    faults = FaultList(path, _EXPECTED)
    lines = read_json_lines(path, faults)
    header = _read_header(lines, faults)
    entries: list[_Prediction] = []
    places: dict[str, str] = {}
    for place, value in lines:
        entry = faults.check(place, _Prediction, value)
        if entry is None:
            continue
        if entry.item_id in places:
            faults.add(place, f"item_id {entry.item_id!r} was given in {places[entry.item_id]}")
        places[entry.item_id] = place
        entries.append(entry)
    if not entries:
        faults.add("the whole file", "no predictions after the first line")
    faults.raise_if_any()
    run = _to_run(header, path)
    predictions = tuple(Prediction(run_id=run.run_id, **dict(entry)) for entry in entries)
    return ImportBatch(origin=OWN_RUN, runs=(run,), predictions=predictions, places=places)


def _read_header(lines: Iterator[tuple[str, Any]], faults: FaultList) -> _Run | None:
    first = next(lines, None)
    if first is None:
        return None
    place, value = first
    header = faults.check(place, _Header, value)
    return None if header is None else header.run


def _to_run(header: _Run | None, path: Path) -> Run:
    if header is None:
        raise AssertionError("a missing header is a fault")
    digest = hashlib.sha256(read_bytes(path)).hexdigest()
    return Run(
        run_id=header.run_id or f"import-{digest[:16]}",
        name=header.name,
        kind="imported",
        model=header.model,
        settings={**header.settings, "file_sha256": digest},
        metrics=header.metrics,
        created_at=header.created_at or utc_now(),
        base_run_id=header.base_run_id,
    )
