"""Which overlap tells repeated questions from different ones, and how fast is the search?

Reads PubMedQA and MedQA from ``../shared/data``.

    python benchmarks/repeated_questions.py
"""

from __future__ import annotations

import json
import random
import re
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from history import Measured
from measuring import make_parser, record

from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.near_duplicates import (
    DUPLICATE_OVERLAP,
    MIN_SHARED,
    DuplicateIndex,
    find_duplicates,
    words,
)
from eci.questions.prompts import Question

SEED = 0
RNG = random.Random(SEED)  # noqa: S311


def main() -> None:
    """Compare, time and record the figures."""
    options = make_parser(__doc__, wants_data=True).parse_args()
    pubmedqa, medqa = _pubmedqa(options.data), _medqa(options.data)
    figures = [*_different(pubmedqa, medqa), *_repeated(pubmedqa, medqa), *_speed(pubmedqa)]
    record(
        __file__,
        figures,
        options,
        threshold=DUPLICATE_OVERLAP,
        min_shared_5_grams=MIN_SHARED,
        seed=SEED,
    )


def _pubmedqa(data: Path) -> list[Question]:
    items = json.loads((data / "pubmedqa" / "ori_pqal.json").read_text())
    return [
        Question(
            fields["QUESTION"],
            tuple(zip(fields["LABELS"], fields["CONTEXTS"], strict=True)),
            PUBMEDQA,
            pmid,
        )
        for pmid, fields in items.items()
    ]


def _medqa(data: Path) -> list[Question]:
    lines = (data / "medqa_usmle" / "medqa_us_4options_even.jsonl").read_text().splitlines()
    rows = map(json.loads, lines)
    return [
        Question(row["question"], (), LabelSet.from_options(row["options"]), str(row["realidx"]))
        for row in rows
    ]


def _different(pubmedqa: Sequence[Question], medqa: Sequence[Question]) -> Iterator[Measured]:
    """Overlap of each item with the one most like it, and pairs that count as repeated."""
    sets = {
        "PubMedQA, whole": pubmedqa,
        "PubMedQA, contexts cut to 60 words": [q.with_context_words(60) for q in pubmedqa],
        "PubMedQA, without context": [q.with_context_words(0) for q in pubmedqa],
        "MedQA-USMLE": medqa,
    }
    for name, questions in sets.items():
        # Every overlap above zero, whatever counts as a repetition.
        index, everything = DuplicateIndex(questions), DuplicateIndex(questions, 1e-9, 1)
        most = np.zeros(len(questions))
        pairs: list[float] = []
        for i, question in enumerate(questions):
            others = [overlap for j, overlap in everything.find(question) if j != i]
            most[i] = max(others, default=0.0)
            pairs += [overlap for j, overlap in index.find(question) if j > i]
        found = ", ".join(f"{overlap:.2f}" for overlap in sorted(pairs))
        median, high = map(float, np.quantile(most, [0.5, 0.99]))
        for measure, figure in (
            ("median", median),
            ("99 %", high),
            ("highest", float(most.max())),
            ("pairs found", len(pairs)),
        ):
            yield Measured(
                *(name, measure, figure, "", len(questions)),
                section="Different items, each with the one most like it",
                note=f"overlaps of the pairs: {found}" if pairs else "",
            )


def _repeated(pubmedqa: Sequence[Question], medqa: Sequence[Question]) -> Iterator[Measured]:
    """Overlap of items with altered copies of themselves, beside Jaccard's index."""
    vocabulary = [word for question in pubmedqa for word in words(question)]

    def reworded(share: float) -> Callable[[Question], Question]:
        def edit(text: str) -> str:
            return " ".join(
                RNG.choice(vocabulary) if RNG.random() < share else word for word in text.split()
            )

        return lambda q: replace(
            q, question=edit(q.question), context=tuple((h, edit(t)) for h, t in q.context)
        )

    variants: dict[str, tuple[Sequence[Question], Callable[[Question], Question]]] = {
        "PubMedQA, context cut to 60 words": (pubmedqa, lambda q: q.with_context_words(60)),
        "PubMedQA, context left out": (pubmedqa, lambda q: q.with_context_words(0)),
        "PubMedQA, sentences in random order": (pubmedqa, _reordered),
        "MedQA, options in random order": (medqa, _with_other_options),
    }
    for share in (0.05, 0.1, 0.15):
        edit = reworded(share)
        variants[f"PubMedQA, {share:.0%} of words replaced"] = (pubmedqa, edit)
        variants[f"PubMedQA, cut to 60 words, {share:.0%} replaced"] = (
            pubmedqa,
            lambda q, edit=edit: edit(q.with_context_words(60)),  # type: ignore[misc]
        )
        variants[f"MedQA, {share:.0%} of words replaced"] = (medqa, edit)
    for name, (questions, vary) in variants.items():
        copies = [vary(question) for question in questions]
        pairs = list(zip(copies, questions, strict=True))
        overlaps = [DuplicateIndex([q], 1e-9, 1).find(copy) for copy, q in pairs]
        values = np.array([found[0][1] if found else 0.0 for found in overlaps])
        missed = sum(not DuplicateIndex([q]).find(copy) for copy, q in pairs)
        low, median = map(float, np.quantile(values, [0.01, 0.5]))
        for measure, figure in (
            ("lowest", float(values.min())),
            ("1 %", low),
            ("median", median),
            ("missed", missed),
        ):
            yield Measured(
                *(name, measure, figure, "", len(pairs)),
                section="Items and altered copies of themselves",
            )


def _reordered(question: Question) -> Question:
    text = " ".join(text for _, text in question.context)
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return replace(question, context=(("", " ".join(RNG.sample(sentences, len(sentences)))),))


def _with_other_options(question: Question) -> Question:
    labels = question.label_set
    texts = [label.text for label in labels]
    shuffled = zip(labels.names, RNG.sample(texts, len(texts)), strict=True)
    return replace(question, label_set=LabelSet.from_options(dict(shuffled)))


def _speed(pubmedqa: Sequence[Question]) -> Iterator[Measured]:
    """Time of one search; the large texts are sentences of PubMedQA in new company."""
    sentences = [
        sentence
        for question in pubmedqa
        for _, text in question.context
        for sentence in re.split(r"(?<=[.!?])\s+", text)
    ]

    def compose(number: int) -> Question:
        context = " ".join(RNG.choices(sentences, k=8))
        return Question(RNG.choice(pubmedqa).question, (("", context),), PUBMEDQA, str(number))

    large = [compose(number) for number in range(20_000)]
    for name, asked, originals in (
        ("1,000 PubMedQA items in 1,000", pubmedqa, pubmedqa),
        ("10,000 composed texts in 10,000", large[:10_000], large[10_000:]),
    ):
        begin = time.perf_counter()
        found = find_duplicates(asked, originals)
        seconds = time.perf_counter() - begin
        yield Measured(name, "time", seconds, "s", section="Speed")
        yield Measured(name, "found", len(found), section="Speed")
    length = float(np.mean([len(words(question)) for question in large[:500]]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    yield Measured("a composed text, mean", "words", length, section="Speed")
    yield Measured("the whole process, texts included", "peak memory", peak, "MB", section="Speed")


if __name__ == "__main__":
    main()
