"""Questions that repeat one another: copied, cut, reordered or lightly reworded.

A shot that repeats a test question gives its answer away, even where it shows only the beginning of
its context. Texts are therefore compared by the share of the shorter one's word 5-grams that the
longer one has too. The comparison is exact and needs no sampling: an inverted index answers it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eci.errors import DuplicateError
from eci.questions.prompts import Exemplar, Question

SHINGLE_WORDS: Final = 5

DUPLICATE_OVERLAP: Final = 0.35
"""From this overlap on, one question repeats the other; docs/eci_library.md has the figures."""

MIN_SHARED: Final = 4
"""Fewer shared 5-grams, that is eight words in a row, are a turn of phrase, unless they are all of
the shorter text."""

_WORD: Final = re.compile(r"\w+")
_NUM_NAMED: Final = 20
_BATCH: Final = 1_000
"""Questions looked up together."""

_Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A question that repeats another.

    Attributes:
        question: The one looked up.
        original: The one it repeats most.
        overlap: Share of the shorter one's word 5-grams that both have, in [0, 1].
    """

    question: Question
    original: Question
    overlap: float


class DuplicateIndex:
    """Questions, ready to be searched for those that another question repeats.

    Texts shorter than five words match only their like. Case, punctuation, section headings and the
    letters of options do not count.

    Args:
        questions: Searched by :meth:`find`. 10,000 abstracts take about 30 MB.
        threshold: Overlap from which on a question is found, in (0, 1].
        min_shared: Fewer shared 5-grams do not count, unless the shorter text has no others.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        threshold: float = DUPLICATE_OVERLAP,
        min_shared: int = MIN_SHARED,
    ) -> None:
        shingles = [_shingles(question) for question in questions]
        self._threshold = threshold
        self._min_shared = min_shared
        self._sizes = np.array([len(mine) for mine in shingles], dtype=np.int64)
        owners = np.repeat(np.arange(len(shingles), dtype=np.int32), self._sizes)
        keys = np.concatenate([np.empty(0, np.int64), *shingles])
        order = keys.argsort(kind="stable")
        self._keys, self._owners = keys[order], owners[order]

    def find(self, question: Question) -> list[tuple[int, float]]:
        """Return the position and overlap of each question that this one repeats, most alike first.

        Questions that overlap alike come in the order in which they were given.
        """
        return next(self.find_each([question]))

    def find_each(self, questions: Sequence[Question]) -> Iterator[list[tuple[int, float]]]:
        """Yield for each question in turn what :meth:`find` returns.

        The shingles of many are looked up in ascending order: one at a time misses every cache.
        """
        for start in range(0, len(questions), _BATCH):
            shingles = [_shingles(question) for question in questions[start : start + _BATCH]]
            keys, ends = np.concatenate(shingles), np.cumsum([len(mine) for mine in shingles])[:-1]
            order = keys.argsort()
            first, after = np.empty_like(order), np.empty_like(order)
            first[order] = np.searchsorted(self._keys, keys[order], "left")
            after[order] = np.searchsorted(self._keys, keys[order], "right")
            yield from map(self._found, np.split(first, ends), np.split(after - first, ends))

    def _found(self, first: _Integers, counts: _Integers) -> list[tuple[int, float]]:
        """Return what shares enough of a question's shingles, whose entries begin at ``first``."""
        # Positions of all entries of these shingles: count up from the first one of each.
        offsets = np.repeat(first - counts.cumsum() + counts, counts)
        if not len(offsets):
            return []
        shared = self._owners[offsets + np.arange(len(offsets))]
        # Only those that share anything, so that a search does not grow with all questions.
        positions, both = np.unique(shared, return_counts=True)
        shorter = np.minimum(self._sizes[positions], len(first))
        overlap = both / shorter
        is_phrase = both < np.minimum(shorter, self._min_shared)
        found = np.flatnonzero((overlap >= self._threshold) & ~is_phrase)
        ranked = found[np.argsort(-overlap[found], kind="stable")]
        return [(int(positions[i]), float(overlap[i])) for i in ranked]


def find_duplicates(
    questions: Sequence[Question],
    originals: Sequence[Question],
    threshold: float = DUPLICATE_OVERLAP,
) -> list[Duplicate]:
    """List the questions that repeat one of the originals, each with the one it repeats most."""
    index = DuplicateIndex(originals, threshold)
    return [
        Duplicate(question, originals[matches[0][0]], matches[0][1])
        for question, matches in zip(questions, index.find_each(questions), strict=True)
        if matches
    ]


def refuse_duplicates(exemplars: Sequence[Exemplar], forbidden: Sequence[Question]) -> None:
    """Refuse exemplars that repeat a question whose answer they must not give away.

    Args:
        exemplars: Fit to be shots, so far.
        forbidden: Such as the test split.

    Raises:
        DuplicateError: Names the exemplars that do, and what each repeats.
    """
    found = find_duplicates([exemplar.question for exemplar in exemplars], forbidden)
    if not found:
        return
    named = "; ".join(
        f"{_name(pair.question)} repeats {_name(pair.original)} (overlap {pair.overlap:.2f})"
        for pair in found[:_NUM_NAMED]
    )
    more = f"; and {len(found) - _NUM_NAMED} more" if len(found) > _NUM_NAMED else ""
    raise DuplicateError(
        f"{len(found)} of {len(exemplars)} exemplars repeat a question that no shot may repeat "
        f"(overlap of {DUPLICATE_OVERLAP} or more): {named}{more}. Take them out of the exemplars."
    )


def words(question: Question) -> list[str]:
    """Return the words of question, context and option texts, without case and punctuation."""
    options = (label.text for label in question.label_set)
    text = "\n".join([question.question, *(text for _, text in question.context), *options])
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _shingles(question: Question) -> _Integers:
    """Hash each run of five words once; a text without words is hashed whole."""
    found = words(question) or [question.question.strip()]
    starts = range(max(1, len(found) - SHINGLE_WORDS + 1))
    hashes = {hash(tuple(found[start : start + SHINGLE_WORDS])) for start in starts}
    return np.fromiter(hashes, np.int64, len(hashes))


def _name(question: Question) -> str:
    return repr(question.question_id or question.question[:60])
