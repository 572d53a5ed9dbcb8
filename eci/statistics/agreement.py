"""How far people agree: with each other, with the gold label and with themselves.

Everything is computed from counts, so that a database can count. Ratings of items lie in patterns:
a pattern says how many ratings of an item fell into each category, and ``num_items`` says how many
items look like that. Two raters, or a rater and the gold label, lie in tables whose rows are the
first one's categories and whose columns are the second one's. Intervals resample whole items, since
the ratings of one item are not independent of each other.

Every coefficient is ``(observed - chance) / (1 - chance)``; they differ in what they call chance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray, as_counts
from eci.statistics.estimates import (
    LEVEL,
    NUM_RESAMPLES,
    Estimate,
    Interval,
    bootstrap,
    percentile_interval,
    proportion,
)

NO_PAIRS: Final = "no item has two ratings"
NO_SHARED_ITEMS: Final = "there is no item that both labelled"
ALL_ALIKE: Final = "every rating is the same, so that chance alone agrees fully"
MORE_THAN_TWO: Final = "it compares two people; see their pairs"
ONE_CATEGORY: Final = "there is only one category"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far ratings agree, each coefficient with its interval or why there is none.

    Attributes:
        n_items: Items with at least two ratings.
        n_pairs: Pairs of ratings of one item that were compared.
        percent: Share in [0, 1] of pairs of ratings of one item that agree, averaged over items.
        cohen_kappa: Cohen 1960; chance from each rater's own shares. Two raters only.
        fleiss_kappa: Fleiss 1971 in the form of Gwet 2014 that allows for missing ratings; chance
            from the mean shares of the categories. For two raters it is Scott's pi.
        krippendorff_alpha: Krippendorff 2011, nominal or with distances; missing ratings allowed.
        gwet_ac1: Gwet 2008; holds where one category is far more frequent than the others.
    """

    n_items: int
    n_pairs: int
    percent: Estimate
    cohen_kappa: Estimate
    fleiss_kappa: Estimate
    krippendorff_alpha: Estimate
    gwet_ac1: Estimate


