"""Choosing the shots of a prompt, from training items only."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Final, Literal, TypeVar, get_args

from eci.errors import PromptError
from eci.questions.near_duplicates import DuplicateIndex, refuse_duplicates, words
from eci.questions.prompts import Exemplar, Question

Choice = Literal["random", "balanced", "nearest"]
CHOICES: Final[tuple[Choice, ...]] = get_args(Choice)

_T = TypeVar("_T")


class ExemplarPool:
    """Exemplars to choose from.

    Shots have the label set of the question asked. A question never gets itself as a shot, nor an
    exemplar that repeats it (see :mod:`eci.questions.near_duplicates`): the shot would
    give its answer away.
    The same seed, question and exemplars give the same shots, in whatever order the exemplars come.

    Args:
        exemplars: The training items, with their labels.
        choice: ``random``; ``balanced``, where the labels take turns in an order drawn for each
            question, so that their counts differ by one at most while each has exemplars left;
            ``nearest``, by cosine of TF-IDF vectors of question, context and options.
        seed: Decides what is drawn.
        forbidden: Questions that no exemplar may repeat, such as the test split.

    Raises:
        DuplicateError: Exemplars repeat forbidden questions; it names them.
    """

    def __init__(
        self,
        exemplars: Sequence[Exemplar],
        choice: Choice,
        seed: int,
        *,
        forbidden: Sequence[Question] = (),
    ) -> None:
        if choice not in CHOICES:
            raise ValueError(f"Choice {choice!r} is unknown. Known: {', '.join(CHOICES)}.")
        refuse_duplicates(exemplars, forbidden)
        by_set: dict[object, list[Exemplar]] = {}
        for exemplar in exemplars:
            by_set.setdefault(_kind(exemplar.question), []).append(exemplar)
        self._shelves = {kind: _Shelf(members) for kind, members in by_set.items()}
        self._choice = choice
        self._seed = seed

    def choose(self, question: Question, num_shots: int) -> tuple[Exemplar, ...]:
        """Return the shots for one question; of ``nearest`` the best comes last, next to the
        question.

        Raises:
            PromptError: Fewer exemplars of its label set than shots.
        """
        return self._choose(question, num_shots, key=" ".join(words(question)))

    def choose_shared(self, question: Question, num_shots: int) -> tuple[Exemplar, ...]:
        """Return the shots that all questions of its label set share: they are prefilled once.

        Only a question that one of them repeats gets another one instead. ``nearest`` has no
        shots to share and draws as ``balanced`` does.

        Raises:
            PromptError: Fewer exemplars of its label set than shots.
        """
        return self._choose(question, num_shots, key=None)

    def _choose(self, question: Question, num_shots: int, key: str | None) -> tuple[Exemplar, ...]:
        if num_shots == 0:
            return ()
        shelf = self._shelves.get(_kind(question), _Shelf([]))
        repeated = shelf.find_repeated(question)
        if len(shelf.exemplars) - len(repeated) < num_shots:
            raise self._too_few(question, num_shots, len(shelf.exemplars), len(repeated))
        drawn: Iterator[int]
        if self._choice == "nearest" and key is not None:
            drawn = (i for i in shelf.neighbours.rank(question) if i not in repeated)
            return tuple(shelf.exemplars[i] for i in islice(drawn, num_shots))[::-1]
        if self._choice == "random":
            everything = range(len(shelf.exemplars))
            drawn = (i for i in _drawn(everything, self._random(key)) if i not in repeated)
        else:
            drawn = self._in_turn(shelf, repeated, key)
        return tuple(shelf.exemplars[i] for i in islice(drawn, num_shots))

    def _in_turn(self, shelf: _Shelf, repeated: set[int], key: str | None) -> Iterator[int]:
        """Draw from each label in turn; a label with nothing left is passed over."""
        # Each label draws for itself: an exemplar left out changes no other label's shots.
        labels = sorted(shelf.by_label)
        self._random(key).shuffle(labels)
        draws = (_drawn(shelf.by_label[x], self._random(f"{key}\n{x}")) for x in labels)
        queues = [(i for i in draw if i not in repeated) for draw in draws]
        while queues:
            heads = [(queue, next(queue, None)) for queue in queues]
            yield from (head for _, head in heads if head is not None)
            queues = [queue for queue, head in heads if head is not None]

    def _random(self, key: str | None) -> random.Random:
        digest = hashlib.sha256(f"{self._seed}:{key}".encode(errors="replace")).digest()
        return random.Random(digest)  # noqa: S311 - no secret hangs on it

    @staticmethod
    def _too_few(question: Question, num_shots: int, found: int, num_repeated: int) -> PromptError:
        labels = question.label_set
        but = f", {num_repeated} of which repeat the question itself" if num_repeated else ""
        return PromptError(
            f"{num_shots} shots were asked for question "
            f"{question.question_id or question.question[:60]!r}, but there are only {found} "
            f"exemplars with label set {labels.name!r}{but}. Use fewer shots or add exemplars."
        )


class _Shelf:
    """The exemplars of one label set, in an order that depends on nothing but themselves."""

    def __init__(self, exemplars: Sequence[Exemplar]) -> None:
        self.exemplars = sorted(exemplars, key=_sort_key)
        self.by_label: dict[str, list[int]] = {}
        self._by_id: dict[str, set[int]] = {}
        for i, exemplar in enumerate(self.exemplars):
            self.by_label.setdefault(exemplar.label, []).append(i)
            if exemplar.question.question_id:
                self._by_id.setdefault(exemplar.question.question_id, set()).add(i)

    def find_repeated(self, question: Question) -> set[int]:
        """Return the positions of exemplars that are this question or repeat it."""
        alike = {position for position, _ in self._duplicates.find(question)}
        return alike | self._by_id.get(question.question_id, set())

    @cached_property
    def _duplicates(self) -> DuplicateIndex:
        return DuplicateIndex([exemplar.question for exemplar in self.exemplars])

    @cached_property
    def neighbours(self) -> _Neighbours:
        """Return the index of neighbours, built on first use."""
        return _Neighbours([exemplar.question for exemplar in self.exemplars])


class _Neighbours:
    def __init__(self, questions: Sequence[Question]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        # Our own words, so that no text is left without any: "Is it?" has only stop words.
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer=_terms)
        self._matrix = self._vectorizer.fit_transform(questions)

    def rank(self, question: Question) -> list[int]:
        """Return all positions, nearest first; equals in order of position."""
        similarity = (self._matrix @ self._vectorizer.transform([question]).T).toarray()
        return [int(i) for i in (-similarity.ravel()).argsort(kind="stable")]


def _terms(question: Question) -> list[str]:
    return words(question) or [question.question]


def _kind(question: Question) -> object:
    """Return label sets apart: the options of all items count as one, whatever they say."""
    labels = question.label_set
    return labels.name if labels.is_options else (labels.name, labels.names)


def _sort_key(exemplar: Exemplar) -> tuple[str, ...]:
    question = exemplar.question
    options = (label.text for label in question.label_set)
    context = (part for section in question.context for part in section)
    return (
        question.question_id,
        question.question,
        exemplar.label,
        exemplar.rationale,
        "\n".join(context),
        "\n".join(options),
    )


def _drawn(items: Sequence[_T], rng: random.Random) -> Iterator[_T]:
    """Yield items in random order, at a cost for each one drawn and not for each one there."""
    moved: dict[int, int] = {}
    for last in range(len(items) - 1, -1, -1):
        i = rng.randint(0, last)
        yield items[moved.get(i, i)]
        moved[i] = moved.pop(last, last)
