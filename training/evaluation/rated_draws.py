"""Which ratings speak for all items: those of items drawn with known probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from duckdb import DuckDBPyConnection

from db.records import Phase
from db.review.agreement import (
    AnswerPattern,
    RatedDraw,
    Rating,
    RatingFilter,
    count_patterns,
    list_rated_draws,
    list_ratings,
)
from eci.arrays import FloatArray
from training.evaluation.drawn_estimates import MIN_COVERED, MIN_REVIEWED


@dataclass(frozen=True, eq=False)
class RatedItems:
    """Items as they were rated in a phase.

    Attributes:
        patterns: Items that were rated alike, or one each where they were drawn.
        drawn: With which probability each was drawn, by pattern; None where figures hold for the
            rated items alone.
        draw: The draw.
    """

    patterns: tuple[AnswerPattern, ...]
    drawn: FloatArray | None = None
    draw: RatedDraw | None = None


def load_rated(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, draw: RatedDraw | None
) -> RatedItems:
    """Return how items were rated: all, or those of a draw with their probabilities."""
    if draw is None:
        return RatedItems(tuple(count_patterns(cur, flt, phase)))
    patterns, chances = [], []
    for item_id, group in groupby(ratings_of(cur, flt, phase, draw), key=lambda one: one.item_id):
        ratings = list(group)
        patterns.append(AnswerPattern(ratings[0].gold, tuple(one.answer for one in ratings), 1))
        chances.append(draw.probabilities[item_id])
    return RatedItems(tuple(patterns), np.array(chances), draw)


def ratings_of(
    cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase, draw: RatedDraw | None
) -> list[Rating]:
    """Return every rating of a phase, by item; of a draw those of its items."""
    ratings = list_ratings(cur, flt, phase)
    return [one for one in ratings if draw is None or one.item_id in draw.probabilities]


def find_rated_draw(cur: DuckDBPyConnection, flt: RatingFilter, phase: Phase) -> RatedDraw | None:
    """Return the draw that can speak for all items of a filter, the one with most labelled items.

    None where no queue was drawn from nearly all of them, or too few of its items have two ratings.
    """
    if flt.origin != "review":
        return None
    draws = [
        one
        for one in list_rated_draws(cur, flt)
        if one.num_items >= MIN_COVERED * one.num_population
    ]
    if not draws:
        return None
    twice = _rated_twice(list_ratings(cur, flt, phase))
    best = max(draws, key=lambda one: len(twice & one.probabilities.keys()))
    return best if len(twice & best.probabilities.keys()) >= MIN_REVIEWED else None


def _rated_twice(ratings: Sequence[Rating]) -> set[str]:
    grouped = groupby(ratings, key=lambda one: one.item_id)
    return {item_id for item_id, group in grouped if len(list(group)) > 1}
