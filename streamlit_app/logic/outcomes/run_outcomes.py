"""What the Errors page shows of one run: counted in DuckDB, judged with intervals.

Everything here is remembered by the state of the data, so that a click that changes only what is
listed computes nothing again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from db.connection import Database
from db.outcomes import scored_runs
from db.outcomes.counts import JointCell, count_joint
from db.outcomes.drawn import find_pair
from db.outcomes.item_lists import Scope, list_labels, list_scopes
from db.outcomes.selection import PAIR_OUTCOMES, By, OutcomeFilter, PairOutcome
from eci.statistics.compare import Comparison, compare
from eci.statistics.estimates import Estimate, proportion
from eci.statistics.metrics import Report, classification_report
from streamlit_app.logic.cache import cached
from streamlit_app.logic.figures import interval_text, percent, points, points_interval
from streamlit_app.logic.outcomes.matrix import ConfusionMatrix, order_labels
from streamlit_app.wording import say, words
from training.evaluation.drawn_estimates import (
    DrawnChange,
    DrawnEstimate,
    estimate_accuracy,
    estimate_difference,
)

FORM_ORDER = ("bare", "leading", "stated", "embedded", "inferred", "contradictory", "absent")
"""From the most to the least direct way in which an answer gives its label."""

PAIR_WORDS = words("pair_outcome")


@dataclass(frozen=True)
class Judged:
    """One of a run's two labels against the gold label."""

    matrix: ConfusionMatrix
    report: Report


@dataclass(frozen=True)
class ErrorsView:
    """What the Errors page says of a run on one set of items.

    ``text`` is None where no answer was read, ``head`` for a run without a head. ``comparison`` has
    the text as run A and the head as run B, on the items that have both.
    """

    labels: tuple[str, ...]
    cells: tuple[JointCell, ...]
    text: Judged | None
    head: Judged | None
    comparison: Comparison

    @property
    def pair_outcomes(self) -> Mapping[PairOutcome, int]:
        """Return how text and head fare together, over the items that have both."""
        counts: Counter[PairOutcome] = Counter()
        for cell in self.cells:
            outcome = pair_outcome(cell)
            if outcome is not None:
                counts[outcome] += cell.count
        return {outcome: counts[outcome] for outcome in PAIR_OUTCOMES}

    @property
    def without_label(self) -> Estimate:
        """Return the share of read answers without a label."""
        report = self.text.report if self.text else None
        return proportion(
            report.num_without_label if report else 0,
            report.n if report else 0,
            say("undefined.no_answer_read"),
        )

    @property
    def num_items(self) -> int:
        """Return the larger number of items scored by text or head."""
        return max((j.report.n for j in (self.text, self.head) if j), default=0)

    @property
    def judged(self) -> Mapping[By, Judged]:
        """Return the scores of text and head, as far as they exist."""
        pairs: tuple[tuple[By, Judged | None], ...] = (("text", self.text), ("head", self.head))
        return {by: judged for by, judged in pairs if judged is not None}


def pair_outcome(cell: JointCell) -> PairOutcome | None:
    """Return the joint outcome of text and head of a cell; None if one is missing."""
    if not cell.has_text or cell.head is None:
        return None
    if cell.head == cell.gold:
        if cell.text == cell.gold:
            return "both_right"
        return "head_rescued" if cell.text is None else "head_right"
    if cell.text == cell.gold:
        return "text_right"
    if cell.text is None:
        return "wrong_and_absent"
    return "both_wrong_alike" if cell.text == cell.head else "both_wrong_differently"


def refresh(database: Database, *run_ids: str) -> str:
    """Update what is counted; the returned text changes when the data do."""
    return scored_runs.refresh(database.cursor(), run_ids)


@cached
def load_scopes(database: Database, version: str, run_id: str) -> tuple[Scope, ...]:  # noqa: ARG001
    """Return the label sets, sources and splits that a run has predictions for."""
    return tuple(list_scopes(database.cursor(), run_id))


@cached
def load_labels(database: Database, version: str, label_set: str) -> tuple[str, ...]:  # noqa: ARG001
    """Return the labels that the items of a label set allow, in their own order."""
    return tuple(list_labels(database.cursor(), label_set))


@cached
def load_errors(database: Database, version: str, flt: OutcomeFilter) -> ErrorsView:
    """Count and judge a run on the items that pass a filter.

    Args:
        database: Read only.
        version: What ``refresh`` gave.
    """
    cells = tuple(count_joint(database.cursor(), flt))
    known = load_labels(database, version, flt.label_set)
    labels = order_labels(known, (name for c in cells for name in (c.gold, c.text, c.head)))
    both = [cell for cell in cells if cell.has_text and cell.head is not None]
    return ErrorsView(
        labels=labels,
        cells=cells,
        text=_judge(labels, [(c.gold, c.text, c.count) for c in cells if c.has_text]),
        head=_judge(labels, [(c.gold, c.head, c.count) for c in cells if c.head is not None]),
        comparison=compare(
            [cell.gold for cell in both],
            [cell.text for cell in both],
            [cell.head for cell in both],
            labels or ("none",),
            [cell.count for cell in both],
        ),
    )