def agreement(
    patterns: npt.ArrayLike,
    num_items: npt.ArrayLike | None = None,
    *,
    distances: npt.ArrayLike | None = None,
    drawn: npt.ArrayLike | None = None,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """Compute how far any number of raters agree.

    Args:
        patterns: Shape ``(n_patterns, n_categories)``: ratings of an item by category.
        num_items: Items of each pattern; one each when None.
        distances: For alpha: how far two categories are apart, shape ``(n_categories,) * 2``, zero
            on the diagonal, in [0, 1]; nominal (every two different ones are 1 apart) when None.
        drawn: With which probability the items of each pattern were drawn, so that figures hold for
            all items that they were drawn from; even when None.

    Raises:
        ValueError: Shapes that do not fit, or counts that are not whole or are negative.

    Example:
        >>> found = agreement([[3, 0], [2, 1], [0, 3]])
        >>> round(found.percent.value, 3), round(found.fleiss_kappa.value, 3)
        (0.778, 0.55)
    """
    counts = as_counts(patterns, "patterns")
    if counts.ndim != 2:
        raise ValueError(f"The patterns have shape {counts.shape}; expected two dimensions.")
    size = counts.shape[1]
    weights = _weights(num_items, len(counts))
    apart = 1.0 - np.eye(size) if distances is None else _checked_distances(distances, size)
    rated = counts.sum(axis=1)
    weights = np.where(rated > 0, weights, 0)
    n_items = int(weights[rated >= 2].sum())
    if n_items == 0:
        return _all_undefined(NO_PAIRS)
    sums = agreement_sums(counts, apart) * design_weights(drawn, weights)[:, None]

    def figures(resampled: IntArray) -> FloatArray:
        return figures_of_sums(resampled @ sums, size, apart)

    percent, fleiss, alpha, ac1 = _estimates(
        weights,
        figures,
        n_items,
        (ALL_ALIKE, ALL_ALIKE, _why_no_ac1(size)),
        level,
        num_resamples,
        seed,
    )
    return Agreement(
        n_items=n_items,
        n_pairs=int(weights @ (rated * (rated - 1) // 2)),
        percent=percent,
        cohen_kappa=Estimate.undefined(MORE_THAN_TWO, n_items),
        fleiss_kappa=fleiss,
        krippendorff_alpha=alpha,
        gwet_ac1=ac1,
    )


def pair_agreement(
    tables: npt.ArrayLike,
    num_items: npt.ArrayLike | None = None,
    *,
    drawn: npt.ArrayLike | None = None,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """Compute how far two raters agree, or raters and the gold label.

    Args:
        tables: Shape ``(n_categories, n_categories)`` where every item counts once; or
            ``(n_patterns, n_categories, n_categories)`` where an item holds several pairs, such as
            three ratings, each paired with the same gold label. Items are then resampled as a
            whole.
        num_items: Items of each pattern; only with three dimensions.
        drawn: As in ``agreement``; only with three dimensions.

    Raises:
        ValueError: Shapes that do not fit, or counts that are not whole or are negative.

    Example:
        >>> round(pair_agreement([[20, 5], [10, 15]]).cohen_kappa.value, 3)
        0.4
    """
    counts = as_counts(tables, "tables")
    if counts.ndim not in (2, 3) or counts.shape[-1] != counts.shape[-2]:
        raise ValueError(
            f"The tables have shape {counts.shape}; expected (n_categories, n_categories), or that "
            "for each pattern of items."
        )
    size = counts.shape[-1]
    if counts.ndim == 2:  # a table of single pairs is a pattern for each cell
        cells = np.flatnonzero(counts)
        flat = np.eye(counts.size)[cells]
        weights = counts.ravel()[cells]
    else:
        flat = counts.reshape(len(counts), size * size).astype(np.float64)
        weights = np.where(flat.any(axis=1), _weights(num_items, len(counts)), 0)
    total = int((weights @ flat).sum())
    if total == 0:
        return _all_undefined(NO_SHARED_ITEMS)
    if counts.ndim == 3:
        flat = flat * design_weights(drawn, weights)[:, None]

    def figures(resampled: IntArray) -> FloatArray:
        return figures_of_pairs((resampled @ flat).reshape(-1, size, size))

    reasons = (ALL_ALIKE, ALL_ALIKE, ALL_ALIKE, _why_no_ac1(size))
    n_items = int(weights.sum())
    found = _estimates(weights, figures, n_items, reasons, level, num_resamples, seed)
    return Agreement(n_items, total, *found)


def clustered_share(
    hits: npt.ArrayLike,
    totals: npt.ArrayLike,
    num_items: npt.ArrayLike | None = None,
    *,
    because: str,
    drawn: npt.ArrayLike | None = None,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Estimate a share of ratings, with an interval that resamples items.

    Ratings of one item hang together, so an interval that took them for independent would be too
    narrow.

    Args:
        hits: Ratings of an item that have the property, one number per pattern of items.
        totals: Ratings of such an item that could have had it.
        num_items: Items of each pattern; one each when None.
        because: Why the share is undefined where there is no rating.
        drawn: As in ``agreement``.

    Returns:
        An estimate whose ``n`` counts ratings.
    """
    found, rated = as_counts(hits, "hits"), as_counts(totals, "totals")
    if found.shape != rated.shape or (found > rated).any():
        raise ValueError("Each pattern needs as many ratings as hits, or more.")
    weights = _weights(num_items, len(rated))
    weights = np.where(rated > 0, weights, 0)
    n = int(weights @ rated)
    if n == 0:
        return Estimate.undefined(because)
    pairs = np.stack([found, rated], axis=1) * design_weights(drawn, weights)[:, None]

    def share(resampled: IntArray) -> FloatArray:
        sums = resampled @ pairs
        ratio: FloatArray = sums[..., :1] / sums[..., 1:]
        return ratio

    resampled = bootstrap(weights, share, num_resamples=num_resamples, seed=seed)[:, 0]
    value = float(share(weights)[0])
    return _share_estimate(value, n, int(weights.sum()), resampled, level)


def masi_distances(sets: Sequence[Collection[str]]) -> FloatArray:
    """Return how far sets of labels are apart, shape ``(n_sets, n_sets)``, in [0, 1].

    One less the Jaccard index weighted by how the sets lie: 1 where equal, 2/3 where one holds the
    other, 1/3 where they merely overlap (MASI; Passonneau 2006). Two empty sets are equal.

    Example:
        >>> masi_distances([{"A"}, {"A", "B"}, {"B"}]).round(3).tolist()[0]
        [0.0, 0.667, 1.0]
    """
    frozen = [frozenset(labels) for labels in sets]
    return np.array([[_masi(one, other) for other in frozen] for one in frozen]).reshape(
        len(frozen), len(frozen)
    )


def _masi(one: frozenset[str], other: frozenset[str]) -> float:
    if one == other:
        return 0.0
    shared = len(one & other)
    nested = one <= other or other <= one
    return 1.0 - (2 / 3 if nested else 1 / 3) * shared / len(one | other)


def design_weights(drawn: npt.ArrayLike | None, num_items: IntArray) -> FloatArray:
    """Return inverse inclusion probabilities that sum to the number of items, ``(n_patterns,)``.

    Args:
        drawn: The probabilities of the items of each pattern; all alike when None.

    Raises:
        ValueError: A probability outside (0, 1], or of another shape.
    """
    if drawn is None:
        return np.ones(len(num_items))
    chances = np.asarray(drawn, dtype=np.float64)
    if chances.shape != num_items.shape or not ((chances > 0) & (chances <= 1)).all():
        raise ValueError(
            f"The inclusion probabilities have shape {chances.shape}; expected one in (0, 1] for "
            f"each of {len(num_items)} patterns."
        )
    inverse: FloatArray = 1 / chances
    scaled: FloatArray = inverse * (num_items.sum() / max(float(num_items @ inverse), 1e-12))
    return scaled


def _weights(num_items: npt.ArrayLike | None, num_patterns: int) -> IntArray:
    given = np.ones(num_patterns, dtype=np.int64) if num_items is None else num_items
    return as_counts(given, "numbers of items", (num_patterns,))


def _checked_distances(distances: npt.ArrayLike, size: int) -> FloatArray:
    array = np.asarray(distances, dtype=np.float64)
    fits = array.shape == (size, size)
    if not fits or np.diag(array).any() or (array != array.T).any() or (array < 0).any():
        raise ValueError(
            f"The distances have shape {array.shape}; expected ({size}, {size}), symmetric, not "
            "negative, with zeros on the diagonal."
        )
    return array


def agreement_sums(counts: IntArray, apart: FloatArray) -> FloatArray:
    """Return what an item of each pattern adds to the sums of ``figures_of_sums``."""
    rated = counts.sum(axis=1)
    paired = rated >= 2
    pairs = np.where(paired, rated * (rated - 1), 1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / pairs
    shares = counts / np.maximum(rated, 1)[:, None]
    unlike = np.einsum("pc,ck,pk->p", counts, apart, counts) / np.maximum(rated - 1, 1)
    columns = [paired, agreeing * paired, rated >= 1, unlike * paired]
    return np.concatenate(
        [np.stack(columns, axis=1), shares, counts * paired[:, None]], axis=1, dtype=np.float64
    )


def figures_of_sums(sums: FloatArray, size: int, apart: FloatArray) -> FloatArray:
    """Compute percent, Fleiss' kappa, alpha and AC1 from sums over items, shape ``(..., 4)``."""
    n_paired, agreeing, n_rated, unlike = np.moveaxis(sums[..., :4], -1, 0)
    shares = sums[..., 4 : 4 + size] / n_rated[..., None]
    by_category = sums[..., 4 + size :]
    values = by_category.sum(axis=-1)
    percent = _ratio(agreeing, n_paired)
    by_chance = np.einsum("...c,ck,...k->...", by_category, apart, by_category)
    return np.stack(
        [
            percent,
            _beyond_chance(percent, (shares**2).sum(axis=-1)),
            1 - _ratio(unlike * (values - 1), by_chance),
            _beyond_chance(percent, _ac1_chance(shares)),
        ],
        axis=-1,
    )


def figures_of_pairs(tables: FloatArray) -> FloatArray:
    """Compute percent, Cohen's and Fleiss' kappa, alpha and AC1 of tables, shape ``(..., 5)``."""
    n = tables.sum(axis=(-2, -1))
    rows, columns = tables.sum(axis=-1), tables.sum(axis=-2)
    same = np.trace(tables, axis1=-2, axis2=-1)
    percent = _ratio(same, n)
    both = rows + columns
    shares = _ratio(both, 2 * n[..., None])
    by_chance = 4 * n**2 - (both**2).sum(axis=-1)
    return np.stack(
        [
            percent,
            _beyond_chance(percent, _ratio((rows * columns).sum(axis=-1), n**2)),
            _beyond_chance(percent, (shares**2).sum(axis=-1)),
            1 - _ratio(2 * (n - same) * (2 * n - 1), by_chance),
            _beyond_chance(percent, _ac1_chance(shares)),
        ],
        axis=-1,
    )


def _ac1_chance(shares: FloatArray) -> FloatArray:
    size = shares.shape[-1]
    spread = (shares * (1 - shares)).sum(axis=-1)
    chance: FloatArray = spread / (size - 1) if size > 1 else np.full_like(spread, np.nan)
    return chance


def _beyond_chance(observed: FloatArray, chance: FloatArray) -> FloatArray:
    return _ratio(observed - chance, 1 - chance)


def _ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> FloatArray:
    """Divide; NaN where the denominator is zero up to rounding."""
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    )
    ratio = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=ratio, where=np.abs(bottom) > 1e-12)
    return ratio


def _estimates(
    weights: IntArray,
    figures: Callable[[IntArray], FloatArray],
    n_items: int,
    reasons: Sequence[str],
    level: float,
    num_resamples: int,
    seed: int,
) -> list[Estimate]:
    """Return percent and the coefficients with their intervals; a reason for each coefficient."""
    values = figures(weights[None])[0]
    resampled = bootstrap(weights, figures, num_resamples=num_resamples, seed=seed).T
    percent = _share_estimate(float(values[0]), n_items, n_items, resampled[0], level)
    coefficients = [
        Estimate.undefined(reason, n_items)
        if np.isnan(value)
        else Estimate(float(value), n_items, _interval(column, n_items, level))
        for value, column, reason in zip(values[1:], resampled[1:], reasons, strict=True)
    ]
    return [percent, *coefficients]


def _share_estimate(
    value: float, n: int, n_items: int, resampled: FloatArray, level: float
) -> Estimate:
    """Return a share its bootstrap interval; at 0 and 1, where that is a point, Wilson's."""
    if value in (0.0, 1.0):
        wilson = proportion(value * n_items, n_items, NO_PAIRS, level)
        return Estimate(value, n, wilson.interval)
    return Estimate(value, n, _interval(resampled, n_items, level))


def _interval(resampled: FloatArray, n_items: int, level: float) -> Interval | None:
    """Return the bootstrap interval; None for a single item, whose resamples are all the same."""
    return None if n_items < 2 else percentile_interval(resampled, level)


def _why_no_ac1(size: int) -> str:
    return ONE_CATEGORY if size < 2 else ALL_ALIKE


def _all_undefined(because: str) -> Agreement:
    nothing = Estimate.undefined(because)
    return Agreement(0, 0, nothing, nothing, nothing, nothing, nothing)
