"""Quantiles against numpy, their intervals against the binomial distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from eci.statistics.quantiles import quantile

NOBODY = "nobody was timed"


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=80), st.sampled_from([0.25, 0.5, 0.75]))
def test_value_equals_numpy_and_the_interval_is_the_narrowest_that_holds(values, share) -> None:
    found = quantile(values, share, NOBODY)
    ordered, n = np.sort(values), len(values)
    assert found.value == pytest.approx(np.quantile(values, share), abs=1e-9)
    assert found.n == n
    low = max((r for r in range(1, n + 1) if binom.cdf(r - 1, n, share) <= 0.025), default=None)
    high = min((r for r in range(1, n + 1) if binom.sf(r - 1, n, share) <= 0.025), default=None)
    if low is None or high is None:
        assert found.interval is None
    else:
        assert found.interval is not None
        assert (found.interval.low, found.interval.high) == (ordered[low - 1], ordered[high - 1])


def test_the_interval_covers_the_true_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(600):
        interval = quantile(rng.exponential(size=61), 0.5, NOBODY).interval
        assert interval is not None
        covered.append(interval.low <= np.log(2) <= interval.high)
    assert 0.94 <= np.mean(covered) <= 0.99


def test_what_has_no_quantile_says_so() -> None:
    assert quantile([], 0.5, NOBODY).undefined_because == NOBODY
    assert quantile([7.0], 0.5, NOBODY).interval is None
    with pytest.raises(ValueError, match="less than 1"):
        quantile([1.0], 1.0, NOBODY)
    with pytest.raises(ValueError, match="finite"):
        quantile([np.nan], 0.5, NOBODY)
