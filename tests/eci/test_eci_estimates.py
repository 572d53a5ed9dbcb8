"""Intervals against scipy, and the bootstrap against resampling items one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eci.arrays import IntArray
from eci.statistics.estimates import (
    binomial_cdf,
    binomial_pmf,
    bootstrap,
    percentile_interval,
    proportion,
)


@given(st.integers(1, 2000), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_interval_equals_scipy(n: int, data: st.DataObject, level: float) -> None:
    successes = data.draw(st.integers(0, n))
    expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")

    interval = proportion(successes, n, "no items", level).interval

    assert interval is not None
    assert interval.low == pytest.approx(expected.low, abs=1e-9)
    assert interval.high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= interval.low <= successes / n <= interval.high <= 1


def test_share_of_nothing_says_why_it_is_undefined() -> None:
    estimate = proportion(0, 0, "no item was answered")

    assert estimate.value is None
    assert estimate.interval is None
    assert estimate.undefined_because == "no item was answered"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.97])
def test_binomial_distribution_equals_scipy(share: float) -> None:
    draws = np.array([1, 2, 17, 400, 20_000])
    for successes in (0, 1, 9, 300):
        np.testing.assert_allclose(
            binomial_pmf(successes, draws, share),
            stats.binom.pmf(successes, draws, share),
            rtol=1e-9,
            atol=1e-15,
        )
        assert binomial_cdf(successes, 400, share) == pytest.approx(
            stats.binom.cdf(successes, 400, share), abs=1e-9
        )


@pytest.mark.parametrize("counts", [[6, 0, 3, 1], [60, 0, 30, 10]])
def test_resampled_counts_are_distributed_like_counts_of_resampled_items(counts: list[int]) -> None:
    cells = np.array(counts)
    n = int(cells.sum())
    items = np.repeat(np.arange(4), cells)
    rng = np.random.default_rng(5)
    by_item = np.array([np.bincount(rng.choice(items, n), minlength=4) for _ in range(4000)])

    by_count = bootstrap(cells, lambda drawn: drawn.astype(float), num_resamples=4000, seed=1)

    assert (by_count.sum(axis=1) == n).all()
    assert (by_count[:, 1] == 0).all()
    for cell in (0, 2, 3):
        assert stats.ks_2samp(by_count[:, cell], by_item[:, cell]).pvalue > 0.001
    np.testing.assert_allclose(np.cov(by_count.T), np.cov(by_item.T), atol=0.1 * n / 4)


def test_bootstrap_keeps_the_shape_and_repeats_itself_for_a_seed() -> None:
    table = np.array([[700_000, 2], [300_000, 4]])

    def corner(drawn: IntArray) -> np.ndarray:
        assert drawn.shape[1:] == (2, 2)
        return drawn[:, 0, 0] / drawn.sum(axis=(1, 2))

    first, again, other = (bootstrap(table, corner, seed=seed) for seed in (3, 3, 4))

    assert first.shape == (2000,)
    assert (first == again).all()
    assert (first != other).any()


def test_bootstrap_works_in_blocks_when_the_items_are_many() -> None:
    counts = np.ones(60_000, dtype=np.int64)

    sums = bootstrap(counts, lambda drawn: drawn.sum(axis=1).astype(float), num_resamples=90)

    assert sums.tolist() == [60_000.0] * 90


def test_bootstrap_of_no_items_is_refused() -> None:
    with pytest.raises(ValueError, match="A bootstrap of 0 items"):
        bootstrap(np.zeros(3, dtype=np.int64), lambda drawn: drawn.astype(float))


def test_percentile_interval_leaves_undefined_resamples_out() -> None:
    interval = percentile_interval(np.array([np.nan, 1.0, 2.0, 3.0]), 0.5)

    assert (interval.low, interval.high) == (1.5, 2.5)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_confidence_level_must_be_a_share(level: float) -> None:
    with pytest.raises(ValueError, match="confidence level is"):
        proportion(1, 2, "no items", level)
