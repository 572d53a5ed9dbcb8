"""What do 18 clinicians' ratings of MedQA say, blind and after the gold label was shown?

Imports the even half of ``../shared/data/clinician_reviews`` and computes the figures of the
Agreement page, beside those published for all 1,273 questions.

    python benchmarks/clinician_reviews.py
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from duckdb import DuckDBPyConnection
from history import Measured
from measuring import estimated, make_parser, record

from db.connection import IN_MEMORY, Database
from db.importers import import_file
from db.review.agreement import RatingFilter, count_challenges
from db.viewer import EVERYTHING
from eci.statistics.estimates import Estimate, proportion
from training.evaluation.agreement.anchoring import load_anchoring
from training.evaluation.agreement.figures import Answers
from training.evaluation.agreement.phases import load_phase
from training.evaluation.agreement.reviewers import load_pairs, load_reviewers, load_times

FILE = Path("clinician_reviews") / "medqa_relabelling_even.csv"
CLINICIANS = RatingFilter(EVERYTHING, "options", "import")
COEFFICIENTS = {
    "percent": "Agreement of pairs",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "gwet_ac1": "Gwet's AC1",
}

PUBLISHED, COEFFICIENT, PERSON, READERS = (
    "Beside the published figures",
    "How far the clinicians agree",
    "Person by person",
    "For these readers and for others",
)


def main() -> None:
    """Import, compute and record the figures."""
    options = make_parser(__doc__, wants_data=True).parse_args()
    database = Database.open(IN_MEMORY)
    import_file(database, "clinician_reviews", options.data / FILE)
    begin = time.perf_counter()
    cur = database.cursor()
    figures = [*_published(cur), *_coefficients(cur, "single", "one label")]
    figures += [*_coefficients(cur, "sets", "all, as sets (alpha: MASI)"), *_spread(cur)]
    figures += [*_other_readers(cur), *_moved_for_others(cur)]
    seconds = time.perf_counter() - begin
    figures.append(Measured("computing all of it", "time", seconds, "s", section="Speed"))
    record(__file__, figures, options)


def _published(cur: DuckDBPyConnection) -> Iterator[Measured]:
    blind = load_phase(cur, CLINICIANS, "blind")
    revealed = load_phase(cur, CLINICIANS, "revealed")
    moved = load_anchoring(cur, CLINICIANS, "gold")[0]
    doubts = count_challenges(cur, CLINICIANS)
    counts = moved.counts
    changed = proportion(counts.num_dropped + counts.num_amended, counts.num_held, "nobody held it")
    rejected = proportion(doubts.num_rejected, doubts.num_gold, "there are no items")
    lacking = proportion(doubts.num_lacking, doubts.num_items, "there are no items")
    times = load_times(cur, CLINICIANS)[0]
    rows: list[tuple[str, Estimate, str, float | None, str]] = [
        ("blind answer holds the gold label", blind.holds_gold, "share", 0.590, ""),
        ("answer after the reveal holds it", revealed.holds_gold, "share", 0.867, ""),
        ("alpha, blind", blind.overall.krippendorff_alpha, "", 0.35, ""),
        ("alpha, after the reveal", revealed.overall.krippendorff_alpha, "", 0.74, ""),
        ("missed it blind and adopted it", moved.adopted, "share", 0.678, ""),
        ("had it blind and changed the answer", changed, "share", 0.008, ""),
        ("had it blind and gave it up", moved.dropped, "share", None, ""),
        ("seconds a rating, lower quartile", times.lower, "s", 133, ""),
        ("seconds a rating, median", times.median, "s", 240, ""),
        ("seconds a rating, upper quartile", times.upper, "s", 298, ""),
        (
            *("at least 2 raters still reject it", rejected, "share", 0.070),
            f"{doubts.num_rejected} questions; published: 89; ",
        ),
        ("at least 2 raters miss information", lacking, "share", 0.068, ""),
    ]
    for what, found, unit, published, note in rows:
        assert found.interval is not None, f"{what} has no interval"
        inside = ""
        if published is not None:
            is_inside = found.interval.low <= published <= found.interval.high
            inside = f"published figure inside: {'yes' if is_inside else 'no'}"
        yield estimated(what, "even half", found, unit, section=PUBLISHED, note=note + inside)
        if published is not None:
            yield Measured(
                what, "published, all 1,273 questions", published, unit, section=PUBLISHED
            )


def _coefficients(cur: DuckDBPyConnection, answers: Answers, words: str) -> Iterator[Measured]:
    for phase, measure in (("blind", "blind"), ("revealed", "after the reveal")):
        found = load_phase(cur, CLINICIANS, phase, answers)  # type: ignore[arg-type]
        estimates = {title: getattr(found.overall, name) for name, title in COEFFICIENTS.items()}
        estimates["Cohen's kappa with the gold label"] = found.with_gold.cohen_kappa
        for title, estimate in estimates.items():
            agreement = found.with_gold if "gold" in title else found.overall
            yield estimated(
                f"{title}; {words}", measure, estimate, "", n=agreement.n_items, section=COEFFICIENT
            )


def _other_readers(cur: DuckDBPyConnection) -> Iterator[Measured]:
    """Yield each figure with the interval for the same readers and that for others."""
    for phase, words in (("blind", "blind"), ("revealed", "after the reveal")):
        for readers, measure in (("same", "items resampled"), ("others", "readers and items")):
            found = load_phase(cur, CLINICIANS, phase, readers=readers)  # type: ignore[arg-type]
            figures = {title: getattr(found.overall, name) for name, title in COEFFICIENTS.items()}
            figures["holds the gold label"] = found.holds_gold
            figures["Cohen's kappa with the gold label"] = found.with_gold.cohen_kappa
            for title, estimate in figures.items():
                yield estimated(f"{title}, {words}", measure, estimate, "", section=READERS)


def _moved_for_others(cur: DuckDBPyConnection) -> Iterator[Measured]:
    """Yield the same of what clinicians did after the reveal."""
    for readers, measure in (("same", "items resampled"), ("others", "readers and items")):
        moved = load_anchoring(cur, CLINICIANS, "gold", readers)[0]  # type: ignore[arg-type]
        for what, estimate in (
            ("missed it blind and adopted it", moved.adopted),
            ("had it blind and gave it up", moved.dropped),
        ):
            yield estimated(what, measure, estimate, "", section=READERS)


def _spread(cur: DuckDBPyConnection) -> Iterator[Measured]:
    reviewers = load_reviewers(cur, CLINICIANS, "blind")
    many = [person for person in reviewers if person.num_ratings >= 30]
    pairs = [pair.agreement for pair in load_pairs(cur, CLINICIANS, "blind")]
    shared = [pair for pair in pairs if pair.n_items >= 30]
    times = [person for person in load_times(cur, CLINICIANS)[1:] if person.median.n >= 30]
    moved = [a for a in load_anchoring(cur, CLINICIANS, "gold")[1:] if a.adopted.n >= 30]
    for name, values, unit in (
        ("blind answer holds the gold label", [p.holds_gold.value for p in many], "share"),
        ("missed it blind and adopted it", [a.adopted.value for a in moved], "share"),
        ("Cohen's kappa of two clinicians, blind", [p.cohen_kappa.value for p in shared], ""),
        ("median seconds a rating", [t.median.value for t in times], "s"),
    ):
        ordered = sorted(value for value in values if value is not None)
        for measure, place in (("lowest", 0), ("median", len(ordered) // 2), ("highest", -1)):
            yield Measured(name, measure, ordered[place], unit, len(ordered), section=PERSON)


if __name__ == "__main__":
    main()
