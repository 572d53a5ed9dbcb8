"""How accurate runs are by the reviewers' labels: for all items, from those they reviewed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.outcomes.drawn import DrawnItems, find_pair, list_drawn
from db.outcomes.run_pairs import PairFilter
from db.outcomes.selection import By, Dimension, OutcomeFilter
from db.outcomes.slices import list_slice_items
from db.review.queues import Queue, get_queue
from eci.arrays import FloatArray
from eci.statistics.design import DrawnSample, estimate_change, estimate_mean
from eci.statistics.estimates import Estimate

MIN_COVERED: Final = 0.9
"""Share of a run's items that a queue must have been drawn from to speak for the run."""
MIN_REVIEWED: Final = 10
_OF_A: Final = np.array([1.0, 0.0])
_OF_B: Final = np.array([0.0, 1.0])
_B_LESS_A: Final = np.array([-1.0, 1.0])


@dataclass(frozen=True)
class DrawnEstimate:
    """A figure by the reviewers' labels, and which draws say so.

    Attributes:
        estimate: PPI++, or Hajek where nothing is known of all items and of differences; ``n``
            counts reviewed items.
        num_items: Items that it is about, of ``num_population`` that the run answered.
        queues: Whose reviews are used.
        is_change: Whether it is a difference.
    """

    estimate: Estimate
    num_items: int
    num_population: int
    queues: tuple[Queue, ...]
    is_change: bool = False


@dataclass(frozen=True)
class DrawnChange:
    """Two runs by the reviewers' labels: the accuracy of each, and B less A, paired."""

    accuracy_a: DrawnEstimate
    accuracy_b: DrawnEstimate
    difference: DrawnEstimate


@dataclass(frozen=True)
class Draws:
    """The independent draws that can speak for all items that two runs answered."""

    items: tuple[DrawnItems, ...]
    queues: tuple[Queue, ...]

    def estimate(self, samples: list[DrawnSample], *, is_change: bool = False) -> DrawnEstimate:
        """Estimate from a sample of each draw.

        Differences are not tuned with what is known: the few items on which guess and finding
        differ decide too much (benchmarks/design_estimates.py).
        """
        if is_change:
            estimate = estimate_change(samples, "hajek")
        else:
            estimate = estimate_mean(samples, "prediction_powered")
        first = self.items[0]
        return DrawnEstimate(
            estimate, len(first.strata), first.num_population, self.queues, is_change
        )


def find_draws(cur: DuckDBPyConnection, flt: PairFilter) -> Draws | None:
    """Return the draws that can speak for the items of two runs, or of one with itself.

    None where no queue was drawn from ``MIN_COVERED`` of the items and has ``MIN_REVIEWED``
    reviews: then only the plain figure is left, which holds for the labels that there are.
    """
    drawn = [one for one in list_drawn(cur, flt) if _num_reviewed(one) >= MIN_REVIEWED]
    drawn = [one for one in drawn if len(one.strata) >= MIN_COVERED * one.num_population]
    most = max((len(one.strata) for one in drawn), default=0)
    by_seed: dict[int, tuple[DrawnItems, Queue]] = {}
    for one in sorted(drawn, key=_num_reviewed):
        if len(one.strata) == most:
            queue = get_queue(cur, one.queue_id)
            # Two queues of one seed draw the same items: they are no two samples.
            by_seed[queue.settings.seed] = (one, queue)
    if not by_seed:
        return None
    items, queues = zip(*by_seed.values(), strict=True)
    return Draws(items, queues)


def estimate_accuracy(cur: DuckDBPyConnection, flt: OutcomeFilter, by: By) -> DrawnEstimate | None:
    """Estimate the accuracy of a run for all its items from the queues that can speak for them."""
    pair = find_pair(flt, by)
    draws = None if pair is None else find_draws(cur, pair)
    return None if draws is None else draws.estimate([_sample(one, _OF_A) for one in draws.items])


def estimate_difference(cur: DuckDBPyConnection, flt: PairFilter) -> DrawnChange | None:
    """Estimate the accuracies of two runs and their difference for all items that both answered."""
    draws = find_draws(cur, flt) if flt.gold == "record" else None
    if draws is None:
        return None
    return DrawnChange(
        draws.estimate([_sample(one, _OF_A) for one in draws.items]),
        draws.estimate([_sample(one, _OF_B) for one in draws.items]),
        draws.estimate([_sample(one, _B_LESS_A) for one in draws.items], is_change=True),
    )


@dataclass(frozen=True)
class DrawnSlice:
    """A slice of the items of a run, and the items outside it, by the reviewers' labels."""

    dimension: Dimension
    value: str
    inside: Estimate
    outside: Estimate


@dataclass(frozen=True)
class DrawnSlices:
    """Slices by drawn reviews; ``num_few`` had too few of them, or have no estimate."""

    overall: DrawnEstimate
    slices: tuple[DrawnSlice, ...]
    num_few: int


def estimate_slices(cur: DuckDBPyConnection, flt: OutcomeFilter, by: By) -> DrawnSlices | None:
    """Estimate the accuracy in every slice and outside it, from the draws that speak for the run.

    None where no draw does. Slices by the origin of the gold label are none: reviewers make them.
    """
    pair = find_pair(flt, by)
    draws = None if pair is None else find_draws(cur, pair)
    if pair is None or draws is None:
        return None
    found, num_few = [], 0
    for dimension, value, item_nos in list_slice_items(cur, pair):
        marks = [np.isin(one.item_nos, item_nos) for one in draws.items]
        if all(mark.all() for mark in marks):
            continue
        inside = _estimate_within(draws, marks)
        outside = _estimate_within(draws, [~mark for mark in marks])
        if inside is None or outside is None:
            num_few += 1
        else:
            found.append(DrawnSlice(dimension, value, inside, outside))
    overall = draws.estimate([_sample(one, _OF_A) for one in draws.items])
    return DrawnSlices(overall, tuple(found), num_few)


def _estimate_within(draws: Draws, marks: Sequence[npt.NDArray[np.bool_]]) -> Estimate | None:
    """Estimate the accuracy of the marked items; None where too few are reviewed."""
    parts = [one.within(mark) for one, mark in zip(draws.items, marks, strict=True)]
    if sum(_num_reviewed(part) for part in parts) < MIN_REVIEWED:
        return None
    estimate = estimate_mean([_sample(part, _OF_A) for part in parts], "prediction_powered")
    return None if estimate.value is None else estimate


def _num_reviewed(items: DrawnItems) -> int:
    return int(items.is_reviewed.sum())


def _sample(items: DrawnItems, factors: FloatArray) -> DrawnSample:
    """Return what is found of both runs, times the factors of run A and run B, as a sample."""
    strata = np.unique(items.strata.astype(str), return_inverse=True)[1]
    sizes = np.bincount(strata)
    reviewed = items.is_reviewed
    # A factor of 0 would not hide a guess that one run alone lacks.
    guesses = factors @ np.where(factors[:, None] == 0, 0.0, items.guesses)
    known = means = None
    if not np.isnan(guesses).any():
        known, means = guesses[reviewed], np.bincount(strata, guesses) / sizes
    return DrawnSample.of(
        factors @ items.right[:, reviewed],
        items.probabilities[reviewed],
        strata[reviewed],
        sizes,
        known,
        means,
    )
