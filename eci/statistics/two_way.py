"""Intervals for other readers and other items: both are resampled (two-way bootstrap).

Resampling items alone answers how a figure would move with other items and the same readers. Where
it is to hold for readers who were not asked, they are resampled too, independently, and a rating
counts as often as its item and its reader were drawn (pigeonhole bootstrap: Owen 2007, Owen and
Eckles 2012; mildly conservative). A reader drawn twice is not compared with himself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray
from eci.statistics.agreement import design_weights, figures_of_pairs, figures_of_sums
from eci.statistics.estimates import LEVEL, Interval, check_level

NAME: Final = "two-way bootstrap"
NUM_RESAMPLES: Final = 1000
MIN_READERS: Final = 3
"""With fewer readers a resample often holds only one of them."""
_BLOCK_CELLS: Final = 2**22

Intervals = tuple[Interval | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Who gave which category to which item, one row a rating, sorted by item.

    Attributes:
        items: Number of the item of each rating, ascending, shape ``(n_ratings,)``.
        readers: Number of its reader, same shape.
        categories: Number of the category, same shape.
    """

    items: IntArray
    readers: IntArray
    categories: IntArray

    @classmethod
    def of(cls, items: npt.ArrayLike, readers: npt.ArrayLike, categories: npt.ArrayLike) -> Ratings:
        """Number items and readers from 0 without gaps and sort by item.

        Raises:
            ValueError: Shapes that differ.
        """
        given = [np.asarray(part) for part in (items, readers, categories)]
        if any(part.ndim != 1 or len(part) != len(given[0]) for part in given):
            raise ValueError(
                f"The ratings have shapes {[part.shape for part in given]}; expected one item, one "
                "reader and one category a rating."
            )
        item, reader = (np.unique(part, return_inverse=True)[1] for part in given[:2])
        order = np.lexsort((given[2], item))
        return cls(item[order], reader[order], given[2][order].astype(np.int64))

    @property
    def num_readers(self) -> int:
        """Return how many readers there are."""
        return int(self.readers.max(initial=-1)) + 1


