"""Choosing the shots of a prompt, from training items only."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Literal

from eci.errors import PromptError
from eci.prompts import Exemplar, Question

Choice = Literal["random", "balanced", "nearest"]


class ExemplarPool:
    """Exemplars to choose from.

    Exemplars are taken from the label set of the question asked; a question is never its own shot.

    Args:
        exemplars: The training items, with their labels.
        choice: ``random``; ``balanced``, which takes the labels in turn; ``nearest``, by cosine of
            TF-IDF vectors of the question and its context.
        seed: The same seed and question give the same shots.
    """

    def __init__(self, exemplars: Sequence[Exemplar], choice: Choice, seed: int) -> None:
        self._by_set: dict[str, list[Exemplar]] = {}
        for exemplar in exemplars:
            self._by_set.setdefault(exemplar.question.label_set.name, []).append(exemplar)
        self._choice = choice
        self._seed = seed
        self._neighbours: dict[str, _Neighbours] = {}

    def choose(self, question: Question, num_shots: int) -> tuple[Exemplar, ...]:
        """Give the shots for one question; of ``nearest`` the best comes last, beside the question.

        Raises:
            PromptError: Fewer exemplars of its label set than shots.
        """
        if num_shots == 0:
            return ()
        pool = self._by_set.get(question.label_set.name, [])
        others = [e for e in pool if _text(e.question) != _text(question)]
        if len(others) < num_shots:
            raise self._too_few(question, num_shots, len(others))
        if self._choice == "nearest":
            return self._nearest(question, others, num_shots)
        return self._drawn(_text(question), others, num_shots)

    def choose_shared(self, question: Question, num_shots: int) -> tuple[Exemplar, ...]:
        """Give the shots that all questions of its label set share: they are prefilled once.

        Only a question that is among them gets another one in its own place.

        Raises:
            PromptError: Fewer exemplars of its label set than shots.
        """
        if num_shots == 0:
            return ()
        pool = self._by_set.get(question.label_set.name, [])
        shared = self._drawn("", pool, min(num_shots + 1, len(pool)))
        others = [e for e in shared if _text(e.question) != _text(question)]
        if len(others) < num_shots:
            raise self._too_few(question, num_shots, len(others))
        return tuple(others[:num_shots])

    def _too_few(self, question: Question, num_shots: int, found: int) -> PromptError:
        return PromptError(
            f"{num_shots} shots were asked for question "
            f"{question.question_id or question.question[:60]!r}, but there are only {found} other "
            f"training items with label set {question.label_set.name!r}. "
            "Use fewer shots or add training items."
        )

    def _drawn(self, key: str, pool: Sequence[Exemplar], num_shots: int) -> tuple[Exemplar, ...]:
        digest = hashlib.sha256(f"{self._seed}:{key}".encode()).digest()
        shuffled = list(pool)
        random.Random(digest).shuffle(shuffled)  # noqa: S311 - no secret hangs on it
        if self._choice == "random":
            return tuple(shuffled[:num_shots])
        waiting: dict[str, list[Exemplar]] = {}
        for exemplar in shuffled:
            waiting.setdefault(exemplar.label, []).append(exemplar)
        queues = list(waiting.values())
        chosen: list[Exemplar] = []
        while len(chosen) < num_shots:
            queue = queues.pop(0)
            chosen.append(queue.pop())
            if queue:
                queues.append(queue)
        return tuple(chosen)

    def _nearest(
        self, question: Question, others: Sequence[Exemplar], num_shots: int
    ) -> tuple[Exemplar, ...]:
        name = question.label_set.name
        if name not in self._neighbours:
            self._neighbours[name] = _Neighbours(self._by_set[name])
        allowed = {id(exemplar) for exemplar in others}
        ranked = (e for e in self._neighbours[name].rank(question) if id(e) in allowed)
        nearest = [exemplar for exemplar, _ in zip(ranked, range(num_shots), strict=False)]
        return tuple(reversed(nearest))


class _Neighbours:
    def __init__(self, exemplars: Sequence[Exemplar]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._exemplars = exemplars
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
        self._matrix = self._vectorizer.fit_transform([_text(e.question) for e in exemplars])

    def rank(self, question: Question) -> list[Exemplar]:
        """Give all exemplars, nearest first."""
        similarity = (self._matrix @ self._vectorizer.transform([_text(question)]).T).toarray()
        order = (-similarity.ravel()).argsort(kind="stable")
        return [self._exemplars[int(i)] for i in order]


def _text(question: Question) -> str:
    return "\n".join([question.question, *(text for _, text in question.context)])
