"""What the Errors page shows of one run: counted in DuckDB, judged with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.connection import Database
from db.outcome_items import (
    OutcomeFilter,
    PairOutcome,
    Scope,
    count_pair_outcomes,
    count_text_forms,
    list_labels,
)
from db.outcomes import Bin, By, confusion, reliability_bins
from eci.estimates import Estimate, proportion
from eci.metrics import Report, classification_report
from streamlit_app.charts.reliability import ReliabilityPoint
from streamlit_app.logic.matrix import ConfusionMatrix, order_labels

FORM_ORDER = ("bare", "leading", "stated", "embedded", "contradictory", "absent")
"""From the most to the least direct way in which an answer gives its label."""

PAIR_WORDS: dict[PairOutcome, str] = {
    "both_right": "Text and head right",
    "head_right": "Head right, text wrong",
    "head_rescued": "Head right, no label in the text",
    "text_right": "Text right, head wrong",
    "both_wrong_alike": "Both wrong, the same label",
    "both_wrong_differently": "Both wrong, different labels",
    "wrong_and_absent": "Head wrong, no label in the text",
}


@dataclass(frozen=True)
class Judged:
    """One of a run's two labels against the gold label."""

    matrix: ConfusionMatrix
    report: Report


@dataclass(frozen=True)
class ErrorsView:
    """Everything the Errors page draws of a run on one set of items.

    ``text`` is None where no answer was read, ``head`` for a run without a head. ``forms`` is in
    the order of ``FORM_ORDER``; forms that do not occur count 0.
    """

    text: Judged | None
    head: Judged | None
    pair_outcomes: Mapping[PairOutcome, int]
    forms: Mapping[str, int]
    reliability: tuple[ReliabilityPoint, ...]
    calibration_error: Estimate
    not_bare: Estimate

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the set, those that only one of the two matrices has included."""
        seen = [judged.matrix.labels for judged in (self.text, self.head) if judged]
        return order_labels(seen[0], [label for labels in seen for label in labels]) if seen else ()

    @property
    def without_label(self) -> Estimate:
        """Share of read answers that gave no label."""
        report = self.text.report if self.text else None
        return proportion(
            report.num_without_label if report else 0,
            report.n if report else 0,
            "no answer has been read",
        )

    @property
    def num_named_by_the_run(self) -> int:
        """Answers without a readable label for which whoever made the run gave one."""
        unreadable = self.forms.get("absent", 0) + self.forms.get("contradictory", 0)
        unlabelled = self.text.report.num_without_label if self.text else 0
        return max(unreadable - unlabelled, 0)

    @property
    def num_items(self) -> int:
        """Items with a gold label and an outcome of text or head, whichever has more."""
        return max((j.report.n for j in (self.text, self.head) if j), default=0)


def load_errors(database: Database, flt: OutcomeFilter) -> ErrorsView:
    """Count and judge a run on the items of a label set, a source and a split.

    Args:
        database: Read only.
        flt: Its filters on labels, form and outcome are not used here.
    """
    cur = database.cursor()
    known = list_labels(cur, flt.label_set)
    bins = reliability_bins(
        cur, flt.run_id, flt.gold, flt.label_set, split=flt.split, source=flt.source
    )
    counted = count_text_forms(cur, flt)
    forms = {form: counted.get(form, 0) for form in order_labels(FORM_ORDER, counted)}
    num_answers = sum(forms.values())
    return ErrorsView(
        text=_judge(database, flt, "text", known),
        head=_judge(database, flt, "head", known),
        pair_outcomes=count_pair_outcomes(cur, flt),
        forms=forms,
        reliability=tuple(_point(part) for part in bins),
        calibration_error=calibration_error(bins),
        not_bare=proportion(num_answers - forms["bare"], num_answers, "no answer has been read"),
    )


def calibration_error(bins: Sequence[Bin]) -> Estimate:
    """Compute the expected calibration error: the mean gap of confidence and accuracy, in [0, 1].

    Each bin weighs as many items as it holds (Guo et al. 2017). Without an interval: bins do not
    carry the single confidences that one would need.
    """
    n = sum(part.count for part in bins)
    if n == 0:
        return Estimate.undefined("the run has no head probabilities for these items")
    gaps = sum(part.count * abs(part.accuracy - part.mean_confidence) for part in bins)
    return Estimate(gaps / n, n, None)


def label_sets(scopes: Sequence[Scope]) -> list[str]:
    """Give the label sets that a run covers, the one with the most predictions first."""
    return _by_count((scope.label_set, scope.count) for scope in scopes)


def sources(scopes: Sequence[Scope], label_set: str) -> list[str]:
    """Give the sources of a label set that a run covers, the largest first."""
    return _by_count((s.source, s.count) for s in scopes if s.label_set == label_set)


def splits(scopes: Sequence[Scope], label_set: str) -> list[str]:
    """Give the splits of a label set that a run covers, the test split first."""
    found = {scope.split for scope in scopes if scope.label_set == label_set}
    return [split for split in ("test", "dev", "train") if split in found]


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share in [0, 1] as a percentage; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}%}".replace("%", " %")


def interval_text(estimate: Estimate) -> str:
    """Write the interval of a share, or why there is none."""
    if estimate.interval is None:
        return estimate.undefined_because or f"n = {estimate.n:,}"
    return f"{percent(estimate.interval.low)} to {percent(estimate.interval.high)}"


def estimate_text(estimate: Estimate) -> str:
    """Write a share with its interval in one table cell, in per cent without the sign."""
    if estimate.value is None or estimate.interval is None:
        return "–" if estimate.value is None else f"{100 * estimate.value:.1f}"
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    return f"{100 * estimate.value:.1f} ({low:.1f} to {high:.1f})"


def _judge(database: Database, flt: OutcomeFilter, by: By, known: Sequence[str]) -> Judged | None:
    cells = confusion(
        database.cursor(),
        flt.run_id,
        by,
        flt.gold,
        flt.label_set,
        source=flt.source,
        split=flt.split,
    )
    if not cells:
        return None
    seen = [label for cell in cells for label in (cell.gold, cell.predicted)]
    matrix = ConfusionMatrix.from_counts(
        order_labels(known, seen), {(cell.gold, cell.predicted): cell.count for cell in cells}
    )
    return Judged(matrix, classification_report(matrix.counts, matrix.labels))


def _point(part: Bin) -> ReliabilityPoint:
    accuracy = proportion(part.accuracy * part.count, part.count, "the bin is empty")
    interval = accuracy.interval
    return ReliabilityPoint(
        bin_low=part.low,
        bin_high=part.high,
        count=part.count,
        mean_confidence=part.mean_confidence,
        accuracy=part.accuracy,
        low=interval.low if interval else part.accuracy,
        high=interval.high if interval else part.accuracy,
    )


def _by_count(counts: Iterable[tuple[str, int]]) -> list[str]:
    total: Counter[str] = Counter()
    for name, count in counts:
        total[name] += count
    return [name for name, _ in total.most_common()]
