"""Which overlap tells repeated questions from different ones, and how fast is the search?

Reads PubMedQA and MedQA from ``../shared/data``, prints the tables and writes them to
``benchmarks/results/repeated_questions.md``.

    python benchmarks/repeated_questions.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from eci.labels import PUBMEDQA, LabelSet
from eci.near_duplicates import (
    DUPLICATE_OVERLAP,
    MIN_SHARED,
    DuplicateIndex,
    find_duplicates,
    words,
)
from eci.prompts import Question

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "repeated_questions.md"
SEED = 0
RNG = random.Random(SEED)  # noqa: S311


def main() -> int:
    """Make the tables; exit code 2 where the data are absent."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data = parser.parse_args().data
    if not data.is_dir():
        print(f"No folder {data}. Pass the data folder with --data.", file=sys.stderr)
        return 2
    pubmedqa, medqa = _pubmedqa(data), _medqa(data)
    parts = [
        "# Repeated questions",
        _different(pubmedqa, medqa),
        _repeated(pubmedqa, medqa),
        _speed(pubmedqa),
        f"Made by `python benchmarks/repeated_questions.py`, seed {SEED}, threshold "
        f"{DUPLICATE_OVERLAP}, at least {MIN_SHARED} shared 5-grams; Python "
        f"{platform.python_version()}, {os.cpu_count()} cores, one used, load average "
        f"{os.getloadavg()[0]:.1f} from other work.",
    ]
    text = "\n\n".join(parts)
    print(text)
    RESULT.write_text(f"{text}\n", encoding="utf-8")
    return 0


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


def _different(pubmedqa: Sequence[Question], medqa: Sequence[Question]) -> str:
    """Overlap of each item with the one most like it, and pairs that count as repeated."""
    rows = ["| items | n | median | 99 % | highest | pairs found |", "|---|---|---|---|---|---|"]
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
        found = ", ".join(f"{overlap:.2f}" for overlap in sorted(pairs)) or "none"
        median, high = np.quantile(most, [0.5, 0.99])
        figures = f"{len(questions)} | {median:.2f} | {high:.2f} | {most.max():.2f}"
        rows.append(f"| {name} | {figures} | {found} |")
    return "Different items, each with the one most like it:\n\n" + "\n".join(rows)


def _repeated(pubmedqa: Sequence[Question], medqa: Sequence[Question]) -> str:
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
    rows = ["| copy | n | lowest | 1 % | median | missed |", "|---|---|---|---|---|---|"]
    for name, (questions, vary) in variants.items():
        copies = [vary(question) for question in questions]
        pairs = list(zip(copies, questions, strict=True))
        overlaps = [DuplicateIndex([q], 1e-9, 1).find(copy) for copy, q in pairs]
        values = np.array([found[0][1] if found else 0.0 for found in overlaps])
        missed = sum(not DuplicateIndex([q]).find(copy) for copy, q in pairs)
        low, median = np.quantile(values, [0.01, 0.5])
        rows.append(
            f"| {name} | {len(pairs)} | {values.min():.2f} | {low:.2f} | {median:.2f} | {missed} |"
        )
    return "Items and altered copies of themselves:\n\n" + "\n".join(rows)


def _reordered(question: Question) -> Question:
    text = " ".join(text for _, text in question.context)
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return replace(question, context=(("", " ".join(RNG.sample(sentences, len(sentences)))),))


def _with_other_options(question: Question) -> Question:
    labels = question.label_set
    texts = [label.text for label in labels]
    shuffled = zip(labels.names, RNG.sample(texts, len(texts)), strict=True)
    return replace(question, label_set=LabelSet.from_options(dict(shuffled)))


def _speed(pubmedqa: Sequence[Question]) -> str:
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
    rows = ["| search | seconds | found |", "|---|---|---|"]
    for name, asked, originals in (
        ("1,000 PubMedQA items in 1,000", pubmedqa, pubmedqa),
        ("10,000 composed texts in 10,000", large[:10_000], large[10_000:]),
    ):
        begin = time.perf_counter()
        found = find_duplicates(asked, originals)
        rows.append(f"| {name} | {time.perf_counter() - begin:.2f} | {len(found)} |")
    length = np.mean([len(words(question)) for question in large[:500]])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return "\n".join(rows) + (
        f"\n\nThe composed texts have {length:.0f} words on average. Peak memory of the whole "
        f"process, texts included: {peak} MB."
    )


if __name__ == "__main__":
    sys.exit(main())
