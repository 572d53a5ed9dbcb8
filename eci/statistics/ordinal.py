"""How far labels of an order are apart: weighted kappa, rank error, and distances for alpha."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray, as_counts
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    bootstrap,
    percentile_interval,
)

ALL_ALIKE = "every label is the same, so that chance alone agrees fully"


def weighted_kappa(
    table: npt.ArrayLike,
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Compute Cohen's kappa with quadratic weights (Cohen 1968) of two raters, or a run and gold.

    Scikit-learn's ``cohen_kappa_score(weights="quadratic")``; the interval resamples items.

    Args:
        table: How often the first says row and the second column, labels in their order, shape
            ``(n_labels, n_labels)``.

    Example:
        >>> round(weighted_kappa([[20, 5, 0], [3, 15, 2], [0, 4, 11]]).value, 3)
        0.814
    """
    counts = _square(table)
    weight = _apart(len(counts)) ** 2

    def kappa(tables: FloatArray) -> FloatArray:
        chance = tables.sum(axis=2)[:, :, None] * tables.sum(axis=1)[:, None, :]
        expected = (weight * chance).sum(axis=(1, 2)) / tables.sum(axis=(1, 2))
        observed = (weight * tables).sum(axis=(1, 2))
        ratio = np.full(len(tables), np.nan)
        np.divide(observed, expected, out=ratio, where=expected > 0)
        return np.asarray(1 - ratio)

    return _estimate(counts, kappa, level, num_resamples, seed)


def mean_rank_error(
    table: npt.ArrayLike,
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Compute how many steps in the order a label is from the gold label, on average.

    Scikit-learn's ``mean_absolute_error`` of ranks; the interval resamples items.

    Args:
        table: Gold labels in rows, given labels in columns, both in their order.

    Example:
        >>> mean_rank_error([[2, 0, 1], [0, 1, 0], [0, 0, 0]]).value
        0.5
    """
    counts = _square(table)
    apart = _apart(len(counts))

    def error(tables: FloatArray) -> FloatArray:
        return np.asarray((apart * tables).sum(axis=(1, 2)) / tables.sum(axis=(1, 2)))

    return _estimate(counts, error, level, num_resamples, seed)


def ordinal_distances(counts: npt.ArrayLike) -> FloatArray:
    """Return how far labels of an order are apart, shape ``(n_labels, n_labels)``, in [0, 1].

    Krippendorff's ordinal difference (Krippendorff 2011): the square of the number of ratings from
    one label to the other, with half of those of the two, divided by the largest.

    Args:
        counts: How often each label was given, in order, to items with two ratings.

    Example:
        >>> ordinal_distances([1, 1, 1]).tolist()[0]
        [0.0, 0.25, 1.0]
    """
    given = as_counts(counts, "counts")
    middle = np.cumsum(given) - given / 2
    apart = (middle[:, None] - middle[None, :]) ** 2
    largest = apart.max(initial=0.0)
    return np.asarray(apart / largest if largest > 0 else 1.0 - np.eye(len(given)))


def _square(table: npt.ArrayLike) -> IntArray:
    counts = as_counts(table, "table")
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"The table has shape {counts.shape}; expected (n_labels, n_labels).")
    return counts


def _apart(size: int) -> FloatArray:
    rank = np.arange(size, dtype=np.float64)
    return np.asarray(np.abs(rank[:, None] - rank[None, :]))


def _estimate(
    counts: IntArray,
    figure: Callable[[FloatArray], FloatArray],
    level: float,
    num_resamples: int,
    seed: int,
) -> Estimate:
    """Return the figure of a table of items with its bootstrap interval."""
    n = int(counts.sum())
    if n == 0:
        return Estimate.undefined(NO_ITEMS)
    cells = np.flatnonzero(counts)
    placed = np.eye(counts.size)[cells]

    def of_tables(resampled: IntArray) -> FloatArray:
        return figure((resampled @ placed).reshape(-1, *counts.shape))[:, None]

    value = float(figure(counts[None].astype(np.float64))[0])
    if np.isnan(value):
        return Estimate.undefined(ALL_ALIKE, n)
    drawn = bootstrap(counts.ravel()[cells], of_tables, num_resamples=num_resamples, seed=seed)
    known = drawn[~np.isnan(drawn[:, 0]), 0]
    return Estimate(value, n, percentile_interval(known, level) if len(known) > 1 else None)
