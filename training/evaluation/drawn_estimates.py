"""How accurate a run is by the reviewers' labels: for all items, from those they reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from duckdb import DuckDBPyConnection

from db.outcomes.drawn import DrawnItems, is_estimable, list_drawn
from db.outcomes.selection import By, OutcomeFilter
from db.review.queues import Queue, get_queue
from eci.statistics.design import DrawnSample, estimate_mean
from eci.statistics.estimates import Estimate

MIN_COVERED: Final = 0.9
"""Share of a run's items that a queue must have been drawn from to speak for the run."""
MIN_REVIEWED: Final = 10


@dataclass(frozen=True)
class DrawnEstimate:
    """Accuracy of a run by the reviewers' labels, and which draws say so.

    Attributes:
        estimate: PPI++, or Hajek where nothing is known of all items; ``n`` counts reviewed items.
        num_items: Items that it is about, of ``num_population`` that the run answered.
        queues: Whose reviews are used.
    """

    estimate: Estimate
    num_items: int
    num_population: int
    queues: tuple[Queue, ...]


def estimate_accuracy(cur: DuckDBPyConnection, flt: OutcomeFilter, by: By) -> DrawnEstimate | None:
    """Estimate the accuracy of a run for all its items from the queues that can speak for them.

    None where there is no such queue with ``MIN_REVIEWED`` reviews: then only the plain figure is
    left, which holds for the labels that there are.
    """
    if not is_estimable(flt):
        return None
    drawn = [one for one in list_drawn(cur, flt, by) if _num_reviewed(one) >= MIN_REVIEWED]
    drawn = [one for one in drawn if len(one.strata) >= MIN_COVERED * one.num_population]
    if not drawn:
        return None
    most = max(len(one.strata) for one in drawn)
    by_seed: dict[int, tuple[DrawnItems, Queue]] = {}
    for one in sorted(drawn, key=_num_reviewed):
        if len(one.strata) == most:
            queue = get_queue(cur, one.queue_id)
            # Two queues of one seed draw the same items: they are no two samples.
            by_seed[queue.settings.seed] = (one, queue)
    samples = [_sample(one) for one, _ in by_seed.values()]
    estimate = estimate_mean(samples, "prediction_powered")
    queues = tuple(queue for _, queue in by_seed.values())
    return DrawnEstimate(estimate, most, drawn[0].num_population, queues)


def _num_reviewed(items: DrawnItems) -> int:
    return int((~np.isnan(items.is_right)).sum())


def _sample(items: DrawnItems) -> DrawnSample:
    strata = np.unique(items.strata.astype(str), return_inverse=True)[1]
    sizes = np.bincount(strata)
    reviewed = ~np.isnan(items.is_right)
    known = means = None
    if not np.isnan(items.guesses).any():
        known = items.guesses[reviewed]
        means = np.bincount(strata, items.guesses) / sizes
    return DrawnSample.of(
        items.is_right[reviewed],
        items.probabilities[reviewed],
        strata[reviewed],
        sizes,
        known,
        means,
    )
