"""What the Compare page shows: two runs on the items they share, and all runs in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from db.connection import Database
from db.outcomes.counts import RunSummary, summarise_runs
from db.outcomes.run_pairs import (
    Change,
    PairCell,
    PairFilter,
    PairRow,
    count_corrections,
    count_pairs,
    list_labels_of,
)
from db.outcomes.selection import By, Gold, OutcomeFilter, Selection
from db.records import Run
from db.viewer import Viewer
from eci.statistics.compare import Comparison, compare
from eci.statistics.estimates import Estimate, proportion
from streamlit_app.logic.cache import cached
from streamlit_app.logic.figures import p_value_text, points, points_interval
from streamlit_app.logic.outcomes.matrix import NO_LABEL, order_labels
from streamlit_app.logic.outcomes.run_outcomes import load_labels, load_scopes
from streamlit_app.markup import one_line, reveal
from streamlit_app.wording import say, words
from training.evaluation.drawn_estimates import (
    DrawnChange,
    DrawnEstimate,
    estimate_accuracy,
    estimate_difference,
)

Drawn = Mapping[tuple[str, By], DrawnEstimate]
CHANGES: tuple[Change, ...] = ("fixed", "broken", "both_right", "both_wrong")
CHANGE_WORDS = words("compare_change")


@dataclass(frozen=True)
class TrendPoint:
    """One run: its place on the x axis and its accuracy in [0, 1] with a 95 % interval."""

    x: str | int
    run: str
    value: float
    low: float
    high: float
    num_items: int


@dataclass(frozen=True)
class ComparisonView:
    """Two runs on the items they share, and the judgement on their difference."""

    cells: tuple[PairCell, ...]
    comparison: Comparison

    @property
    def changes(self) -> Mapping[Change, int]:
        """Return the number of items by their change between the runs."""
        found = self.comparison
        return {
            "fixed": found.fixed,
            "broken": found.broken,
            "both_right": found.both_right,
            "both_wrong": found.both_wrong,
        }

    @property
    def larger_change(self) -> Change:
        """Return which of more items are: those that were fixed, or those that were broken."""
        return "broken" if self.comparison.broken > self.comparison.fixed else "fixed"

    @property
    def label_changes(self) -> Mapping[tuple[str, str | None, str | None], int]:
        """Count label changes by gold label, label of A and label of B, most frequent first."""
        counts: Counter[tuple[str, str | None, str | None]] = Counter()
        for cell in self.cells:
            if cell.label_a != cell.label_b:
                counts[cell.gold, cell.label_a, cell.label_b] += cell.count
        return dict(counts.most_common())


@cached
def load_comparison(
    database: Database,
    version: str,
    flt: PairFilter,
) -> ComparisonView:
    """Pair two runs on the items they share, and judge the difference.

    Args:
        version: What ``outcomes.refresh`` gave for both runs.
    """
    cells = tuple(count_pairs(database.cursor(), flt))
    seen = {label for cell in cells for label in (cell.gold, cell.label_a, cell.label_b)}
    labels = order_labels(load_labels(database, version, flt.label_set), seen)
    return ComparisonView(
        cells,
        compare(
            [cell.gold for cell in cells],
            [cell.label_a for cell in cells],
            [cell.label_b for cell in cells],
            labels or ("none",),
            [cell.count for cell in cells],
        ),
    )


def load_by_label_set(
    database: Database, version: str, flt: PairFilter, label_sets: Sequence[str]
) -> dict[str, ComparisonView]:
    """Compare two runs in each label set, that first in which accuracy fell most.

    Args:
        version: What ``outcomes.refresh`` gave for both runs.
        flt: Whose label set is not looked at.
    """
    views = {
        name: load_comparison(database, version, replace(flt, label_set=name))
        for name in label_sets
    }
    return dict(sorted(views.items(), key=lambda one: _change(one[1])))


def most_changed(views: Mapping[str, ComparisonView]) -> str:
    """Return the label set in which accuracy changed most, up or down."""
    return max(views, key=lambda name: abs(_change(views[name])))


def _change(view: ComparisonView) -> float:
    return view.comparison.accuracy_difference.value or 0.0


@cached
def load_drawn_change(
    database: Database,
    version: str,  # noqa: ARG001
    flt: PairFilter,
) -> DrawnChange | None:
    """Estimate both accuracies and their difference for all items, where drawn reviews allow it."""
    return estimate_difference(database.cursor(), flt)


@cached
def load_drawn_accuracies(
    database: Database,
    version: str,  # noqa: ARG001
    viewer: Viewer,
    run_ids: tuple[str, ...],
    label_set: str,
    split: str | None,
) -> Drawn:
    """Estimate the accuracy of text and head of runs for all items, where drawn reviews allow."""
    cur = database.cursor()
    found = {
        (run_id, by): estimate_accuracy(
            cur,
            OutcomeFilter(viewer, run_id, "record", label_set).also(Selection(split=split)),
            by,
        )
        for run_id in run_ids
        for by in get_args(By)
    }
    return {key: estimate for key, estimate in found.items() if estimate is not None}


@cached
def load_summaries(
    database: Database,
    version: str,  # noqa: ARG001
    viewer: Viewer,
    gold: Gold,
    split: str | None,
) -> tuple[RunSummary, ...]:
    """Summarise every run, newest first."""
    return tuple(summarise_runs(database.cursor(), viewer, gold, split))


def load_corrections(database: Database) -> Mapping[str, int]:
    """Return how many corrected items each training run learned from."""
    return count_corrections(database.cursor())


def trend_points(
    summaries: Sequence[RunSummary],
    runs: Sequence[Run],
    names: Mapping[str, str],
    label_set: str,
    by: By,
    drawn: Drawn | None = None,
) -> list[TrendPoint]:
    """Return the accuracy of each run, oldest first.

    Args:
        runs: Newest first.
        drawn: Accuracies that take the place of the counted ones, by run and label.
    """
    found = {one.run_id: one for one in summaries if one.label_set == label_set}
    points = []
    for run in reversed(runs):
        accuracy = _accuracy(found.get(run.run_id), run.run_id, by, drawn)
        if accuracy.value is not None:
            moment = f"{run.created_at:%Y-%m-%d}"
            points.append(_point(f"{moment} · {names[run.run_id]}", names[run.run_id], accuracy))
    return points


def trend_table(
    trend: Sequence[tuple[str, Sequence[TrendPoint]]],
) -> dict[str, list[str | int | float]]:
    """Arrange the points of several lines as columns, a row a point."""
    points = [(words, point) for words, found in trend for point in found]
    return {
        "label": [words for words, _ in points],
        "run": [point.run for _, point in points],
        "accuracy": [point.value for _, point in points],
        "low": [point.low for _, point in points],
        "high": [point.high for _, point in points],
        "items": [point.num_items for _, point in points],
    }


def learning_points(
    summaries: Sequence[RunSummary],
    corrections: Mapping[str, int],
    names: Mapping[str, str],
    label_set: str,
    by: By,
    drawn: Drawn | None = None,
) -> list[TrendPoint]:
    """Return the accuracy of each training run by the number of corrections it learned from."""
    points = []
    for one in summaries:
        accuracy = _accuracy(one, one.run_id, by, drawn)
        if one.label_set == label_set and one.run_id in corrections and accuracy.value is not None:
            points.append(_point(corrections[one.run_id], names[one.run_id], accuracy))
    return sorted(points, key=lambda point: point.x)


def shared_label_sets(database: Database, version: str, run_a: str, run_b: str) -> list[str]:
    """Return the label sets that both runs cover, by name."""
    of_a, of_b = (
        {scope.label_set for scope in load_scopes(database, version, run_id)}
        for run_id in (run_a, run_b)
    )
    return sorted(of_a & of_b)


def default_pair(runs: Sequence[Run]) -> tuple[int, int]:
    """Choose which runs to compare at first: the newest one with the run it was started from.

    Args:
        runs: At least two, newest first.

    Returns:
        Places in ``runs`` of run A (before) and run B (after).
    """
    places = {run.run_id: place for place, run in enumerate(runs)}
    for place, run in enumerate(runs):
        base = places.get(run.base_run_id) if run.base_run_id else None
        if base is not None:
            return base, place
    return 1, 0


@cached
def default_labels(database: Database, version: str, run_a: str, run_b: str) -> tuple[By, By]:  # noqa: ARG001
    """Choose which label of each run to compare at first: one that both have, if there is one."""
    of_a = list_labels_of(database.cursor(), run_a) or ("text",)
    of_b = list_labels_of(database.cursor(), run_b) or ("text",)
    shared = [by for by in of_a if by in of_b]
    return (shared[0], shared[0]) if shared else (of_a[0], of_b[0])


def pair_table(pairs: Sequence[PairRow], name_a: str, name_b: str) -> dict[str, list[str]]:
    """Arrange items as columns, with a sign for right or wrong after each label."""
    return {
        say("compare.question"): [one_line(pair.question) for pair in pairs],
        say("compare.gold"): [reveal(pair.gold) for pair in pairs],
        name_a: [marked(pair.label_a, pair.gold) for pair in pairs],
        name_b: [marked(pair.label_b, pair.gold) for pair in pairs],
        say("compare.item"): [reveal(pair.item_id) for pair in pairs],
    }


def marked(label: str | None, reference: str) -> str:
    """Return a label with a sign for right or wrong: colour alone would not be accessible."""
    return f"{'✓' if label == reference else '✗'} {NO_LABEL if label is None else reveal(label)}"


def verdict(comparison: Comparison) -> str:
    """Return the result of the test in a sentence; no difference is claimed where none is shown."""
    if comparison.p_value is None:
        return say("compare.no_items_shared")
    p = p_value_text(comparison.p_value)
    changed = comparison.fixed + comparison.broken
    if changed == 0:
        return say("compare.no_change")
    if not comparison.is_significant:
        key = "compare.could_be_chance"
    elif comparison.fixed > comparison.broken:
        key = "compare.b_is_better"
    else:
        key = "compare.b_is_worse"
    return say(key, fixed=comparison.fixed, broken=comparison.broken, p=p)


def drawn_verdict(difference: Estimate) -> str:
    """Return in a sentence whether the runs differ by the reviewers' labels, for all items."""
    interval = difference.interval
    if difference.value is None or interval is None:
        return say("drawn.no_difference", why=difference.undefined_because)
    key = "drawn.could_be_chance"
    if interval.low > 0:
        key = "drawn.b_is_better"
    elif interval.high < 0:
        key = "drawn.b_is_worse"
    return say(
        key,
        points=points(difference.value),
        interval=points_interval(difference),
        method=interval.method,
        n=difference.n,
    )


def _accuracy(
    summary: RunSummary | None, run_id: str, by: By, drawn: Drawn | None = None
) -> Estimate:
    if drawn is not None and (run_id, by) in drawn:
        return drawn[run_id, by].estimate
    if summary is None:
        return Estimate.undefined(say("undefined.not_in_run"))
    if by == "head":
        return proportion(summary.head_correct, summary.num_head, say("undefined.no_head"))
    return proportion(summary.text_correct, summary.num_text, say("undefined.no_answer_read"))


def _point(x: str | int, run: str, accuracy: Estimate) -> TrendPoint:
    value = accuracy.value or 0.0
    interval = accuracy.interval
    return TrendPoint(
        x,
        run,
        value,
        interval.low if interval else value,
        interval.high if interval else value,
        accuracy.n,
    )
