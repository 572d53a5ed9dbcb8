"""A figure with its uncertainty: intervals for proportions and the bootstrap for all else.

Nothing here needs scipy: a page that draws a figure imports this in milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray

LEVEL: Final = 0.95
NUM_RESAMPLES: Final = 2000
NO_ITEMS: Final = "there are no items"
_BLOCK_CELLS: Final = 2**21
"""Numbers held at once while resampling: 16 MB of int64."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that holds the true value in ``level`` of all repetitions of the study.

    Attributes:
        level: Between 0 and 1, such as 0.95.
        method: How it was computed, in words for a table's footnote.
    """

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure, the number of items it is computed from, and its interval.

    Attributes:
        value: None exactly where ``undefined_because`` says why there is no value; never NaN.
        n: Number of items (or whatever the denominator counts) behind the value.
    """

    value: float | None
    n: int
    interval: Interval | None
    undefined_because: str | None = None

    @classmethod
    def undefined(cls, because: str, n: int = 0) -> Estimate:
        """Return an estimate without a value, and why."""
        return cls(None, n, None, because)


def check_level(level: float) -> None:
    """Refuse a confidence level outside (0, 1).

    Raises:
        ValueError: Such a level.
    """
    if not 0 < level < 1:
        raise ValueError(f"The confidence level is {level}; allowed is a share such as 0.95.")


def proportion(successes: float, n: int, because: str, level: float = LEVEL) -> Estimate:
    """Estimate a share with Wilson's score interval.

    Wilson's interval keeps its level for few items and for shares of 0 and 1, where the bootstrap
    collapses to a point.

    Args:
        successes: May be fractional, where ties share one success between several items.
        because: Why the share is undefined where ``n`` is 0.
    """
    check_level(level)
    if n == 0:
        return Estimate.undefined(because)
    share = successes / n
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    spread = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2) / (1 + z * z / n)
    # At the ends the exact bound is the end itself; rounding must not move it past the value.
    low = 0.0 if successes == 0 else centre - spread
    high = 1.0 if successes == n else centre + spread
    return Estimate(share, n, Interval(low, high, level, "Wilson"))


def mean(total: float, sum_squares: float, n: int, because: str, level: float = LEVEL) -> Estimate:
    """Estimate a mean from sums, with the normal interval of the mean.

    Args:
        total: Sum of the values; ``sum_squares`` is the sum of their squares.
        because: Why the mean is undefined where ``n`` is 0.
    """
    check_level(level)
    if n == 0:
        return Estimate.undefined(because)
    value = total / n
    if n == 1:
        return Estimate(value, n, None)
    variance = max(0.0, (sum_squares - n * value * value) / (n - 1))
    spread = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance / n)
    return Estimate(value, n, Interval(value - spread, value + spread, level, "normal"))


def resampled_rate(
    counts: npt.ArrayLike,
    costs: npt.ArrayLike,
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> tuple[float, FloatArray]:
    """Compute what is found per cost, the ratio of two sums, and its resamples by the bootstrap.

    Args:
        counts: Found by each unit, shape ``(n,)``, with at least one unit.
        costs: Of each unit, same shape, positive.

    Returns:
        The rate, and shape ``(num_resamples,)``.
    """
    found, spent = np.asarray(counts, np.float64), np.asarray(costs, np.float64)
    n = len(found)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=num_resamples)
    return float(found.sum() / spent.sum()), (weights @ found) / (weights @ spent)


def bootstrap(
    counts: IntArray,
    statistic: Callable[[IntArray], FloatArray],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> FloatArray:
    """Compute a statistic of many resamples of the items behind a table of counts.

    Drawing n items with replacement from the n items at hand and counting them by cell gives cell
    counts that are multinomial with n draws and probabilities ``counts / n``. A statistic that
    sees only the counts therefore has the same distribution when the counts are drawn directly,
    which is far faster. Items that must stay apart are cells with a count of 1.

    Args:
        counts: Items per cell, any shape, with at least one item.
        statistic: Gets stacked resamples, shape ``(b, *counts.shape)``, and returns ``(b, ...)``.

    Returns:
        Shape ``(num_resamples, ...)``; the same seed gives the same figures.

    Raises:
        ValueError: No items, or fewer than one resample.
    """
    n = int(counts.sum())
    if n == 0 or num_resamples < 1:
        raise ValueError(
            f"A bootstrap of {n} items with {num_resamples} resamples is impossible; both must be "
            "at least 1."
        )
    occupied = np.flatnonzero(counts)
    cells = counts.ravel()[occupied]
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // max(counts.size, min(n, 5 * len(cells))))
    parts = []
    for start in range(0, num_resamples, block):
        size = min(block, num_resamples - start)
        resamples = np.zeros((size, counts.size), dtype=np.int64)
        resamples[:, occupied] = _draw(rng, cells, n, size)
        parts.append(statistic(resamples.reshape(size, *counts.shape)))
    return np.concatenate(parts)


def _draw(rng: np.random.Generator, cells: IntArray, n: int, size: int) -> IntArray:
    """Draw ``size`` resamples of ``n`` items, shape ``(size, len(cells))``."""
    if n > 5 * len(cells):  # a binomial draw per cell costs about five times a draw per item
        return rng.multinomial(n, cells / n, size=size)
    items = np.repeat(np.arange(len(cells)), cells)
    drawn = items[rng.integers(0, n, size=(size, n))] + len(cells) * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * len(cells)).reshape(size, len(cells))


def percentile_interval(resampled: FloatArray, level: float = LEVEL) -> Interval:
    """Compute the bootstrap percentile interval of a statistic's resamples, shape ``(b,)``.

    NaN marks a resample in which the statistic is undefined (a rare label was not drawn); such
    resamples are left out.
    """
    check_level(level)
    low, high = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, "bootstrap percentile")


def binomial_pmf(successes: npt.ArrayLike, n: npt.ArrayLike, share: float) -> FloatArray:
    """Return the probability of exactly ``successes`` in ``n`` draws; 0 where successes > n.

    Args:
        successes: Whole numbers, broadcast against ``n``.
        share: Probability of a success, strictly between 0 and 1.
    """
    k, m = np.broadcast_arrays(np.asarray(successes, np.int64), np.asarray(n, np.int64))
    inside = k <= m
    hit = np.where(inside, k, 0)
    log_pmf = _log_choose(hit, m) + hit * math.log(share) + (m - hit) * math.log1p(-share)
    pmf: FloatArray = np.where(inside, np.exp(log_pmf), 0.0)
    return pmf


def binomial_cdf(successes: int, n: int, share: float) -> float:
    """Return the probability of at most ``successes`` in ``n`` draws."""
    return min(1.0, float(binomial_pmf(np.arange(successes + 1), n, share).sum()))


def log_factorials(size: int) -> FloatArray:
    """Return the logarithms of 0!, 1! ... of at least ``size`` numbers."""
    return _log_factorials(1 << (size - 1).bit_length())


@lru_cache(maxsize=24)
def _log_factorials(size: int) -> FloatArray:
    return np.array([math.lgamma(number + 1) for number in range(size)])


def _log_choose(chosen: IntArray, n: IntArray) -> FloatArray:
    """Compute the logarithm of the binomial coefficient, shape of the arguments."""
    log_factorial = log_factorials(int(n.max(initial=0)) + 1)
    log_ways: FloatArray = log_factorial[n] - log_factorial[chosen] - log_factorial[n - chosen]
    return log_ways
