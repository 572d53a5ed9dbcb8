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
from eci.statistics.agreement import figures_of_pairs, figures_of_sums
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
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Compute intervals of percent agreement, Fleiss' kappa, Krippendorff's alpha and Gwet's AC1.

    Args:
        distances: As in ``agreement``.

    Returns:
        None for each where there are fewer than ``MIN_READERS`` readers.
    """
    apart = 1.0 - np.eye(num_categories) if distances is None else distances
    cell = ratings.items * num_categories + ratings.categories
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    cells = cell[starts]
    item_starts = np.flatnonzero(np.diff(ratings.items, prepend=-1))
    n_items = len(item_starts)

    def figures(by_item: FloatArray, by_reader: FloatArray) -> FloatArray:
        weights = by_reader[:, ratings.readers]
        counts = np.zeros((len(weights), n_items * num_categories))
        counts[:, cells] = np.add.reduceat(weights, starts, axis=1)
        by_category = counts.reshape(len(weights), n_items, num_categories)
        copies = np.add.reduceat(weights**2, item_starts, axis=1)
        return figures_of_sums(_sums(by_category, copies, by_item, apart), num_categories, apart)

    return _resampled(ratings, figures, 4, level, num_resamples, seed)


def pair_intervals(
    ratings: Ratings,
    gold: npt.ArrayLike,
    num_categories: int,
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Compute intervals of how far ratings agree with gold labels: the figures of a paired table.

    Args:
        gold: Category of the gold label of each item, by the items' numbers.

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

    return _resampled(ratings, figures, 5, level, num_resamples, seed)


def share_interval(
    ratings: Ratings,
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Interval | None:
    """Compute the interval of the share of ratings with category 1, the others having 0."""

    def figures(by_item: FloatArray, by_reader: FloatArray) -> FloatArray:
        weights = by_item[:, ratings.items] * by_reader[:, ratings.readers]
        totals = weights.sum(axis=1)
        hits = weights @ (ratings.categories == 1)
        shares: FloatArray = np.where(totals > 0, hits / np.where(totals > 0, totals, 1), np.nan)
        return shares[:, None]

    return _resampled(ratings, figures, 1, level, num_resamples, seed)[0]


def _sums(
    counts: FloatArray, copies: FloatArray, by_item: FloatArray, apart: FloatArray
) -> FloatArray:
    """Add over items what ``figures_of_sums`` reads; pairs of copies of one reader are left out.

    Args:
        counts: Ratings by resample, item and category; ``copies``: sums of squared weights.
    """
    totals = counts.sum(axis=2)
    pairs = totals**2 - copies
    paired = pairs > 0.5
    divisor = np.where(paired, pairs, 1)
    agreeing = np.where(paired, ((counts**2).sum(axis=2) - copies) / divisor, 0)
    unlike = np.einsum("bic,ck,bik->bi", counts, apart, counts, optimize=True)
    unlike = np.where(paired, totals * unlike / divisor, 0)
    shares = counts / np.maximum(totals, 1e-9)[..., None]
    columns = np.stack([paired, agreeing, totals > 0, unlike], axis=2, dtype=np.float64)
    everything = np.concatenate([columns, shares, counts * paired[..., None]], axis=2)
    sums: FloatArray = np.einsum("bi,bic->bc", by_item, everything)
    return sums


def _resampled(
    ratings: Ratings,
    figures: Callable[[FloatArray, FloatArray], FloatArray],
    num_figures: int,
    level: float,
    num_resamples: int,
    seed: int,
) -> Intervals:
    """Draw readers and items and return the percentile interval of each figure."""
    check_level(level)
    num_readers = ratings.num_readers
    if num_readers < MIN_READERS:
        return (None,) * num_figures
    num_items = int(ratings.items.max()) + 1
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // max(len(ratings.items) * 8, 1))
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
