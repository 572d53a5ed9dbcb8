"""How often reviewers choose the imported label: for all items, and for other reviewers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from duckdb import DuckDBPyConnection

from db.outcomes.counts import list_reader_hits
from db.outcomes.drawn import find_pair
from db.outcomes.selection import By, OutcomeFilter
from eci.arrays import FloatArray
from eci.statistics.agreement import clustered_share
from eci.statistics.estimates import Estimate
from eci.statistics.two_way import Ratings, share_interval
from training.evaluation.drawn_estimates import find_draws

NOBODY = "nobody has labelled these items"


@dataclass(frozen=True)
class PeopleEstimate:
    """How often reviewers choose the imported label.

    Attributes:
        estimate: ``n`` counts labels. The interval resamples reviewers and items from three
            reviewers on, else items.
        is_drawn: Whether items are weighted by inverse inclusion probabilities, so that it holds
            for all items; else it holds for those that were labelled.
    """

    estimate: Estimate
    is_drawn: bool


def estimate_people(cur: DuckDBPyConnection, flt: OutcomeFilter) -> PeopleEstimate:
    """Estimate how often reviewers choose the imported label."""
    items, names, hits = list_reader_hits(cur, replace(flt, gold="imported"))
    chances = _find_chances(cur, replace(flt, gold="record"))
    if chances:
        is_drawn = np.isin(items, list(chances))
        items, names, hits = items[is_drawn], names[is_drawn], hits[is_drawn]
    numbers, place = np.unique(items, return_inverse=True)
    drawn: FloatArray | None = None
    if chances:
        drawn = np.array([chances[int(number)] for number in numbers])
    found = clustered_share(
        np.bincount(place, hits, len(numbers)).astype(np.int64),
        np.bincount(place, minlength=len(numbers)),
        because=NOBODY,
        drawn=drawn,
    )
    interval = share_interval(Ratings.of(items, names, hits), drawn=drawn)
    if found.value is not None and interval is not None and interval.low < interval.high:
        found = replace(found, interval=interval)
    return PeopleEstimate(found, bool(chances))


def _find_chances(cur: DuckDBPyConnection, flt: OutcomeFilter) -> dict[int, float]:
    """Return the inclusion probability of each reviewed item of the draw with most of them."""
    for by in get_args(By):
        pair = find_pair(flt, by)
        draws = None if pair is None else find_draws(cur, pair)
        if draws is not None:
            best = max(draws.items, key=lambda one: int(one.is_labelled.sum()))
            own = best.is_labelled
            return dict(
                zip(best.item_nos[own].tolist(), best.probabilities[own].tolist(), strict=True)
            )
    return {}
