"""Entries of a file as records: what they leave open is decided for the whole file."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from db.content.imported_labels import ImportedLabel
from db.content.items import MAX_LABELS, PROVISIONAL_ORIGIN, describe_item_faults
from db.conversions import replace_lone_surrogates, utc_now
from db.errors import DbError
from db.importers.batch import ImportBatch
from db.importers.entries import Answer, Entry
from db.importers.faults import FaultList
from db.importers.fields import PUBMEDQA_LABEL_SET, Identifier
from db.importers.file_names import (
    BENCHMARKS,
    SPLITS,
    benchmark_of,
    model_of,
    slug,
    split_of_name,
)
from db.importers.label_reading import (
    MIN_LABELS,
    YES_NO_MAYBE,
    find_label,
    index_base,
    is_text_of_another,
    labels_of_values,
)
from db.importers.opinions import imported_label
from db.importers.paths import text_of
from db.records import OPTIONS_LABEL_SET, Item, Prediction, Run, Section, Split

_TOLERANCE: Final = 0.01
"""How far from 1 probabilities may sum: files round them."""
_IDENTIFIER: Final = TypeAdapter[str](Identifier)


@dataclass(frozen=True)
class Choices:
    """What the person who imports decides for the whole file."""

    source: str = ""
    split: Split | None = None
    model: str = ""
    labels: tuple[str, ...] = ()
    known_sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The label sets of the store by name."""


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

    def add(self, entries: Sequence[Entry]) -> None:
        """Add all entries of the file."""
        sets = self._fixed_sets(entries)
        base = self._index_base(entries)
        for given in entries:
            entry = given
            if self.choices.labels and not entry.question:
                # With labels, what a model was asked is a question of its own.
                entry = replace(entry, question=entry.prompt)
            item = self._item(entry, sets, base) if entry.question else None
            if not entry.question and not entry.item_id and not entry.prompt:
                self.faults.add(entry.place, "has neither a question nor the id of an item")
                continue
            item_id = item.item_id if item else self._item_id(entry)
            if item is not None:
                self._add_item(entry, item)
            else:
                self.places.setdefault(item_id, entry.place)
                if entry.prompt:
                    self.hints[item_id] = entry.prompt
            self._add_answers(entry, item_id, item, base)
            self._add_opinions(entry, item_id, item, base)

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
            notes=(*self._shares(), *(f"{what}: {n:,}" for what, n in self.notes.items())),
        )

    def _shares(self) -> Iterator[str]:
        """Yield how many items have no right answer, and how many repeat another's question."""
        items = self.items.values()
        lacking = sum(item.gold_label is None for item in items)
        if lacking:
            yield f"items without a right answer: {lacking:,} of {len(items):,}"
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

    def _source(self, entry: Entry) -> str:
        given = self.choices.source or entry.source
        return given or benchmark_of(self.path) or slug(self.path.stem) or "own"

    def _fixed_sets(self, entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
        """Return the labels of each label set that items without options share."""
        values: dict[str, list[str]] = {}
        stated: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            if entry.options or not entry.question:
                continue
            name = self._set_name(entry)
            if entry.labels:
                stated.setdefault(name, entry.labels)
            else:
                values.setdefault(name, []).extend(_label_texts(entry))
        found = {name: self._labels_of(name, texts) for name, texts in values.items()}
        return {**found, **stated}

    def _set_name(self, entry: Entry) -> str:
        return entry.label_set or self._source(entry)

    def _labels_of(self, name: str, texts: Sequence[str]) -> tuple[str, ...]:
        if self.choices.labels:
            return self.choices.labels
        labels = labels_of_values(texts)
        known = self.choices.known_sets.get(name, ())
        if set(labels) <= set(known):
            return known
        for stored in self.choices.known_sets.values():
            if len(labels) > 0 and set(labels) <= set(stored) and len(labels) < len(stored):
                return stored
        return labels

    def _index_base(self, entries: Sequence[Entry]) -> int | None:
        """Return what the first option of the file is numbered, by all right ones."""
        numbers = []
        for entry in entries:
            names = {option.label for option in entry.options}
            for value in entry.gold if isinstance(entry.gold, list | tuple) else [entry.gold]:
                text = text_of(value)
                if entry.options and text.isdigit() and text not in names:
                    numbers.append((int(text), len(entry.options)))
        return index_base(numbers, default=1) if numbers else None

    def _item(
        self, entry: Entry, sets: Mapping[str, tuple[str, ...]], base: int | None
    ) -> Item | None:
        entry = _as_yes_no(entry)
        if entry.options:
            label_set, labels = OPTIONS_LABEL_SET, tuple(option.label for option in entry.options)
        else:
            label_set = self._set_name(entry)
            labels = entry.labels or sets.get(label_set, YES_NO_MAYBE)
            if labels == YES_NO_MAYBE:
                label_set = PUBMEDQA_LABEL_SET
            if not MIN_LABELS <= len(labels) <= MAX_LABELS:
                self.faults.add(entry.place, _describe_labels(labels))
                return None
        item = Item(
            item_id=self._item_id(entry),
            source=self._source(entry),
            question=entry.question,
            context=entry.context,
            label_set=label_set,
            labels=labels,
            options=entry.options,
            gold_label=self._gold(entry, labels, base),
            long_answer=entry.long_answer,
            split=self._split(entry),
            metadata=entry.metadata,
        )
        for fault in describe_item_faults(item):
            self.faults.add(entry.place, fault)
        return item

    def _gold(self, entry: Entry, labels: Sequence[str], base: int | None) -> str | None:
        """Return the right label; none where the file says that it is not known."""
        values = entry.gold if isinstance(entry.gold, list | tuple) else [entry.gold]
        given = [value for value in values if text_of(value) not in ("", "-1", "-")]
        if not given:
            return None
        start = base if entry.index_base is None else entry.index_base
        found = [find_label(value, labels, entry.options, start) for value in given]
        if None in found:
            shown = text_of(given[found.index(None)])[:40]
            self.faults.add(
                entry.place,
                f"the right answer {shown!a} is none of its labels ({', '.join(labels[:8])})",
            )
            return None
        if found[0] and is_text_of_another(entry.gold_text, found[0], entry.options):
            self.faults.add(entry.place, "names one option as right and gives another's text")
        if len(set(found)) > 1:
            self.faults.add(entry.place, "has several right answers, and one can be stored")
        return found[0]

    def _split(self, entry: Entry) -> Split:
        if self.choices.split:
            return self.choices.split
        stated = SPLITS.get(entry.split.strip().casefold())
        stated = stated or split_of_name(self.path)
        is_scored = bool(entry.answers) or self._source(entry) in BENCHMARKS
        return stated or ("test" if is_scored else "train")

    def _item_id(self, entry: Entry) -> str:
        source = slug(self._source(entry))
        given = " ".join(entry.item_id.split())
        is_own = given and not given.isdigit() and source not in BENCHMARKS
        if is_own or (given and entry.has_own_id) or (given and not entry.question):
            item_id = given
        elif given:
            item_id = given if given.startswith(f"{source}-") else f"{source}-{given}"
        else:
            options = {option.label: option.text for option in entry.options}
            content = json.dumps([entry.question or entry.prompt, options], sort_keys=True)
            digest = hashlib.sha256(content.encode(errors="replace")).hexdigest()
            item_id = f"{source}-{digest[:12]}"
        try:
            return _IDENTIFIER.validate_python(item_id)
        except ValidationError:
            self.faults.add(entry.place, "the id is no line of 1 to 200 visible characters")
            return hashlib.sha256(item_id.encode(errors="replace")).hexdigest()[:12]

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

    def _add_answers(self, entry: Entry, item_id: str, item: Item | None, base: int | None) -> None:
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
            found[item_id] = self._prediction(entry, answer, item_id, item, base)

    def _prediction(
        self, entry: Entry, answer: Answer, item_id: str, item: Item | None, base: int | None
    ) -> Prediction:
        label = _answer_label(entry, answer, item, base)
        if label is None and text_of(answer.label) and item is not None:
            self.notes["labels of answers that are none of their items' and were left out"] += 1
        probabilities = self._probabilities(entry, answer, item)
        head = answer.head_label
        if probabilities is not None and item is not None:
            head = item.labels[max(range(len(probabilities)), key=probabilities.__getitem__)]
            label = label or (head if answer.text is None else None)
        return Prediction(
            run_id="",
            item_id=item_id,
            answer=answer.text,
            answer_label=label,
            # Without a text nobody can read it again: no label is then the outcome.
            answer_form=answer.form
            or ("absent" if label is None and answer.text is None and head is None else None),
            answer_start=answer.start,
            answer_end=answer.end,
            is_finished=answer.is_finished and not _stops_while_thinking(answer.text or ""),
            head_label=head,
            head_probabilities=probabilities,
            prompt_tokens=answer.prompt_tokens,
            answer_tokens=answer.answer_tokens,
            latency_seconds=answer.latency_seconds,
        )

    def _probabilities(
        self, entry: Entry, answer: Answer, item: Item | None
    ) -> tuple[float, ...] | None:
        """Return the probabilities in the order of the item's labels, summing to 1."""
        given = answer.probabilities
        if given is None or item is None:
            return given if isinstance(given, tuple) and answer.run_id else None
        if isinstance(given, Mapping):
            named = {
                find_label(name, item.labels, entry.options): value for name, value in given.items()
            }
            given = tuple(named.get(label, 0.0) for label in item.labels)
        total = sum(given)
        if len(given) != len(item.labels) or min(given) < 0 or abs(total - 1) > _TOLERANCE:
            self.faults.add(
                entry.place,
                f"{len(given)} probabilities do not sum to 1 over its {len(item.labels)} labels",
            )
            return None
        if abs(total - 1) > 1e-9:
            self.notes["answers with probabilities rescaled to sum to 1"] += 1
        return tuple(value / total for value in given)

    def _add_opinions(
        self, entry: Entry, item_id: str, item: Item | None, base: int | None
    ) -> None:
        for opinion in entry.opinions:
            given = [value for value in opinion.labels if text_of(value)]
            found: list[Any] = given
            if item is not None:
                found = [find_label(value, item.labels, item.options, base) for value in given]
            if None in found:
                shown = text_of(given[found.index(None)])[:40]
                self.faults.add(entry.place, f"the label {shown!a} is none of the item's")
                continue
            if item is not None:
                found = [label for label in item.labels if label in found]
            try:
                self.labels.append(imported_label(opinion, item_id, [str(v) for v in found]))
            except (DbError, ValueError, TypeError, KeyError) as error:
                self.faults.add(entry.place, str(error))


def _as_yes_no(entry: Entry) -> Entry:
    """Return an entry whose options are just yes, no and maybe with these as its labels.

    What comes before the last line of such a question is its context, as in PubMedQA's prompts.
    """
    texts = [option.text.casefold() for option in entry.options]
    if sorted(texts) != sorted(YES_NO_MAYBE):
        return entry
    *context, question = entry.question.rstrip().split("\n")
    gold = find_label(
        entry.gold, [option.label for option in entry.options], entry.options, entry.index_base
    )
    named = {option.label: option.text.casefold() for option in entry.options}
    return replace(
        entry,
        question=question,
        context=entry.context or tuple(Section("", line) for line in context if line.strip()),
        options=(),
        labels=YES_NO_MAYBE,
        gold=named.get(gold or "", entry.gold),
        source=entry.source,
    )


def _answer_label(entry: Entry, answer: Answer, item: Item | None, base: int | None) -> str | None:
    if item is None:
        return text_of(answer.label) or None
    value = answer.label
    if isinstance(value, list | tuple):
        value = value[0] if len(value) == 1 else None
    if entry.options and not item.options:
        letters = [option.label for option in entry.options]
        letter = find_label(value, letters, entry.options, base)
        texts = {option.label: option.text for option in entry.options}
        value = texts.get(letter or "", value)
    return find_label(value, item.labels, item.options, base)


def _label_texts(entry: Entry) -> Iterator[str]:
    values = [entry.gold, *(label for opinion in entry.opinions for label in opinion.labels)]
    for value in values:
        for part in value if isinstance(value, list | tuple) else [value]:
            yield text_of(part)


def _describe_labels(labels: Sequence[str]) -> str:
    found = "no labels" if not labels else f"only the label {labels[0]!a}"
    if len(labels) > MAX_LABELS:
        found = f"{len(labels)} different labels"
    return (
        f"the file has {found} for such items and they need {MIN_LABELS} to {MAX_LABELS}: name "
        "them with --labels FIRST,SECOND, or map the labels to another field"
    )


def _stops_while_thinking(text: str) -> bool:
    _, opened, rest = text.rpartition("<think>")
    return bool(opened) and "</think>" not in rest
