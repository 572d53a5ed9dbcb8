"""Whether a slice of the items is worse than the rest: each slice against all items outside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, as_vector
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    Estimate,
    Interval,
    log_factorials,
    proportion,
)


@dataclass(frozen=True, slots=True)
class SliceResult:
    """How a slice compares with the rest.

    Attributes:
        n: Items of the slice, of drawn ones those that are reviewed.
        num_right: Of them; None where the accuracy is estimated from drawn ones.
        accuracy: Of the slice; Wilson interval, or that of the estimate.
        difference: Accuracy of the slice less that of the rest, in [-1, 1], with Newcombe's
            interval; undefined where one of the two is empty.
        p_value: Fisher's exact test, two-sided, of equal accuracy; 1 where one of them is empty. Of
            estimates the normal test of their difference.
        adjusted_p_value: The same after Benjamini and Hochberg over all slices compared.
    """

    n: int
    num_right: int | None
    accuracy: Estimate
    difference: Estimate
    p_value: float
    adjusted_p_value: float


def compare_slices(
    slices: Sequence[tuple[int, int]], n: int, num_right: int, level: float = LEVEL
) -> list[SliceResult]:
    """Compare every slice with the items outside it.

    Args:
        slices: Items and right items of each slice; slices may overlap.
        n: All items.
        num_right: The right ones among them.

    Raises:
        ValueError: A slice with more items, or more right or wrong ones, than there are.
    """
    for place, (size, right) in enumerate(slices):
        if not (0 <= right <= size and right <= num_right and size - right <= n - num_right):
            raise ValueError(
                f"Slice {place} has {size} items and {right} right ones; all have {n} and "
                f"{num_right}. Count slice and whole over the same items."
            )
    p_values = [fisher_p_value(right, size, num_right, n) for size, right in slices]
    adjusted = benjamini_hochberg(p_values)
    return [
        SliceResult(
            n=size,
            num_right=right,
            accuracy=proportion(right, size, NO_ITEMS, level),
            difference=difference(right, size, num_right - right, n - size, level),
            p_value=p_value,
            adjusted_p_value=float(adjusted_p_value),
        )
        for (size, right), p_value, adjusted_p_value in zip(slices, p_values, adjusted, strict=True)
    ]


def difference(
    right_a: int, size_a: int, right_b: int, size_b: int, level: float = LEVEL
) -> Estimate:
    """Estimate the share of A less the share of B, of two groups without common items.

    Newcombe's (1998) hybrid score interval: it joins the two Wilson intervals, so it holds where
    groups are small or shares near 0 or 1. ``n`` of the estimate is the size of A.
    """
    return difference_of(
        proportion(right_a, size_a, "the slice is empty", level),
        proportion(right_b, size_b, "there are no items outside the slice", level),
    )


def difference_of(a: Estimate, b: Estimate) -> Estimate:
    """Estimate the share of A less that of B from independent estimates of the same level.

    Joins the two intervals as Newcombe (1998) joins Wilson's; ``n`` is that of A.
    """
    if a.value is None or a.interval is None:
        return a
    if b.value is None or b.interval is None:
        return Estimate.undefined(b.undefined_because or NO_ITEMS, a.n)
    gap = a.value - b.value
    below = math.hypot(a.value - a.interval.low, b.interval.high - b.value)
    above = math.hypot(a.interval.high - a.value, b.value - b.interval.low)
    return Estimate(gap, a.n, Interval(gap - below, gap + above, a.interval.level, "Newcombe"))


def compare_estimates(pairs: Sequence[tuple[Estimate, Estimate]]) -> list[SliceResult]:
    """Compare the estimated accuracy of every slice with that of the items outside it.

    Slices and rest have no common items, so that their estimates are taken for independent.

    Args:
        pairs: Of slice and rest, each with a value.
    """
    gaps = [difference_of(inside, outside) for inside, outside in pairs]
    p_values = [_p_value(gap) for gap in gaps]
    adjusted = benjamini_hochberg(p_values)
    return [
        SliceResult(inside.n, None, inside, gap, p_value, float(adjusted_p_value))
        for (inside, _), gap, p_value, adjusted_p_value in zip(
            pairs, gaps, p_values, adjusted, strict=True
        )
    ]


def _p_value(gap: Estimate) -> float:
    """Return the two-sided p value of a difference, from the end of its interval towards 0."""
    if gap.value is None or gap.interval is None or gap.value == 0:
        return 1.0
    nearest = gap.interval.high if gap.value < 0 else gap.interval.low
    spread = abs(nearest - gap.value) / NormalDist().inv_cdf((1 + gap.interval.level) / 2)
    return 2 * NormalDist().cdf(-abs(gap.value) / spread) if spread > 0 else 0.0


def fisher_p_value(right: int, size: int, num_right: int, n: int) -> float:
    """Test exactly, two-sided, whether a slice is as often right as the rest (Fisher 1922).

    Sums the probabilities of all splits of the right items that are no more likely than the one
    seen. Exact for small slices, where normal approximations are not.

    Args:
        right: Right items in the slice of ``size`` items.
        num_right: Right ones among all ``n`` items.
    """
    log_factorial = log_factorials(n + 1)
    fewest, most = max(0, size - (n - num_right)), min(size, num_right)
    hits = np.arange(fewest, most + 1)
    log_p = (
        log_factorial[num_right]
        - log_factorial[hits]
        - log_factorial[num_right - hits]
        + log_factorial[n - num_right]
        - log_factorial[size - hits]
        - log_factorial[n - num_right - size + hits]
        - (log_factorial[n] - log_factorial[size] - log_factorial[n - size])
    )
    # The same small slack as in R and scipy: equally likely splits differ by rounding.
    as_unlikely = log_p <= log_p[right - fewest] + 1e-7
    return min(1.0, float(np.exp(log_p[as_unlikely]).sum()))


def benjamini_hochberg(p_values: npt.ArrayLike) -> FloatArray:
    """Adjust p values so that those below a level hold at most that share of false discoveries.

    The step-up procedure of Benjamini and Hochberg (1995): each p value times the number of tests
    over its rank, made monotone from the largest down.

    Args:
        p_values: Shape ``(n_tests,)``, each in [0, 1].

    Returns:
        Adjusted p values in the same order, shape ``(n_tests,)``.

    Raises:
        ValueError: A value outside [0, 1].

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.04, 0.04]
    """
    p = as_vector(p_values, "p values")
    outside = (p < 0) | (p > 1)
    if outside.any():
        raise ValueError(
            f"The p value at place {int(outside.argmax())} is {p[outside][0]}; allowed is 0 to 1."
        )
    order = np.argsort(p)[::-1]
    ranks = np.arange(len(p), 0, -1)
    stepped = np.minimum.accumulate(p[order] * len(p) / ranks)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted
