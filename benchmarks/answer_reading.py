"""How well and how fast are categories read out of real models' answers?

Reads the answers of ``../shared/data/model_answers`` and compares with the labels that their
authors' parser took, and for two files with the label that each text states, judged from the text
alone without this reader (``answer_labels.json``). PubMedQA's lettered answers are also read as
yes, no and maybe, without knowing which letter stood for which.

    python benchmarks/answer_reading.py
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from operator import eq
from pathlib import Path
from statistics import fmean
from typing import Any

from history import Measured
from measuring import estimated, make_parser, record

from eci.answers.reader import FORMS, READER_VERSION, Reading, read_answer
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.statistics.estimates import NO_ITEMS, proportion

FILES = (
    "QwQ-32B-pubmedqa-test-zero_shot.json",
    "gpt-4o-mini-medqa-test_hard-cot.json",
    "gpt-4o-mini-pubmedqa-test_hard-cot.json",
    "gpt-4o-medqa-test_hard-few_shot.json",
    "gpt-4o-pubmedqa-test_hard-cot.json",
)
STATED = Path(__file__).with_name("answer_labels.json")
"""Numbers of the items by the letter that the text states, judged without this reader."""
ROUNDS = 5
"""Each file is read this often; the fastest round counts, as the machine is shared."""


def main() -> None:
    """Read all files and record the figures."""
    options = make_parser(__doc__, wants_data=True).parse_args()
    figures = [one for name in FILES for one in _measure(options.data / "model_answers" / name)]
    record(__file__, figures, options, rounds=ROUNDS, reader=READER_VERSION)


def _measure(path: Path) -> Iterator[Measured]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    texts = [_text(row) for row in rows]
    label_sets = [LabelSet.from_options(row["options"]) for row in rows]
    readings, seconds = _read(texts, label_sets)
    finished = [pair for pair in zip(readings, rows, strict=True) if pair[0].is_finished]
    agreed = sum(reading.label == row["predicted_answer"] for reading, row in finished)
    past = [
        (len(text) - reading.end, (len(text) - reading.end) / len(text) * _tokens(row))
        for reading, text, row in zip(readings, texts, rows, strict=True)
        if reading.label is not None and reading.end is not None
    ]
    forms = Counter(reading.form for reading in readings)
    what = path.stem
    yield estimated(what, "agreement", proportion(agreed, len(finished), NO_ITEMS))
    stated = load_stated(what)
    if stated:
        right = sum(r.label == stated[str(row["realidx"])] for r, row in finished)
        yield estimated(what, "as stated", proportion(right, len(finished), NO_ITEMS))
    if "pubmedqa" in what:
        names = [row["options"].get(reading.label) for reading, row in finished]
        unlettered = [read_answer(_text(row), PUBMEDQA).label for _, row in finished]
        same = sum(map(eq, names, unlettered))
        yield estimated(what, "letters unknown", proportion(same, len(finished), NO_ITEMS))
    for form in FORMS:
        yield Measured(what, form, forms[form] / len(rows), "share")
    yield Measured(what, "unfinished", len(rows) - len(finished))
    if past:
        yield Measured(what, "characters past", fmean(characters for characters, _ in past))
        yield Measured(what, "tokens past", fmean(tokens for _, tokens in past))
    yield Measured(what, "mean characters", sum(map(len, texts)) / len(texts))
    yield Measured(what, "answers/s", len(texts) / seconds)


def load_stated(what: str) -> dict[str, str]:
    """Return the letter that each text of a file states, by the number of its item."""
    by_letter = json.loads(STATED.read_text(encoding="utf-8")).get(what, {})
    return {str(item): letter for letter, items in by_letter.items() for item in items}


def _text(row: dict[str, Any]) -> str:
    return str(row.get("raw_response") or row["completion"])


def _read(texts: list[str], label_sets: list[LabelSet]) -> tuple[list[Reading], float]:
    fastest = float("inf")
    readings: list[Reading] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        readings = [read_answer(*pair) for pair in zip(texts, label_sets, strict=True)]
        fastest = min(fastest, time.perf_counter() - begin)
    return readings, fastest


def _tokens(row: dict[str, Any]) -> int:
    """Return the completion tokens of the request that wrote the text.

    The counts of the chain-of-thought files seem to include a second request that extracted the
    answer: 4.6 characters a token without its text, few for such prose, and 5.5 with it. That text
    is kept as ``thinking``; its share is taken off.
    """
    tokens = int(row["token_usage"]["completion_tokens"])
    if "thinking" not in row:
        return tokens
    text, extracted = len(row["raw_response"]), len(row["thinking"] or "")
    return round(tokens * text / (text + extracted))


if __name__ == "__main__":
    main()
