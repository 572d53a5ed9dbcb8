"""What do 18 clinicians' ratings of MedQA say, blind and after the gold label was shown?

Imports the even half of ``../shared/data/clinician_reviews``, computes the figures of the Agreement
page, prints them beside those published for all 1,273 questions and writes the tables to
``benchmarks/results/clinician_reviews.md``.

    python benchmarks/clinician_reviews.py
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from duckdb import DuckDBPyConnection

from db.agreement import RatingFilter, count_challenges
from db.connection import IN_MEMORY, Database
from db.importers import import_file
from eci.agreement import Agreement
from eci.estimates import Estimate, proportion
from training.agreement import (
    Answers,
    load_anchoring,
    load_pairs,
    load_phase,
    load_reviewers,
    load_times,
)

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "clinician_reviews.md"
FILE = Path("clinician_reviews") / "medqa_relabelling_even.csv"
CLINICIANS = RatingFilter("options", "import")
COEFFICIENTS = {
    "percent": "Agreement of pairs",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "gwet_ac1": "Gwet's AC1",
}

Write = Callable[[float], str]


def main() -> int:
    """Make the tables; exit code 2 where the data are absent."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    path = parser.parse_args().data / FILE
    if not path.is_file():
        print(f"No ratings at {path}. Pass the data folder with --data.", file=sys.stderr)
        return 2
    database = Database.open(IN_MEMORY)
    import_file(database, "clinician_reviews", path)
    begin = time.perf_counter()
    text = "\n".join(_report(database.cursor()))
    seconds = time.perf_counter() - begin
    print(text)
    RESULT.write_text(f"{text}\n{_notes(seconds)}\n", encoding="utf-8")
    return 0


def _report(cur: DuckDBPyConnection) -> Iterator[str]:
    yield "# Clinicians' ratings of MedQA\n"
    yield "## Beside the published figures\n"
    yield "| figure | n | even half | 95 % interval | published, all 1,273 questions | inside |"
    yield "|---|---|---|---|---|---|"
    yield from _published(cur)
    yield "\n## How far the clinicians agree\n"
    yield "| answers that count | coefficient | items | blind | after the reveal |"
    yield "|---|---|---|---|---|"
    for answers, words in (("single", "one label"), ("sets", "all, as sets (alpha: MASI)")):
        yield from _coefficients(cur, answers, words)  # type: ignore[arg-type]
    yield "\n## Person by person\n"
    yield "| figure | n | lowest | median | highest |"
    yield "|---|---|---|---|---|"
    yield from _spread(cur)


def _published(cur: DuckDBPyConnection) -> Iterator[str]:
    blind = load_phase(cur, CLINICIANS, "blind")
    revealed = load_phase(cur, CLINICIANS, "revealed")
    moved = load_anchoring(cur, CLINICIANS, "gold")[0]
    doubts = count_challenges(cur, CLINICIANS)
    counts = moved.counts
    changed = proportion(counts.num_dropped + counts.num_amended, counts.num_held, "nobody held it")
    rejected = proportion(doubts.num_rejected, doubts.num_gold, "there are no items")
    lacking = proportion(doubts.num_lacking, doubts.num_items, "there are no items")
    times = load_times(cur, CLINICIANS)[0]
    yield _row("blind answer holds the gold label", blind.holds_gold, _percent, 0.590)
    yield _row("answer after the reveal holds it", revealed.holds_gold, _percent, 0.867)
    yield _row("alpha, blind", blind.overall.krippendorff_alpha, _plain, 0.35)
    yield _row("alpha, after the reveal", revealed.overall.krippendorff_alpha, _plain, 0.74)
    yield _row("missed it blind and adopted it", moved.adopted, _percent, 0.678)
    yield _row("had it blind and changed the answer", changed, _percent, 0.008)
    yield _row("had it blind and gave it up", moved.dropped, _percent, None)
    yield _row("seconds a rating, lower quartile", times.lower, _seconds, 133)
    yield _row("seconds a rating, median", times.median, _seconds, 240)
    yield _row("seconds a rating, upper quartile", times.upper, _seconds, 298)
    yield _row(
        f"at least 2 raters still reject it ({doubts.num_rejected} questions; published: 89)",
        rejected,
        _percent,
        0.070,
    )
    yield _row("at least 2 raters miss information", lacking, _percent, 0.068)


