"""What the entries of a file hold of an item: answers of models, and annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from db.content.imported_labels import ImportedLabel
from db.errors import DbError
from db.importers.assembly.item_maker import ItemMaker
from db.importers.assembly.opinions import imported_label
from db.importers.entries import Answer, Entry
from db.importers.faults import FaultList
from db.importers.label_reading import find_label, label_of_file, parts_of
from db.importers.paths import nested, text_of
from db.records import Item, Prediction, join_labels

_TOLERANCE: Final = 0.01
"""How far from 1 probabilities may sum: files round them."""


class AnswerMaker:
    """Makes the predictions and annotations of one file; what is odd is counted in ``notes``."""

    def __init__(self, faults: FaultList, items: ItemMaker, notes: Counter[str]) -> None:
        """Set what the items of the file are made by."""
        self._faults, self._items, self._notes = faults, items, notes

    def prediction(
        self, entry: Entry, answer: Answer, item_id: str, item: Item | None
    ) -> Prediction:
        """Return an answer as a prediction, whose run is still to be named."""
        label = self._answer_label(entry, answer, item)
        if label is None and text_of(answer.label) and item is not None:
            self._notes["labels of answers that are none of their items' and were left out"] += 1
        probabilities = self._probabilities(entry, answer, item)
        head = label_of_file(answer.head_label)
        if probabilities is not None and item is not None:
            head = _most_probable(item, probabilities)
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

    def annotations(self, entry: Entry, item_id: str, item: Item | None) -> list[ImportedLabel]:
        """Return what annotators say of an entry; what cannot be stored is a fault."""
        made = []
        for opinion in entry.opinions:
            given = [value for value in opinion.labels if text_of(value)]
            found: list[Any] = given
            if item is not None:
                found = [self._items.find_label(value, item) for value in given]
            if None in found:
                shown = text_of(given[found.index(None)])[:40]
                self._faults.add(entry.place, f"the label {shown!a} is none of the item's")
                continue
            if item is not None:
                found = [label for label in item.labels if label in found]
            try:
                made.append(imported_label(opinion, item_id, [str(value) for value in found]))
            except (DbError, ValueError, TypeError, KeyError) as error:
                self._faults.add(entry.place, str(error))
        return made

    def _answer_label(self, entry: Entry, answer: Answer, item: Item | None) -> str | None:
        value = answer.label
        if item is None:
            return label_of_file(value)
        if item.is_several:
            return self._answer_set(value, item)
        if isinstance(value, list | tuple):
            value = value[0] if len(value) == 1 else None
        if entry.options and not item.options:
            letters = [option.label for option in entry.options]
            letter = find_label(value, letters, entry.options, self._items.index_base)
            texts = {option.label: option.text for option in entry.options}
            value = texts.get(letter or "", value)
        return self._items.find_label(value, item)

    def _answer_set(self, value: Any, item: Item) -> str | None:
        """Return the set of labels that a value names; None where a part is no label."""
        given = nested(value)
        whole = None if isinstance(given, list | tuple) else self._items.find_label(given, item)
        values = [given] if whole else [*given] if isinstance(given, list) else parts_of(given)
        found = [self._items.find_label(part, item) for part in values]
        labels = [label for label in found if label is not None]
        return join_labels(labels, item.labels) if len(labels) == len(found) else None

    def _probabilities(
        self, entry: Entry, answer: Answer, item: Item | None
    ) -> tuple[float, ...] | None:
        """Return the probabilities in the order of the item's labels; of one right label sum 1."""
        given = answer.probabilities
        if given is None or item is None:
            return given if isinstance(given, tuple) and answer.run_id else None
        if isinstance(given, Mapping):
            named = {self._items.find_label(name, item): value for name, value in given.items()}
            given = tuple(named.get(label, 0.0) for label in item.labels)
        if (
            item.is_several
            and len(given) == len(item.labels)
            and 0 <= min(given) <= max(given) <= 1
        ):
            return given
        total = sum(given)
        if len(given) != len(item.labels) or min(given) < 0 or abs(total - 1) > _TOLERANCE:
            self._faults.add(
                entry.place,
                f"{len(given)} probabilities do not sum to 1 over its {len(item.labels)} labels",
            )
            return None
        if abs(total - 1) > 1e-9:
            self._notes["answers with probabilities rescaled to sum to 1"] += 1
        return tuple(value / total for value in given)


def _most_probable(item: Item, probabilities: tuple[float, ...]) -> str:
    """Return the most probable label; of sets every label more likely right than not, or it."""
    best = item.labels[max(range(len(probabilities)), key=probabilities.__getitem__)]
    if not item.is_several:
        return best
    likely = [label for label, p in zip(item.labels, probabilities, strict=True) if p >= 0.5]
    return join_labels(likely or [best], item.labels) or best


def _stops_while_thinking(text: str) -> bool:
    _, opened, rest = text.rpartition("<think>")
    return bool(opened) and "</think>" not in rest
