"""Entries of a file as records: what they leave open is decided for the whole file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from db.content.imported_labels import ImportedLabel
from db.content.items import PROVISIONAL_ORIGIN
from db.conversions import replace_lone_surrogates, utc_now
from db.importers.assembly.answer_maker import AnswerMaker
from db.importers.assembly.item_maker import ItemMaker
from db.importers.batch import ImportBatch
from db.importers.choices import Choices
from db.importers.entries import Entry
from db.importers.faults import FaultList
from db.importers.file_names import model_of
from db.importers.label_reading import is_date
from db.records import FREE_TEXT_LABEL_SET, Item, LabelSet, Prediction, Run


@dataclass
class Assembly:
    """The records of one file in the making."""

    path: Path
    faults: FaultList
    choices: Choices
    items: dict[str, Item] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    """Of answers to items not in the file: the text that contains the question."""
    predictions: dict[tuple[str, str, str, str], dict[str, Prediction]] = field(
        default_factory=dict
    )
    """By model, variant, run id and run name, then by item."""
    labels: list[ImportedLabel] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    label_sets: tuple[LabelSet, ...] = ()

    def add(self, entries: Sequence[Entry]) -> None:
        """Add all entries of the file."""
        if self.choices.labels:
            # With labels, what a model was asked is a question of its own.
            entries = [replace(one, question=one.question or one.prompt) for one in entries]
        maker = ItemMaker(self.path, self.faults, self.choices, entries)
        answers = AnswerMaker(self.faults, maker, self.notes)
        for entry in entries:
            if not entry.question and not entry.item_id and not entry.prompt:
                self.faults.add(entry.place, "has neither a question nor the id of an item")
                continue
            item = maker.make(entry) if entry.question else None
            item_id = item.item_id if item else maker.item_id(entry)
            if item is not None:
                self._add_item(entry, item)
            else:
                self.places.setdefault(item_id, entry.place)
                if entry.prompt:
                    self.hints[item_id] = entry.prompt
            self._add_answers(entry, item_id, item, answers)
            self.labels += answers.annotations(entry, item_id, item)
        self.label_sets = maker.label_sets()

    def batch(self, digest: str, origin: str) -> ImportBatch:
        """Return the records.

        Args:
            digest: Of the file's content, for the ids of its runs.
            origin: Of its items, where no answers come with them.
        """
        runs = []
        predictions: list[Prediction] = []
        for number, (key, found) in enumerate(self.predictions.items()):
            model, variant, run_id, name = key
            run_id = run_id or f"import-{digest[:16]}" + (f"-{number + 1}" if number else "")
            run = self._run(run_id, model, variant, digest)
            runs.append(replace(run, name=name) if name else run)
            predictions += [replace(each, run_id=run_id) for each in found.values()]
        is_provisional = bool(runs or self.labels)
        return ImportBatch(
            origin=PROVISIONAL_ORIGIN if is_provisional else origin,
            items=tuple(self.items.values()),
            runs=tuple(runs),
            predictions=tuple(predictions),
            labels=tuple(self.labels),
            places=self.places,
            hints=self.hints,
            label_sets=self.label_sets,
            notes=(*self._shares(), *(f"{what}: {n:,}" for what, n in self.notes.items())),
        )

    def _shares(self) -> Iterator[str]:
        """Yield how many items have no right answer, and how many repeat another's question."""
        items = self.items.values()
        lacking = sum(item.gold_label is None for item in items)
        if lacking:
            yield f"items without a right answer: {lacking:,} of {len(items):,}"
        num_open = sum(item.label_set == FREE_TEXT_LABEL_SET for item in items)
        if num_open:
            yield f"questions without labels, for review of the text of answers: {num_open:,}"
        dates = [name for found in self.label_sets for name in found.names if is_date(name)]
        if dates:
            yield (
                f"labels that look like dates ({', '.join(dates[:3])}): a spreadsheet makes them "
                "of labels such as 1-2; correct them in the file, or map each to its label"
            )
        texts = Counter(
            (" ".join(item.question.casefold().split()), item.options) for item in items
        )
        repeated = sum(count - 1 for count in texts.values())
        if repeated:
            yield f"items with the question and options of another: {repeated:,}"

    def _run(self, run_id: str, model: str, variant: str, digest: str) -> Run:
        name = " ".join(filter(None, (self.path.stem, *self._distinguishing(model, variant))))
        return Run(
            run_id=run_id,
            name=replace_lone_surrogates(name),
            kind="imported",
            model=model,
            settings={
                "file": replace_lone_surrogates(self.path.name),
                "file_sha256": digest,
                **({"variant": variant} if variant else {}),
            },
            metrics={},
            created_at=utc_now(),
        )

    def _distinguishing(self, model: str, variant: str) -> Iterator[str]:
        if len({key[0] for key in self.predictions}) > 1:
            yield model
        if variant:
            yield variant

    def _add_item(self, entry: Entry, item: Item) -> None:
        other = self.items.get(item.item_id)
        if other is None:
            self.items[item.item_id] = item
            self.places[item.item_id] = entry.place
        elif other.question != item.question or other.options != item.options:
            first = self.places[item.item_id]
            self.faults.add(entry.place, f"item_id {item.item_id!r} was given in {first}")
        elif not entry.answers and not entry.opinions:
            self.notes["questions given again and imported once"] += 1

    def _add_answers(
        self, entry: Entry, item_id: str, item: Item | None, answers: AnswerMaker
    ) -> None:
        if not entry.answers and not entry.opinions and item is None:
            self.notes["requests that failed and have no answer"] += 1
        for answer in entry.answers:
            model = answer.model or self.choices.model or model_of(self.path)
            key = (model, answer.variant, answer.run_id, answer.run_name)
            found = self.predictions.setdefault(key, {})
            if item_id in found:
                self.faults.add(
                    entry.place, f"answers the question of {self.places[item_id]} again"
                )
                continue
            found[item_id] = answers.prediction(entry, answer, item_id, item)
