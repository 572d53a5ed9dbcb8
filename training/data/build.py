"""Training data as files: zero-, one- and few-shot records of a benchmark, for any trainer.

The records are those that a run would learn from: the same folds, shots, vetoes and leak checks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from db.records import OPTION_LABEL_SETS, OPTIONS_LABEL_SET
from db.retraining.judged_answers import JudgedAnswer
from db.retraining.snapshot import Snapshot, SnapshotItem
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import DEFAULT_TEMPLATE, Message, load_template
from training.data.dataset import Record, build_training_data, is_corrected, records_of
from training.data.questions import ItemQuestion
from training.errors import DataError
from training.settings.training import DataSettings

Benchmark = Literal["pubmedqa", "usmle-step1", "usmle-step2", "usmle-step3", "all"]
BENCHMARKS: Final[tuple[Benchmark, ...]] = get_args(Benchmark)
Fold = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class BuiltRecord:
    """One record as it is written: the chat, and what it was made from.

    ``messages`` ends with the answer to learn: the category, then the long answer, or the text
    that a reviewer put in its place. ``step`` is what the item was imported with, such as
    ``step2&3``.
    """

    item_id: str
    fold: Fold
    source: str
    step: str
    messages: tuple[Message, ...]
    category: str
    label_set: str
    labels: tuple[str, ...]
    label_origin: str
    is_corrected: bool
    num_shots: int
    shot_item_ids: tuple[str, ...]

    @property
    def prompt(self) -> tuple[Message, ...]:
        """Return the chat without its answer."""
        return self.messages[:-1]

    @property
    def has_options(self) -> bool:
        """Return whether its labels are its item's own options."""
        return self.label_set in OPTION_LABEL_SETS

    @property
    def has_one_label(self) -> bool:
        """Return whether one label is right, not several together."""
        return self.category in self.labels

    @property
    def completion(self) -> str:
        """Return the answer to learn."""
        return self.messages[-1]["content"]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "item_id": self.item_id,
            "messages": [dict(turn) for turn in self.messages],
            "category": self.category,
            "labels": list(self.labels),
            "source": self.source,
            "step": self.step,
            "label_origin": self.label_origin,
            "is_corrected": self.is_corrected,
            "num_shots": self.num_shots,
            "shot_item_ids": list(self.shot_item_ids),
        }


@dataclass(frozen=True)
class Build:
    """The records of one build and what they depend on."""

    benchmark: Benchmark
    num_shots: int
    template: str
    snapshot_id: str
    seed: int
    records: tuple[BuiltRecord, ...]
    num_vetoed: int
    warnings: tuple[str, ...] = ()
    """What cannot be learned from it."""
    answers: tuple[JudgedAnswer, ...] = ()
    """Answers of models that people judged, also of items without a record."""

    def fold(self, fold: Fold) -> tuple[BuiltRecord, ...]:
        """Return the records of one fold."""
        return tuple(record for record in self.records if record.fold == fold)


def belongs(item: SnapshotItem, benchmark: Benchmark) -> bool:
    """Return whether an item counts for a benchmark; one tagged ``step2&3`` counts for both."""
    if benchmark == "all":
        return True
    if benchmark == "pubmedqa":
        return item.labels == PUBMEDQA.names
    return item.label_set == OPTIONS_LABEL_SET and benchmark[-1] in _steps(item.metadata)


def build(
    snapshot: Snapshot,
    *,
    benchmark: Benchmark,
    num_shots: int,
    settings: DataSettings | None = None,
    template: str = DEFAULT_TEMPLATE,
    only_corrected: bool = False,
    seed: int = 0,
) -> Build:
    """Write the records of one benchmark with this many shots in every prompt.

    Args:
        snapshot: Its training items; its test items and what repeats them are refused.
        settings: Which exemplars, how long their contexts, the share held out for validation.
        only_corrected: Records of reviewed and corrected items alone; shots come from all.

    Raises:
        DataError: The training items leak from the test split, or none is of the benchmark.
        PromptError: Fewer exemplars than shots.
    """
    chosen = settings or DataSettings()
    mine = tuple(item for item in snapshot.train if belongs(item, benchmark))
    if not mine:
        raise DataError(
            f"No labelled training item belongs to {benchmark!r}. Import some, or build another of "
            f"{', '.join(BENCHMARKS)}."
        )
    # All test items, also those of other benchmarks: a copy is a leak wherever it is.
    data = build_training_data(
        replace(snapshot, train=mine),
        chosen.model_copy(update={"shots": (num_shots,), "items_per_label_set": None}),
        seed,
    )
    by_id = {entry.item.item_id: entry for entry in data.questions.train}
    held_out = [
        record
        for item_id in dict.fromkeys(record.item_id for record in data.dev)
        for record in records_of(by_id[item_id], data.pool, num_shots, 1, seed)
    ]
    folds: tuple[tuple[Fold, Sequence[Record]], ...] = (
        ("train", data.train),
        ("validation", held_out),
    )
    records = tuple(
        _built(by_id[record.item_id].item, record, fold, template)
        for fold, members in folds
        for record in members
        if not only_corrected or is_corrected(by_id[record.item_id].item)
    )
    if not records:
        raise DataError(
            f"Nothing was built: no training item of {benchmark!r} has a record with {num_shots} "
            "shots. Take vetoes back, correct items, or leave --only-corrected out."
        )
    vetoed = [item for item in mine if item.is_vetoed or num_shots in item.vetoed_shots]
    snapshot_id = snapshot.manifest.snapshot_id
    return Build(
        benchmark,
        num_shots,
        template,
        snapshot_id,
        seed,
        records,
        len(vetoed),
        tuple(data.describe_missing_labels()),
    )


def build_test(
    snapshot: Snapshot, *, benchmark: Benchmark, template: str = DEFAULT_TEMPLATE
) -> Build:
    """Write the test items of one benchmark as records without shots, for evaluation alone."""
    entries = [ItemQuestion.of(item) for item in snapshot.test if belongs(item, benchmark)]
    records = tuple(
        _built(
            entry.item,
            Record(entry.item.item_id, entry.question, entry.item.label, "", 0, ()),
            "test",
            template,
        )
        for entry in entries
    )
    return Build(benchmark, 0, template, snapshot.manifest.snapshot_id, 0, records, 0)


def _built(item: SnapshotItem, record: Record, fold: Fold, template: str) -> BuiltRecord:
    wording = load_template(template)
    labels = record.question.label_set
    answer: Message = {
        "role": "assistant",
        "content": wording.completion(labels, record.label, record.rationale),
    }
    return BuiltRecord(
        item_id=item.item_id,
        fold=fold,
        source=item.source,
        step=str(item.metadata.get("step", "")),
        messages=(*wording.messages(record.question, record.shots), answer),
        category=record.label,
        label_set=item.label_set,
        labels=labels.names,
        label_origin=item.label_origin,
        is_corrected=is_corrected(item),
        num_shots=record.num_shots,
        shot_item_ids=tuple(shot.question.question_id for shot in record.shots),
    )


def _steps(metadata: Mapping[str, Any]) -> set[str]:
    """Return the USMLE steps of an item, such as 2 and 3 of ``step2&3``."""
    return set(re.findall(r"[123]", str(metadata.get("step", ""))))
