"""What texts show of whether an answer's label is right, in numbers.

Of the answer: length, words of doubt and of certainty, how directly the label is given, and how the
label changes along the paragraphs of a text that thinks. Of the item: how long it is, and such
words where its context ends. Nothing here knows the gold label or a model;
:mod:`eci.model.correctness` weighs the numbers. The words are English: in other languages their
shares are 0 and the other numbers remain.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from eci.answers.reader import FORMS, Form, read_answer
from eci.answers.text import find_answer_part
from eci.arrays import FloatArray
from eci.questions.labels import LabelSet

MAX_PARTS: Final = 12
"""Paragraphs of a text; of more, neighbours are joined."""
TAIL_PARTS: Final = 3
_FEW_WORDS: Final = 12
_WORDS: Final = {
    "hedges": r"may|might|could|possibl[ey]|perhaps|maybe|unclear|uncertain|probabl[ey]|likely"
    r"|suggests?|appears?|seems?|inconclusive|depends?",
    "doubts": r"wait|hmm+|however|but|although|though|not sure|unsure|alternatively"
    r"|on the other hand|confus\w+|doubt\w*|tricky|instead|actually",
    "certainty": r"clear(?:ly)?|therefore|thus|definitely|significant(?:ly)?|directly|indeed"
    r"|strong(?:ly)?|support(?:s|ed)?|conclusion|so the answer|should be|must be",
    "negations": r"no|not|never|without|lack|insufficient|limited|\w+n't",
}
_PATTERNS: Final = {
    **{name: re.compile(rf"\b(?:{words})\b") for name, words in _WORDS.items()},
    "questions": re.compile(r"\?"),
    "numbers": re.compile(r"\d+(?:\.\d+)?%?"),
}
"""For a text in lower case: with case ignored they take twice the time."""
_IN_TAIL: Final = ("hedges", "doubts", "certainty", "negations", "questions")
_BREAK: Final = re.compile(r"(?<!\s)\s*\n\s*")
"""From where blank space begins: tried from each of its places, long ones take quadratic time."""
_MARK: Final = re.compile(r"</?think>")

CUES: Final[tuple[str, ...]] = (
    *("words", "parts", "changes", "mention_changes", "agreeing_parts", "agreeing_mentions"),
    *("last_other", "parts_with_label", "labels_mentioned", "doubt_words", "hedge_words"),
    *_PATTERNS,
    *(f"tail_{name}" for name in _IN_TAIL),
    *(f"form_{form}" for form in FORMS),
    "unfinished",
)
"""Names of the numbers, in the order of :func:`cues_of`."""
ITEM_CUES: Final[tuple[str, ...]] = (
    *("question_words", "sections", "context_words", "last_words"),
    *(f"last_{name}" for name in _PATTERNS),
)
"""Names of the numbers, in the order of :func:`item_cues`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One paragraph of a text, and the label it gives.

    Attributes:
        start: First character.
        end: Past the last one.
        label: Which label it states, or names alone; None for none or several.
        mentions: Every label that it puts forward, in order.
    """

    start: int
    end: int
    label: str | None
    mentions: tuple[str, ...]


def read_parts(
    text: str, label_set: LabelSet, aliases: Mapping[str, Sequence[str]] | None = None
) -> tuple[Part, ...]:
    """Read a text paragraph by paragraph, its reasoning trace included.

    Args:
        label_set: The labels allowed for the item.
        aliases: As for :func:`eci.answers.reader.read_answer`.
    """
    found = []
    for start, end in _paragraphs(text):
        reading = read_answer(_MARK.sub(" ", text[start:end]), label_set, aliases)
        mentions = tuple(label for label, _, _ in reading.candidates)
        found.append(Part(start, end, reading.label, mentions))
    return tuple(found)


def cues_of(text: str, label: str, form: Form, parts: Sequence[Part]) -> FloatArray:
    """Return the numbers of one answer, shape ``(len(CUES),)``, finite.

    Args:
        text: What the model wrote; empty where only its label is known.
        parts: What ``read_parts`` found.
    """
    given = [part.label for part in parts if part.label]
    mentions = [name for part in parts for name in part.mentions]
    others = [place for place, part in enumerate(parts, 1) if part.label not in (None, label)]
    num_words = len(text.split())
    counts = _counts(text)
    tail = text[parts[-TAIL_PARTS].start :] if len(parts) >= TAIL_PARTS else text
    in_tail = _counts(tail, _IN_TAIL)
    num_tail = len(tail.split())
    numbers = [
        math.log1p(num_words),
        len(parts),
        _changes(given),
        _changes(mentions),
        _share(given, label),
        _share(mentions, label),
        others[-1] / len(parts) if others else 0.0,
        len(given) / len(parts) if parts else 0.0,
        len(set(mentions)),
        math.log1p(counts["doubts"]),
        math.log1p(counts["hedges"]),
        *(count / max(num_words, _FEW_WORDS) for count in counts.values()),
        *(count / max(num_tail, _FEW_WORDS) for count in in_tail.values()),
        *(float(form == name) for name in FORMS),
        float(not find_answer_part(text).is_finished),
    ]
    return np.array(numbers)


def item_cues(question: str, context: Sequence[str]) -> FloatArray:
    """Return the numbers of an item, shape ``(len(ITEM_CUES),)``, finite.

    Args:
        question: Its question.
        context: The texts of its sections; the last one is where results tend to be.
    """
    last = context[-1] if context else ""
    lengths = [len(text.split()) for text in (question, " ".join(context), last)]
    shares = (count / max(lengths[2], _FEW_WORDS) for count in _counts(last).values())
    of_question, of_context, of_last = np.log1p(lengths)
    return np.array([of_question, len(context), of_context, of_last, *shares])


def final_from(parts: Sequence[Part], label: str) -> float | None:
    """Return after which share of a text its label is stated and never another one again.

    Args:
        parts: What ``read_parts`` found.

    Returns:
        Above 0, up to 1; None where the last paragraph that states a label states another, or none
        does.
    """
    place = None
    for part in parts:
        if part.label == label:
            place = part.end if place is None else place
        elif part.label is not None:
            place = None
    return None if place is None else place / parts[-1].end


def _paragraphs(text: str) -> list[tuple[int, int]]:
    """Return where the paragraphs of a text begin and end; neighbours are joined if many."""
    found, start = [], 0
    for gap in _BREAK.finditer(text):
        if _MARK.sub("", text[start : gap.start()]).strip():
            found.append((start, gap.start()))
            start = gap.end()
    if _MARK.sub("", text[start:]).strip():
        found.append((start, len(text)))
    size = max(1, math.ceil(len(found) / MAX_PARTS))
    groups = [found[i : i + size] for i in range(0, len(found), size)]
    return [(group[0][0], group[-1][1]) for group in groups]


def _counts(text: str, names: Iterable[str] = tuple(_PATTERNS)) -> dict[str, int]:
    lower = text.lower()
    return {name: len(_PATTERNS[name].findall(lower)) for name in names}


def _changes(labels: Sequence[str]) -> int:
    return sum(one != other for one, other in pairwise(labels))


def _share(labels: Sequence[str], label: str) -> float:
    return sum(one == label for one in labels) / len(labels) if labels else 0.5