def agreement_intervals(
    ratings: Ratings,
    num_categories: int,
    distances: FloatArray | None = None,
    *,
    drawn: FloatArray | None = None,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Compute intervals of percent agreement, Fleiss' kappa, Krippendorff's alpha and Gwet's AC1.

    Args:
        distances: As in ``agreement``.
        drawn: Probability with which each item was drawn, by the items' numbers; even when None.

    Returns:
        None for each where there are fewer than ``MIN_READERS`` readers.
    """
    cell = ratings.items * num_categories + ratings.categories
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    cells = _Cells(
        cell[starts] // num_categories,
        np.eye(num_categories)[cell[starts] % num_categories],
        1.0 - np.eye(num_categories) if distances is None else distances,
        is_nominal=distances is None,
    )
    item_starts = np.flatnonzero(np.diff(ratings.items, prepend=-1))

    def figures(by_item: FloatArray, by_reader: FloatArray) -> FloatArray:
        weights = by_reader[:, ratings.readers]
        counts = np.add.reduceat(weights, starts, axis=1)
        copies = np.add.reduceat(weights * weights, item_starts, axis=1)
        return figures_of_sums(_sums(counts, copies, by_item, cells), num_categories, cells.apart)

    return _resampled(
        ratings, _weighted(figures, drawn), 4, 3 * num_categories, level, num_resamples, seed
    )


def pair_intervals(
    ratings: Ratings,
    gold: npt.ArrayLike,
    num_categories: int,
    *,
    drawn: FloatArray | None = None,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Compute intervals of how far ratings agree with gold labels: the figures of a paired table.

    Args:
        gold: Category of the gold label of each item, by the items' numbers.
        drawn: As in ``agreement_intervals``.

    Returns:
        Percent, Cohen's and Fleiss' kappa, alpha and AC1.
    """
    place = np.asarray(gold, np.int64)[ratings.items] * num_categories + ratings.categories
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    cells = place[order][starts]

    def figures(by_item: FloatArray, by_reader: FloatArray) -> FloatArray:
        weights = (by_item[:, ratings.items] * by_reader[:, ratings.readers])[:, order]
        tables = np.zeros((len(weights), num_categories**2))
        tables[:, cells] = np.add.reduceat(weights, starts, axis=1)
        return figures_of_pairs(tables.reshape(-1, num_categories, num_categories))

    return _resampled(ratings, _weighted(figures, drawn), 5, 1, level, num_resamples, seed)


def share_interval(
    ratings: Ratings,
    *,
    drawn: FloatArray | None = None,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """Compute the interval of the share of ratings with category 1, the others having 0.

    Args:
        drawn: As in ``agreement_intervals``.
    """

    def figures(by_item: FloatArray, by_reader: FloatArray) -> FloatArray:
        weights = by_item[:, ratings.items] * by_reader[:, ratings.readers]
        totals = weights.sum(axis=1)
        hits = weights @ (ratings.categories == 1)
        shares: FloatArray = np.where(totals > 0, hits / np.where(totals > 0, totals, 1), np.nan)
        return np.minimum(shares, 1)[:, None]  # rounding of weights

    return _resampled(ratings, _weighted(figures, drawn), 1, 1, level, num_resamples, seed)[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The pairs of item and category that have a rating, by item.

    ``items``: of each, ``(n_cells,)``; ``categories``: one-hot, ``(n_cells, n_categories)``.
    """

    items: IntArray
    categories: FloatArray
    apart: FloatArray
    is_nominal: bool

    def add(self, values: FloatArray) -> FloatArray:
        """Add values of the cells, ``(b, n_cells)``, up for each item, ``(b, n_items)``."""
        return np.add.reduceat(values, np.flatnonzero(np.diff(self.items, prepend=-1)), axis=1)

    def disagreement(self, counts: FloatArray, totals: FloatArray, alike: FloatArray) -> FloatArray:
        """Return the distances of all pairs of ratings of each item added up, ``(b, n_items)``."""
        if self.is_nominal:
            distances: FloatArray = totals * totals - alike
            return distances
        dense = np.zeros((len(counts), totals.shape[1], len(self.apart)))
        dense[:, self.items, self.categories.argmax(axis=1)] = counts
        return np.asarray(((dense @ self.apart) * dense).sum(axis=2))


def _sums(counts: FloatArray, copies: FloatArray, by_item: FloatArray, cells: _Cells) -> FloatArray:
    """Add over items what ``figures_of_sums`` reads; pairs of copies of one reader are left out.

    Args:
        counts: Ratings by resample and cell; ``copies``: sums of squared weights by item.
    """
    totals, alike = cells.add(counts), cells.add(counts * counts)
    pairs = totals * totals - copies
    paired = pairs > 0.5
    counted = by_item * paired
    share = counted / np.where(paired, pairs, 1)
    unlike = cells.disagreement(counts, totals, alike)
    columns = [
        counted.sum(axis=1),
        (share * (alike - copies)).sum(axis=1),
        (by_item * (totals > 0)).sum(axis=1),
        (share * totals * unlike).sum(axis=1),
    ]
    of_rated = by_item / np.maximum(totals, 1e-9)
    shares = (counts * of_rated[:, cells.items]) @ cells.categories
    by_category = (counts * counted[:, cells.items]) @ cells.categories
    sums: FloatArray = np.concatenate([np.stack(columns, axis=1), shares, by_category], axis=1)
    return sums


def _weighted(
    figures: Callable[[FloatArray, FloatArray], FloatArray], drawn: FloatArray | None
) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """Return figures of which each item counts as often as it stands for others."""
    if drawn is None:
        return figures
    weights = design_weights(drawn, np.ones(len(drawn), dtype=np.int64))
    return lambda by_item, by_reader: figures(by_item * weights, by_reader)


def _resampled(
    ratings: Ratings,
    figures: Callable[[FloatArray, FloatArray], FloatArray],
    num_figures: int,
    width: int,
    level: float,
    num_resamples: int,
    seed: int,
) -> Intervals:
    """Draw readers and items and return the percentile interval of each figure.

    Args:
        width: Numbers an item that one resample takes.
    """
    check_level(level)
    num_readers = ratings.num_readers
    if num_readers < MIN_READERS:
        return (None,) * num_figures
    num_items = int(ratings.items.max()) + 1
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // (len(ratings.items) + num_items * width))
    parts = []
    for start in range(0, num_resamples, block):
        size = min(block, num_resamples - start)
        drawn = [
            rng.multinomial(number, np.full(number, 1 / number), size=size).astype(np.float64)
            for number in (num_items, num_readers)
        ]
        parts.append(figures(*drawn))
    columns = np.concatenate(parts).T
    ends = [(1 - level) / 2, (1 + level) / 2]
    return tuple(_interval(column, ends, level) for column in columns)


def _interval(column: FloatArray, ends: list[float], level: float) -> Interval | None:
    if np.isnan(column).all():
        return None
    low, high = np.nanquantile(column, ends)
    return Interval(float(low), float(high), level, NAME)
