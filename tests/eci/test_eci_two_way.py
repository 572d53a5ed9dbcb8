"""Intervals for other readers: against resampling by hand, and where readers differ."""

from __future__ import annotations

import numpy as np
import pytest

from eci.statistics.agreement import agreement, pair_agreement
from eci.statistics.estimates import Interval
from eci.statistics.two_way import (
    NAME,
    Ratings,
    agreement_intervals,
    pair_intervals,
    share_interval,
)


def made(seed: int = 0, items: int = 60, readers: int = 8, skill: float = 0.8) -> Ratings:
    """Return ratings of three categories in which readers are unlike."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, items)
    own = rng.uniform(skill - 0.3, min(1, skill + 0.2), readers)
    item, reader = (part.ravel() for part in np.mgrid[:items, :readers])
    right = rng.random(len(item)) < own[reader]
    return Ratings.of(item, reader, np.where(right, truth[item], rng.integers(0, 3, len(item))))


def table_of(ratings: Ratings, items: np.ndarray, readers: np.ndarray) -> list[list[int]]:
    """Return the ratings of drawn items by drawn readers without copies of a reader, as counts."""
    grid = np.full((ratings.items.max() + 1, ratings.num_readers), -1)
    grid[ratings.items, ratings.readers] = ratings.categories
    return [np.bincount(grid[item][readers], minlength=3).tolist() for item in items]


def test_resampling_all_items_and_readers_once_gives_the_plain_figures() -> None:
    ratings = made()
    counts = table_of(ratings, np.arange(60), np.arange(8))
    plain = agreement(counts, num_resamples=10)

    intervals = agreement_intervals(ratings, 3, num_resamples=400)

    for interval, name in zip(
        intervals, ("percent", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"), strict=True
    ):
        value = getattr(plain, name).value
        assert interval is not None
        assert interval.low < value < interval.high
        assert interval.method == NAME


def test_a_reader_drawn_twice_is_not_compared_with_himself() -> None:
    # Eight readers of whom every two always differ agree in no pair; copies would agree in many.
    item, reader = (part.ravel() for part in np.mgrid[:40, :8])
    ratings = Ratings.of(item, reader, reader)
    percent = agreement_intervals(ratings, 8, num_resamples=200)[0]
    assert percent is not None
    assert (percent.low, percent.high) == (0.0, 0.0)


def test_readers_who_differ_widen_the_interval() -> None:
    def width(interval: Interval | None) -> float:
        assert interval is not None
        return interval.high - interval.low

    rng = np.random.default_rng(2)
    item, reader = (part.ravel() for part in np.mgrid[:400, :6])
    skill = np.array([0.3, 0.5, 0.6, 0.8, 0.9, 0.95])
    hits = (rng.random(len(item)) < skill[reader]).astype(int)
    by_both = width(share_interval(Ratings.of(item, reader, hits)))
    by_items = 2 * 1.96 * np.sqrt(hits.mean() * (1 - hits.mean()) / len(hits))
    assert by_both > 4 * by_items
    expected = 2 * 1.96 * skill.std() / np.sqrt(6)
    assert by_both == pytest.approx(expected, rel=0.25)


def test_pairs_with_gold_bracket_the_plain_figures() -> None:
    ratings = made(3)
    gold = np.random.default_rng(3).integers(0, 3, 60)
    table = np.zeros((3, 3), int)
    np.add.at(table, (gold[ratings.items], ratings.categories), 1)
    plain = pair_agreement(table, num_resamples=10)

    intervals = pair_intervals(ratings, gold, 3, num_resamples=400)

    for interval, value in (
        (intervals[0], plain.percent.value),
        (intervals[1], plain.cohen_kappa.value),
        (intervals[4], plain.gwet_ac1.value),
    ):
        assert interval is not None and value is not None
        assert interval.low < value < interval.high


def test_intervals_of_an_alike_population_hold_for_other_readers() -> None:
    skills = np.random.default_rng(0).uniform(0.5, 1, 10_000)
    truth = skills.mean()
    held = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        own = rng.choice(skills, 12)
        item, reader = (part.ravel() for part in np.mgrid[:80, :12])
        hits = (rng.random(len(item)) < own[reader]).astype(int)
        interval = share_interval(Ratings.of(item, reader, hits), num_resamples=200)
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert held / 150 > 0.85


def test_two_readers_are_too_few_and_shapes_must_fit() -> None:
    assert share_interval(Ratings.of([0, 0, 1], [0, 1, 1], [1, 0, 1])) is None
    assert agreement_intervals(Ratings.of([], [], []), 2) == (None,) * 4
    with pytest.raises(ValueError, match="one item, one reader and one category"):
        Ratings.of([0, 1], [0], [1, 1])
