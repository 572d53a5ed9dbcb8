"""The items of a file: what an entry leaves open is decided for the whole file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from db.content.items import MAX_LABELS, describe_item_faults
from db.importers.choices import Choices
from db.importers.entries import Entry
from db.importers.faults import FaultList
from db.importers.fields import PUBMEDQA_LABEL_SET, Identifier
from db.importers.file_names import BENCHMARKS, SPLITS, benchmark_of, slug, split_of_name
from db.importers.label_reading import (
    MIN_LABELS,
    YES_NO_MAYBE,
    find_label,
    index_base,
    is_text_of_another,
    labels_of_values,
    lists_of,
    parts_of,
    separator_of,
    whole_number,
)
from db.importers.paths import text_of
from db.records import (
    FREE_TEXT_LABEL_SET,
    OPTIONS_LABEL_SET,
    SEVERAL_OPTIONS_LABEL_SET,
    Item,
    LabelKind,
    LabelSet,
    Section,
    SetLabel,
    Split,
    join_labels,
)

_IDENTIFIER: Final = TypeAdapter[str](Identifier)
_UNKNOWN: Final = ("", "-1", "-", "NA", "N/A", "#N/A", "nan", "NaN", "null", "NULL")
"""How files write that no right answer is known, where it is no label."""
_MAX_LABEL: Final = 100
"""Characters: longer values are answers to open questions, as in MedQuAD."""


class ItemMaker:
    """Makes the items of one file."""

    def __init__(
        self, path: Path, faults: FaultList, choices: Choices, entries: Sequence[Entry]
    ) -> None:
        """Decide for all entries: their label sets, and how options are counted."""
        self._path, self._faults, self._choices = path, faults, choices
        self.index_base = _index_base(entries)
        self._separators = self._separators_of(entries)
        self._several = {self._group(entry) for entry in entries if self._has_several(entry)}
        self._open: set[str] = set()
        self._sets = self._fixed_sets(entries)
        if any(entry.options or entry.answers for entry in entries):
            # Questions that models answered, or among others with options, are open ones where
            # nothing shows their labels.
            self._open = {
                name
                for name, found in self._sets.items()
                if not MIN_LABELS <= len(found.labels) <= MAX_LABELS
            }
        self._open |= {
            name
            for name, found in self._sets.items()
            if max(map(len, found.names), default=0) > _MAX_LABEL
        }

    def make(self, entry: Entry) -> Item | None:
        """Return the item of an entry with a question; its faults are noted."""
        if entry.fault:
            self._faults.add(entry.place, entry.fault)
            return None
        entry = _as_yes_no(entry)
        labels = tuple(option.label for option in entry.options)
        label_set, is_several = OPTIONS_LABEL_SET, self._group(entry) in self._several
        known = None
        if entry.options and is_several:
            label_set = SEVERAL_OPTIONS_LABEL_SET
        elif self._is_free_text(entry):
            label_set, labels, is_several = FREE_TEXT_LABEL_SET, (), False
            right = "\n".join(text_of(value) for value in self._values(entry))
            entry = replace(entry, gold=None, long_answer=entry.long_answer or right)
        elif not entry.options:
            known = self._sets.get(self._set_name(entry))
            labels = entry.labels or (known.names if known else YES_NO_MAYBE)
            is_single = labels == YES_NO_MAYBE and not is_several
            label_set = PUBMEDQA_LABEL_SET if is_single else self._set_name(entry)
            is_several = is_several or (known is not None and known.kind == "several")
            if not MIN_LABELS <= len(labels) <= MAX_LABELS:
                self._faults.add(entry.place, _describe_labels(labels))
                return None
        item = Item(
            item_id=self.item_id(entry),
            source=self._source(entry),
            question=entry.question,
            context=entry.context,
            label_set=label_set,
            labels=labels,
            options=entry.options,
            gold_label=None,
            long_answer=entry.long_answer,
            split=self._split(entry),
            metadata=entry.metadata,
            is_several=is_several,
        )
        item = replace(item, gold_label=self._gold(entry, item))
        for fault in describe_item_faults(item):
            self._faults.add(entry.place, fault)
        return item

    def label_sets(self) -> tuple[LabelSet, ...]:
        """Return the label sets that the items share, but for yes, no and maybe."""
        return tuple(
            found
            for found in self._sets.values()
            if (found.names != YES_NO_MAYBE or found.kind == "several")
            and MIN_LABELS <= len(found.labels) <= MAX_LABELS
        )

    def find_label(self, value: Any, item: Item) -> str | None:
        """Return the label of an item that a value of the file means; its set's synonyms count."""
        found = find_label(value, item.labels, item.options, self.index_base)
        known = self._sets.get(item.label_set)
        if found is None and known is not None:
            return known.label_for(text_of(value))
        return found

    def item_id(self, entry: Entry) -> str:
        """Return the id of the item that an entry describes or names."""
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
            self._faults.add(entry.place, "the id is no line of 1 to 200 visible characters")
            return hashlib.sha256(item_id.encode(errors="replace")).hexdigest()[:12]

    def _source(self, entry: Entry) -> str:
        given = self._choices.source or entry.source
        return given or benchmark_of(self._path) or slug(self._path.stem) or "own"

    def _set_name(self, entry: Entry) -> str:
        named = "" if entry.label_set == FREE_TEXT_LABEL_SET else entry.label_set
        return named or self._source(entry)

    def _is_free_text(self, entry: Entry) -> bool:
        is_open = not (entry.labels or self._choices.labels)
        is_named = entry.label_set == FREE_TEXT_LABEL_SET
        return is_open and (is_named or self._set_name(entry) in self._open)

    def _group(self, entry: Entry) -> tuple[str, str]:
        """Return what has several right answers everywhere if it has so anywhere."""
        return (OPTIONS_LABEL_SET if entry.options else self._set_name(entry)), self._source(entry)

    def _separators_of(self, entries: Sequence[Entry]) -> dict[str, str]:
        """Return what separates several labels of one value, for each set where something does."""
        values: dict[str, list[str]] = {}
        for entry in entries:
            is_open = not (entry.options or entry.labels or self._choices.labels)
            if entry.question and is_open and not isinstance(entry.gold, list | tuple):
                values.setdefault(self._set_name(entry), []).append(text_of(entry.gold))
        found = {name: separator_of(texts) for name, texts in values.items()}
        return {name: separator for name, separator in found.items() if separator}

    def _values(self, entry: Entry) -> list[Any]:
        """Return the right answers that an entry names, one by one."""
        known = self._choices.known_sets.get(self._set_name(entry))
        names = tuple(option.label for option in entry.options)
        labels = names or entry.labels or self._choices.labels or (known.names if known else ())
        values = [
            one for one in _golds(entry) if text_of(one) not in _UNKNOWN or text_of(one) in labels
        ]
        if len(values) != 1:
            return values
        separator = None if names else self._separators.get(self._set_name(entry))
        if separator:
            return [part.strip() for part in text_of(values[0]).split(separator)]
        if not labels or find_label(values[0], labels, entry.options, 0) is not None:
            return values
        base = self.index_base if entry.index_base is None else entry.index_base
        for parts in lists_of(values[0]):
            is_list = all(find_label(part, labels, entry.options, base) for part in parts)
            if is_list and len(parts) > 1:
                return parts
        return values

    def _has_several(self, entry: Entry) -> bool:
        known = self._choices.known_sets.get(self._set_name(entry))
        if not entry.options and known is not None and known.kind == "several":
            return True
        if entry.gold is None and not entry.options:
            return any(len(opinion.labels) > 1 for opinion in entry.opinions)
        return len({text_of(value) for value in self._values(entry)}) > 1

    def _fixed_sets(self, entries: Sequence[Entry]) -> dict[str, LabelSet]:
        """Return each label set that items without options share."""
        values: dict[str, list[str]] = {}
        stated: dict[str, tuple[str, ...]] = {}
        several = set()
        for entry in entries:
            if entry.options or not entry.question or self._is_free_text(entry):
                continue
            name = self._set_name(entry)
            if self._group(entry) in self._several:
                several.add(name)
            if entry.labels:
                stated.setdefault(name, entry.labels)
            else:
                values.setdefault(name, []).extend(self._label_texts(entry))
        return {
            name: self._labels_of(name, values.get(name, ()), stated.get(name, ()), name in several)
            for name in {**values, **stated}
        }

    def _label_texts(self, entry: Entry) -> Iterator[str]:
        said = [label for opinion in entry.opinions for label in opinion.labels]
        for value in (*self._values(entry), *said):
            for part in value if isinstance(value, list | tuple) else [value]:
                if text_of(part):
                    yield text_of(part)

    def _labels_of(
        self, name: str, texts: Sequence[str], stated: tuple[str, ...], is_several: bool
    ) -> LabelSet:
        labels = stated or self._choices.labels
        known = self._choices.known_sets.get(name)
        if not labels and known is not None and all(map(known.label_for, texts)):
            return known
        labels = labels or labels_of_values(texts)
        if known is not None and known.names == labels:
            return known
        for stored in self._choices.known_sets.values() if not stated else ():
            is_part = len(labels) > 0 and set(labels) < set(stored.names)
            if is_part and not self._choices.labels:
                return replace(stored, name=name, version=0)
        kind: LabelKind = "several" if is_several else "single"
        return LabelSet(name, tuple(map(SetLabel, labels)), kind)

    def _gold(self, entry: Entry, item: Item) -> str | None:
        """Return the right label; none where the file says that it is not known."""
        values = self._values(entry)
        if not values:
            return None
        start = self.index_base if entry.index_base is None else entry.index_base
        found = [
            find_label(value, item.labels, item.options, start) or self.find_label(value, item)
            for value in values
        ]
        if None in found:
            shown = text_of(values[found.index(None)])[:40]
            self._faults.add(
                entry.place,
                f"the right answer {shown!a} is none of its labels ({', '.join(item.labels[:8])})",
            )
            return None
        named = [label for label in found if label is not None]
        if item.is_several:
            return join_labels(named, item.labels)
        if is_text_of_another(entry.gold_text, named[0], entry.options):
            self._faults.add(entry.place, "names one option as right and gives another's text")
        return named[0]

    def _split(self, entry: Entry) -> Split:
        if self._choices.split:
            return self._choices.split
        stated = SPLITS.get(entry.split.strip().casefold())
        stated = stated or split_of_name(self._path)
        is_scored = bool(entry.answers) or self._source(entry) in BENCHMARKS
        return stated or ("test" if is_scored else "train")


def _index_base(entries: Sequence[Entry]) -> int | None:
    """Return what the first option of the file is numbered, by all right ones."""
    numbers = []
    for entry in entries:
        names = {option.label for option in entry.options}
        golds = _golds(entry) if entry.options else ()
        parts = (part for value in golds for part in parts_of(value) or [text_of(value)])
        for text in map(whole_number, parts):
            if text.isdigit() and text not in names:
                numbers.append((int(text), len(entry.options)))
    return index_base(numbers, default=1) if numbers else None


def _golds(entry: Entry) -> list[Any]:
    return [*entry.gold] if isinstance(entry.gold, list | tuple) else [entry.gold]


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


def _describe_labels(labels: Sequence[str]) -> str:
    found = "no labels" if not labels else f"only the label {labels[0]!a}"
    if len(labels) > MAX_LABELS:
        found = f"{len(labels)} different labels"
    return (
        f"the file has {found} for such items and they need {MIN_LABELS} to {MAX_LABELS}: name "
        "them with --labels FIRST,SECOND, or map the labels to another field"
    )
