"""How well and how fast are categories read out of real models' answers?

Reads the answers of ``../shared/data/model_answers``, compares with the labels that their authors'
parser took, prints one table and writes it to ``benchmarks/results/answer_reading.md``.

    python benchmarks/answer_reading.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from eci.answers import FORMS, READER_VERSION, Reading, read_answer, redundancy
from eci.estimates import NO_ITEMS, proportion
from eci.labels import LabelSet

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "answer_reading.md"
FILES = (
    "QwQ-32B-pubmedqa-test-zero_shot.json",
    "gpt-4o-mini-medqa-test_hard-cot.json",
    "gpt-4o-mini-pubmedqa-test_hard-cot.json",
)
ROUNDS = 5
"""Each file is read this often; the fastest round counts, as the machine is shared."""


def main() -> int:
    """Make the table; exit code 2 where the data are absent."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    folder = parser.parse_args().data / "model_answers"
    if not folder.is_dir():
        print(f"No answers in {folder}. Pass the data folder with --data.", file=sys.stderr)
        return 2
    table = "\n".join([*_head(), *(_row(folder / name) for name in FILES)])
    print(table)
    RESULT.write_text(f"# Reading answers\n\n{table}\n\n{_notes()}\n", encoding="utf-8")
    return 0


def _head() -> list[str]:
    names = [
        "file",
        "n finished",
        "agreement",
        "95 % interval",
        *FORMS,
        "unfinished",
        "characters past",
        "tokens past",
        "mean characters",
        "answers/s",
    ]
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def _row(path: Path) -> str:
    rows = json.loads(path.read_text(encoding="utf-8"))
    texts = [row.get("raw_response") or row["completion"] for row in rows]
    label_sets = [LabelSet.from_options(row["options"]) for row in rows]
    readings, seconds = _read(texts, label_sets)
    finished = [pair for pair in zip(readings, rows, strict=True) if pair[0].is_finished]
    agreed = sum(reading.label == row["predicted_answer"] for reading, row in finished)
    interval = proportion(agreed, len(finished), NO_ITEMS).interval
    assert interval is not None, f"{path.name} has no finished answer"
    report = redundancy(readings, texts, [_tokens(row) for row in rows])
    cells = [
        path.stem,
        str(len(finished)),
        f"{agreed / len(finished):.1%}",
        f"{interval.low:.1%} to {interval.high:.1%}",
        *(f"{share:.1%}" for share in report.form_shares.values()),
        str(report.num_unfinished),
        _mean(report.mean_characters_past),
        _mean(report.mean_tokens_past),
        f"{sum(map(len, texts)) / len(texts):.0f}",
        f"{len(texts) / seconds:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _mean(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _read(texts: list[str], label_sets: list[LabelSet]) -> tuple[list[Reading], float]:
    fastest = float("inf")
    readings: list[Reading] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        readings = [read_answer(*pair) for pair in zip(texts, label_sets, strict=True)]
        fastest = min(fastest, time.perf_counter() - begin)
    return readings, fastest


def _tokens(row: dict[str, Any]) -> int:
    """Completion tokens of the request that wrote the text.

    The counts of the chain-of-thought files seem to include a second request that extracted the
    answer: 4.6 characters a token without its text, few for such prose, and 5.5 with it. That text
    is kept as ``thinking``; its share is taken off.
    """
    tokens = int(row["token_usage"]["completion_tokens"])
    if "thinking" not in row:
        return tokens
    text, extracted = len(row["raw_response"]), len(row["thinking"] or "")
    return round(tokens * text / (text + extracted))


def _notes() -> str:
    return (
        f"Made by `python benchmarks/answer_reading.py` with reader version {READER_VERSION}, "
        f"Python {platform.python_version()}, on {_processor()}, {os.cpu_count()} cores, one used, "
        f"load average {os.getloadavg()[0]:.1f} from other work; "
        f"fastest of {ROUNDS} rounds.\n\n"
        "Agreement is with `predicted_answer`, what the authors' parser took, over the finished "
        "answers. The differences are listed and explained in "
        "`tests/eci/test_eci_answers_data.py`. Forms are shares of all answers; an unfinished "
        "one counts as absent. Characters and tokens past the span that decided are means over "
        "the labelled answers; tokens are estimated by the share of the characters."
    )


def _processor() -> str:
    cpu = Path("/proc/cpuinfo")
    if cpu.is_file():
        for line in cpu.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "an unknown processor"


if __name__ == "__main__":
    raise SystemExit(main())
