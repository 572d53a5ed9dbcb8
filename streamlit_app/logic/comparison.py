"""What the Compare page shows of two runs on the items they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db.connection import Database
from db.outcome_items import list_labels, list_scopes
from db.outcomes import By, Gold, Outcome, PairedOutcome, compare_runs
from db.records import Run
from eci.compare import Comparison, compare
from eci.estimates import Estimate
from streamlit_app.logic.matrix import order_labels

OUTCOME_WORDS: dict[Outcome, str] = {
    "fixed": "Fixed",
    "broken": "Broken",
    "both_right": "Both right",
    "both_wrong": "Both wrong",
}


@dataclass(frozen=True)
class ComparisonView:
    """Two runs on the items they share, and the judgement on their difference."""

    pairs: tuple[PairedOutcome, ...]
    comparison: Comparison

    def of(self, outcome: Outcome) -> list[PairedOutcome]:
        """Give the items of one outcome."""
        return [pair for pair in self.pairs if pair.outcome == outcome]


def load_comparison(
    database: Database,
    run_a: str,
    run_b: str,
    *,
    by: By,
    gold: Gold,
    label_set: str,
    split: str | None,
) -> ComparisonView:
    """Pair two runs on the items of a label set and a split, and judge the difference."""
    cur = database.cursor()
    pairs = tuple(compare_runs(cur, run_a, run_b, by, gold, split=split, label_set=label_set))
    seen = {label for pair in pairs for label in (pair.gold, pair.label_a, pair.label_b)}
    labels = order_labels(list_labels(cur, label_set), seen)
    return ComparisonView(
        pairs,
        compare(
            [pair.gold for pair in pairs],
            [pair.label_a for pair in pairs],
            [pair.label_b for pair in pairs],
            labels,
        ),
    )


def shared_label_sets(database: Database, run_a: str, run_b: str) -> list[str]:
    """Give the label sets that both runs cover, by name."""
    cur = database.cursor()
    of_a, of_b = (
        {scope.label_set for scope in list_scopes(cur, run_id)} for run_id in (run_a, run_b)
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


def points(value: float | None) -> str:
    """Write a difference of shares in percentage points, with its sign."""
    return "–" if value is None else f"{100 * value:+.1f} points"


def points_interval(estimate: Estimate) -> str:
    """Write the interval of a difference, or why there is none."""
    if estimate.interval is None:
        return estimate.undefined_because or ""
    low, high = 100 * estimate.interval.low, 100 * estimate.interval.high
    return f"{low:+.1f} to {high:+.1f}"


def verdict(comparison: Comparison) -> str:
    """Say in plain words what the test says; no difference is claimed where none is shown."""
    if comparison.p_value is None:
        return "The runs share no items."
    p = p_value_text(comparison.p_value)
    changed = comparison.fixed + comparison.broken
    if changed == 0:
        return "Not significant: both runs are right on the same items and wrong on the same items."
    if not comparison.is_significant:
        return (
            f"Not significant: {comparison.fixed} items fixed and {comparison.broken} broken could "
            f"be chance (exact McNemar test, {p})."
        )
    better = "better" if comparison.fixed > comparison.broken else "worse"
    return (
        f"B is significantly {better}: {comparison.fixed} items fixed, {comparison.broken} broken "
        f"(exact McNemar test, {p})."
    )


def p_value_text(p_value: float) -> str:
    """Write a p value with two digits, and a very small one as a bound."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