def _row(name: str, found: Estimate, write: Write, published: float | None) -> str:
    assert found.value is not None, f"{name} is undefined because {found.undefined_because}"
    assert found.interval is not None, f"{name} has no interval"
    low, high = found.interval.low, found.interval.high
    inside = ""
    if published is not None:
        inside = "yes" if low <= published <= high else "no"
    cells = [
        name,
        f"{found.n:,}",
        write(found.value),
        f"{write(low)} to {write(high)}",
        "-" if published is None else write(published),
        inside,
    ]
    return f"| {' | '.join(cells)} |"


def _coefficients(cur: DuckDBPyConnection, answers: Answers, words: str) -> Iterator[str]:
    blind, revealed = (load_phase(cur, CLINICIANS, p, answers) for p in ("blind", "revealed"))
    for name, title in COEFFICIENTS.items():
        items = f"{blind.overall.n_items} / {revealed.overall.n_items}"
        pair = " | ".join(_cell(phase.overall, name) for phase in (blind, revealed))
        yield f"| {words} | {title} | {items} | {pair} |"
    items = f"{blind.with_gold.n_items} / {revealed.with_gold.n_items}"
    pair = " | ".join(_cell(phase.with_gold, "cohen_kappa") for phase in (blind, revealed))
    yield f"| {words} | Cohen's kappa with the gold label | {items} | {pair} |"


def _cell(found: Agreement, name: str) -> str:
    estimate: Estimate = getattr(found, name)
    assert estimate.value is not None
    assert estimate.interval is not None
    low, high = estimate.interval.low, estimate.interval.high
    return f"{estimate.value:.3f} ({low:.3f} to {high:.3f})"


def _spread(cur: DuckDBPyConnection) -> Iterator[str]:
    reviewers = load_reviewers(cur, CLINICIANS, "blind")
    many = [person for person in reviewers if person.num_ratings >= 30]
    pairs = [pair.agreement for pair in load_pairs(cur, CLINICIANS, "blind")]
    shared = [pair for pair in pairs if pair.n_items >= 30]
    times = [person for person in load_times(cur, CLINICIANS)[1:] if person.median.n >= 30]
    moved = [a for a in load_anchoring(cur, CLINICIANS, "gold")[1:] if a.adopted.n >= 30]
    for name, values, write in (
        ("blind answer holds the gold label", [p.holds_gold.value for p in many], _percent),
        ("missed it blind and adopted it", [a.adopted.value for a in moved], _percent),
        ("Cohen's kappa of two clinicians, blind", [p.cohen_kappa.value for p in shared], _plain),
        ("median seconds a rating", [t.median.value for t in times], _seconds),
    ):
        ordered = sorted(value for value in values if value is not None)
        middle = ordered[len(ordered) // 2]
        cells = [name, str(len(ordered)), *(write(v) for v in (ordered[0], middle, ordered[-1]))]
        yield f"| {' | '.join(cells)} |"


def _percent(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _seconds(value: float) -> str:
    return f"{value:.0f}"


def _notes(seconds: float) -> str:
    return f"""
Made by `python benchmarks/clinician_reviews.py`, Python {platform.python_version()}; computing took
{seconds:.1f} s on one busy core. The ratings are the even half of those that Google Health released
(Saab et al. 2024, arXiv 2404.18416, appendix C.2; CC-BY 4.0): 1,914 of 637 questions by 18
primary-care physicians. Half of the questions are in the published figures too.

- An answer holds the gold label where it is among the answers given; "not answerable" never does.
- Alpha: answers with exactly one label, nominal; others count as missing.
- Intervals of shares of ratings and of coefficients resample questions (2,000 times, seed 0), those
  of shares of questions are Wilson's, those of quartiles lie between two of the times themselves.
- Quartiles: `inside` takes ratings for independent, but clinicians differ far more from each other
  than from themselves (last table), so the lower quartile moves with who rated which half.
- "0.8 % changed" is read as: changed the answer in any way. Of the 11 who did, 4 gave the gold
  label up and 7 put another answer beside it; 0.8 % is outside the interval of giving up alone.
- "Miss information" is read as `info_missing` or `important_info_missing`. With the latter alone it
  is 5.0 % here; the published 6.8 % does not say which.
- Person by person: those with at least 30 ratings (or pairs with 30 shared questions) only."""


if __name__ == "__main__":
    raise SystemExit(main())
