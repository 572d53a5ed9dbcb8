"""Calibration error from sums over bins: what a database counts of more items than fit in memory.

``reliability`` resamples single items; with 100,000 of them that takes minutes. The gaps of the
bins are then sums over enough items to be practically normally distributed, and a draw of
them costs one number a bin instead of one an item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eci.arrays import FloatArray
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    Interval,
    percentile_interval,
)


@dataclass(frozen=True, slots=True)
class BinSums:
    """Sums over the items of one bin of confidence.

    Attributes:
        count: Items, at least 1.
        sum_gaps: Sum of right (1 or 0) less confidence.
        sum_squared_gaps: Sum of its squares.
        sum_variances: Sum of confidence times (1 - confidence).
    """

    count: int
    sum_gaps: float
    sum_squared_gaps: float
    sum_variances: float


def binned_ece(
    bins: Sequence[BinSums],
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> tuple[Estimate, Interval | None]:
    """Estimate the expected calibration error, and where it would lie by chance alone.

    Returns:
        The error with the basic bootstrap interval of ``reliability``, and the range of the
        error of perfectly calibrated probabilities; None without items.
    """
    n = sum(part.count for part in bins)
    if n == 0:
        return Estimate.undefined(NO_ITEMS), None
    means = np.array([part.sum_gaps for part in bins]) / n
    squares = np.array([part.sum_squared_gaps for part in bins]) / n
    rng = np.random.default_rng(seed)
    # Items fall into one bin each, so the bins' means are correlated by -mean * mean.
    covariance = (np.diag(squares) - np.outer(means, means)) / n
    drawn = rng.multivariate_normal(means, covariance, size=num_resamples, method="eigh")
    value = float(np.abs(means).sum())
    middle = percentile_interval(np.abs(drawn).sum(axis=1), level)
    low, high = max(0.0, 2 * value - middle.high), 2 * value - middle.low
    interval = Interval(min(low, value), max(high, value), level, "basic bootstrap, normal")
    spread = np.sqrt([part.sum_variances for part in bins]) / n
    return Estimate(value, n, interval), _by_chance(spread, rng, level, num_resamples)


def _by_chance(
    spread: FloatArray, rng: np.random.Generator, level: float, num_resamples: int
) -> Interval:
    simulated = np.abs(rng.normal(0, spread, size=(num_resamples, len(spread)))).sum(axis=1)
    interval = percentile_interval(simulated, level)
    return Interval(interval.low, interval.high, level, "simulated, perfectly calibrated, normal")
