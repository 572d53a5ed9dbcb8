"""Which answers count as categories, and whether an answer accepts a gold label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from db.records import labels_in
from db.review.agreement import Answer
from eci.statistics.agreement import masi_distances
from eci.statistics.ordinal import ordinal_distances
from training.evaluation.agreement.figures import Answers


def gold_answer(gold: str) -> Answer:
    """Return a gold label as the answer that says exactly it: its labels, sorted."""
    return tuple(sorted(labels_in(gold)))


def is_accepted(gold: str | None, answer: Answer) -> bool:
    """Return whether an answer accepts a gold label: holds it or, of a set, is the same set."""
    return gold is not None and (gold in answer or gold_answer(gold) == answer)


@dataclass(frozen=True)
class Categories:
    """The answers that count as categories, in order; all others are left out."""

    places: Mapping[Answer, int]
    distances: npt.NDArray[np.float64] | None

    @classmethod
    def of(cls, labels: Sequence[str], said: Iterable[Answer], answers: Answers) -> Categories:
        """Return every allowed label and, with ``sets``, every other answer given."""
        single: list[Answer] = [(label,) for label in labels]
        if answers != "sets":
            return cls({answer: place for place, answer in enumerate(single)}, None)
        others = sorted(set(said) - set(single), key=lambda answer: (len(answer), answer))
        known = [*single, *others]
        places = {answer: place for place, answer in enumerate(known)}
        return cls(places, masi_distances(known))

    def with_ranks(self, items: Iterable[Sequence[Answer]]) -> Categories:
        """Return the categories with the distances of their order, by how often each is given."""
        counts = self.count(items)
        paired = counts[counts.sum(axis=1) >= 2].sum(axis=0)
        return replace(self, distances=ordinal_distances(paired))

    def count(self, items: Iterable[Sequence[Answer]]) -> npt.NDArray[np.int64]:
        """Count the answers to each item, shape ``(n_items, n_categories)``."""
        counted = [self._count_one(answers) for answers in items]
        return np.array(counted, dtype=np.int64).reshape(len(counted), len(self.places))

    def _count_one(self, answers: Sequence[Answer]) -> list[int]:
        counts = [0] * len(self.places)
        for answer in answers:
            if answer in self.places:
                counts[self.places[answer]] += 1
        return counts

    def table(self, pairs: Iterable[tuple[Answer, Answer, int]]) -> npt.NDArray[np.int64]:
        """Count pairs of answers, shape ``(n_categories, n_categories)``."""
        table = np.zeros((len(self.places), len(self.places)), dtype=np.int64)
        for one, other, num_items in pairs:
            if one in self.places and other in self.places:
                table[self.places[one], self.places[other]] += num_items
        return table

    def against_rest(self, counts: npt.NDArray[np.int64], label: str) -> npt.NDArray[np.int64]:
        """Reduce counts to answers with and without a label, shape ``(n_items, 2)``."""
        has_label = np.array([label in answer for answer in self.places], dtype=bool)
        return np.stack(
            [counts[:, has_label].sum(axis=1), counts[:, ~has_label].sum(axis=1)], axis=1
        )