@cached
def load_judged(database: Database, version: str, flt: OutcomeFilter) -> Mapping[By, Judged]:
    """Score text and head separately, without comparing them."""
    cells = count_joint(database.cursor(), flt)
    known = load_labels(database, version, flt.label_set)
    labels = order_labels(known, (name for c in cells for name in (c.gold, c.text, c.head)))
    given: dict[By, list[tuple[str, str | None, int]]] = {
        "text": [(c.gold, c.text, c.count) for c in cells if c.has_text],
        "head": [(c.gold, c.head, c.count) for c in cells if c.head is not None],
    }
    return {by: judge(labels, counted) for by, counted in given.items() if counted}


@cached
def load_drawn(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
) -> Mapping[By, DrawnEstimate]:
    """Estimate the accuracy of text and head for all items, where drawn reviews allow it."""
    cur = database.cursor()
    found = {by: estimate_accuracy(cur, flt, by) for by in get_args(By)}
    return {by: estimate for by, estimate in found.items() if estimate is not None}


@cached
def load_drawn_help(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
) -> DrawnChange | None:
    """Estimate by how much the head is more accurate than the text, where drawn reviews allow."""
    pair = find_pair(flt, "text")
    if pair is None:
        return None
    return estimate_difference(database.cursor(), replace(pair, by_b="head"))


def plain_words(figures: Sequence[tuple[str, DrawnEstimate | None, Estimate]]) -> str:
    """Return in a sentence the counted figures that differ, as written, from drawn reviews.

    Args:
        figures: Name, estimate from drawn reviews and what is counted; differences are written in
            points.

    Returns:
        A sentence with the reason; empty where none differs.
    """
    parts = []
    for name, drawn, counted in figures:
        if drawn is None or percent(drawn.estimate.value) == percent(counted.value):
            continue
        is_change = drawn.is_change
        value, interval = (
            (points(counted.value), points_interval(counted))
            if is_change
            else (percent(counted.value), interval_text(counted))
        )
        parts.append(
            say("drawn.plain_figure", name=name, value=value, interval=interval, n=counted.n)
        )
    return say("drawn.plain", figures="; ".join(parts)) if parts else ""


def drawn_notes(
    view: ErrorsView, drawn: Mapping[By, DrawnEstimate], helped: DrawnChange | None
) -> list[str]:
    """Describe from which reviews the figures of a run come, and the counted ones that differ."""
    figures: list[tuple[str, DrawnEstimate | None, Estimate]] = [
        (say(f"outcome_panel.{by}_accuracy"), drawn.get(by), judged.report.accuracy)
        for by, judged in view.judged.items()
    ]
    if helped is not None:
        name = say("outcome_panel.head_minus_text")
        figures.append((name, helped.difference, view.comparison.accuracy_difference))
    sources = dict.fromkeys(
        drawn_words(one) for one in [*drawn.values(), *([helped.difference] if helped else [])]
    )
    return [note for note in (*sources, plain_words(figures)) if note]


def drawn_words(drawn: DrawnEstimate) -> str:
    """Describe in a sentence from which reviews an estimate comes, and by which method."""
    interval = drawn.estimate.interval
    return say(
        "drawn.source",
        method=interval.method if interval else "",
        reviewed=drawn.estimate.n,
        items=drawn.num_items,
        population=drawn.num_population,
        orders=", ".join(
            dict.fromkeys(words("queue_order")[queue.settings.order] for queue in drawn.queues)
        ),
    )


def label_sets(scopes: Sequence[Scope]) -> list[str]:
    """Return the label sets that a run covers, the one with the most predictions first."""
    return _by_count((scope.label_set, scope.count) for scope in scopes)


def sources(scopes: Sequence[Scope], label_set: str) -> list[str]:
    """Return the sources of a label set that a run covers, the largest first."""
    return _by_count((s.source, s.count) for s in scopes if s.label_set == label_set)


def splits(scopes: Sequence[Scope], label_set: str) -> list[str]:
    """Return the splits of a label set that a run covers, the test split first."""
    found = {scope.split for scope in scopes if scope.label_set == label_set}
    return [split for split in ("test", "dev", "train") if split in found]


def judge(labels: Sequence[str], cells: Iterable[tuple[str, str | None, int]]) -> Judged:
    """Score counts of gold label, given label (None for none) and number of items."""
    counts: Counter[tuple[str, str | None]] = Counter()
    for gold, given, count in cells:
        counts[gold, given] += count
    matrix = ConfusionMatrix.from_counts(labels, counts)
    return Judged(matrix, classification_report(matrix.counts, matrix.labels))


def _judge(labels: Sequence[str], cells: Sequence[tuple[str, str | None, int]]) -> Judged | None:
    return judge(labels, cells) if cells else None


def _by_count(counts: Iterable[tuple[str, int]]) -> list[str]:
    total: Counter[str] = Counter()
    for name, count in counts:
        total[name] += count
    return [name for name, _ in total.most_common()]
