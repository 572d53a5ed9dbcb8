"""Medians and quartiles with intervals that assume no distribution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, as_vector
from eci.statistics.estimates import LEVEL, Estimate, Interval, binomial_pmf, check_level


def quantile(values: npt.ArrayLike, share: float, because: str, level: float = LEVEL) -> Estimate:
    """Estimate the value below which ``share`` of all values lie.

    The interval runs between two of the values themselves. How many of n values lie below the true
    quantile is binomial, whatever their distribution (David and Nagaraja 2003, section 7.1); the
    interval therefore has at least its level. Few values have none: there is no such pair.

    Args:
        values: Shape ``(n,)``.
        share: Strictly between 0 and 1; 0.5 for the median.
        because: Why there is no quantile where there are no values.

    Raises:
        ValueError: A value that is NaN or infinite, or a share outside (0, 1).

    Example:
        >>> found = quantile(range(1, 101), 0.5, "no annotation was timed")
        >>> found.value, found.interval.low, found.interval.high
        (50.5, 40.0, 61.0)
    """
    check_level(level)
    if not 0 < share < 1:
        raise ValueError(f"The share is {share}; allowed is more than 0 and less than 1.")
    ordered = np.sort(as_vector(values, "values"))
    if not len(ordered):
        return Estimate.undefined(because)
    value = float(np.quantile(ordered, share))
    return Estimate(value, len(ordered), _interval(ordered, share, level))


def _interval(ordered: FloatArray, share: float, level: float) -> Interval | None:
    n = len(ordered)
    below = np.cumsum(binomial_pmf(np.arange(n + 1), np.full(n + 1, n), share))
    tail = (1 - level) / 2
    # Ranks from 1: the low one has fewer than it below the quantile only with probability <= tail.
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    if low < 1 or high > n:
        return None
    return Interval(float(ordered[low - 1]), float(ordered[high - 1]), level, "order statistics")
