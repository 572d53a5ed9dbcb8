"""Which items a run may answer alone, and which go to a reviewer: selective classification.

An item is answered alone when its confidence is at least a threshold. The risk is the share of
answered items that are wrong; the coverage is the share answered. Items of equal confidence come
or fall together, so no figure depends on the order of items.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eci.arrays import BoolArray, FloatArray, IntArray, as_counts, as_vector
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    Interval,
    percentile_interval,
    proportion,
)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What happens when items with at least this confidence are answered alone.

    Attributes:
        threshold: Smallest confidence that is answered.
        num_answered: Items answered alone; the other ``n - num_answered`` go to review.
        num_errors: Wrong ones among them, let through.
        coverage: ``num_answered / n``; Wilson interval.
        risk: ``num_errors / num_answered``; Wilson interval.
        error_rate: ``num_errors / n``, the errors let through per item that arrives; Wilson
            interval.
    """

    threshold: float
    n: int
    num_answered: int
    num_errors: int
    coverage: Estimate
    risk: Estimate
    error_rate: Estimate

    def expected_errors(self, num_items: int) -> Estimate:
        """Estimate the errors let through among ``num_items`` new items like these."""
        return _scaled(self.error_rate, num_items)

    def expected_reviews(self, num_items: int) -> Estimate:
        """Estimate how many of ``num_items`` new items like these go to review."""
        return _scaled(self.coverage, -num_items, num_items)


@dataclass(frozen=True, slots=True, eq=False)
class RiskCurve:
    """Coverage and risk at every threshold, the highest first.

    Attributes:
        thresholds: The distinct confidences, descending, shape ``(n_thresholds,)``.
        num_answered: Items with at least that confidence, same shape; the last one is n.
        num_errors: Wrong ones among them, same shape.
    """

    thresholds: FloatArray
    num_answered: IntArray
    num_errors: IntArray

    @property
    def n(self) -> int:
        """Number of items."""
        return int(self.num_answered[-1]) if len(self.num_answered) else 0

    @property
    def coverage(self) -> FloatArray:
        """Return the share of items answered at each threshold, rising to 1."""
        coverage: FloatArray = self.num_answered / max(self.n, 1)
        return coverage

    @property
    def risk(self) -> FloatArray:
        """Return the share of answered items that are wrong at each threshold."""
        risk: FloatArray = self.num_errors / self.num_answered
        return risk

    def at(self, threshold: float, level: float = LEVEL) -> OperatingPoint:
        """Return the operating point of any threshold, for a slider."""
        reached = int(np.searchsorted(-self.thresholds, -threshold, side="right"))
        answered = int(self.num_answered[reached - 1]) if reached else 0
        errors = int(self.num_errors[reached - 1]) if reached else 0
        nothing = f"no item has a confidence of at least {threshold:g}"
        return OperatingPoint(
            threshold=threshold,
            n=self.n,
            num_answered=answered,
            num_errors=errors,
            coverage=proportion(answered, self.n, NO_ITEMS, level),
            risk=proportion(errors, answered, nothing, level),
            error_rate=proportion(errors, self.n, NO_ITEMS, level),
        )


def risk_curve(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, num_items: npt.ArrayLike | None = None
) -> RiskCurve:
    """Order items by confidence and count the errors above each threshold.

    Args:
        confidence: Any score that rises with being right, shape ``(n_items,)``.
        correct: Whether each item's label is gold, shape ``(n_items,)``, bool.
        num_items: How many items each entry represents, where a database has counted by (rounded)
            confidence and correctness; default 1.

    Raises:
        ValueError: Arrays that differ in length, NaN, or ``correct`` that is not bool.
    """
    scores = as_vector(confidence, "confidences")
    hits = np.asarray(correct)
    if hits.shape != scores.shape or (len(hits) and hits.dtype != np.bool_):
        raise ValueError(
            f"The correctness has shape {hits.shape} and type {hits.dtype}; expected "
            f"{scores.shape}, bool, one value per confidence."
        )
    weights = np.ones(len(scores), dtype=np.int64) if num_items is None else num_items
    counts = as_counts(weights, "numbers of items", scores.shape)
    seen = counts > 0
    values, group = np.unique(-scores[seen], return_inverse=True)
    totals, errors = np.zeros((2, len(values)), dtype=np.int64)
    np.add.at(totals, group, counts[seen])
    np.add.at(errors, group, np.where(hits[seen], 0, counts[seen]))
    return RiskCurve(-values, np.cumsum(totals), np.cumsum(errors))


def area_under_roc(scores: npt.ArrayLike, correct: npt.ArrayLike, *, seed: int = 0) -> Estimate:
    """Estimate how well a score tells right from wrong: the area under the ROC curve.

    It is the probability that a right item has a higher score than a wrong one, ties counting half.
    The interval resamples the items.

    Args:
        scores: That rise with being right, shape ``(n_items,)``.
        correct: Whether each item is right, shape ``(n_items,)``, bool.
    """
    values, hits = as_vector(scores, "scores"), np.asarray(correct, dtype=np.bool_)
    num_right = int(hits.sum())
    if not 0 < num_right < len(hits):
        return Estimate.undefined("all items are right, or all are wrong", len(hits))
    group = np.unique(values, return_inverse=True)[1]
    drawn = np.random.default_rng(seed).multinomial(
        len(hits), np.full(len(hits), 1 / len(hits)), size=NUM_RESAMPLES
    )
    areas = np.array([_area(group, hits, weights) for weights in drawn])
    interval = percentile_interval(areas)
    return Estimate(_area(group, hits, np.ones(len(hits))), len(hits), interval)


def _area(group: IntArray, hits: BoolArray, weights: npt.NDArray[Any]) -> float:
    """Return the area where each item counts with a weight; NaN without right or wrong ones."""
    right = np.bincount(group, weights * hits)
    wrong = np.bincount(group, weights * ~hits, minlength=len(right))
    below = np.cumsum(wrong) - wrong / 2
    total = right.sum() * wrong.sum()
    return float((right * below).sum() / total) if total else float("nan")


def _scaled(rate: Estimate, factor: int, offset: int = 0) -> Estimate:
    """Convert a rate to an expected number, ``offset + factor * rate``."""
    if rate.value is None or rate.interval is None:
        return rate
    ends = sorted(offset + factor * end for end in (rate.interval.low, rate.interval.high))
    interval = Interval(ends[0], ends[1], rate.interval.level, rate.interval.method)
    return Estimate(offset + factor * rate.value, rate.n, interval)
