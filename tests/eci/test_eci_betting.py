"""Watching: no more false alarms than promised at all looks together, and real rises are found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from eci.statistics.betting import certified_limit, is_above, log_capital, watched_share


@pytest.mark.parametrize(("errors", "n", "limit"), [(3, 10, 0.1), (0, 20, 0.2), (40, 90, 0.3)])
def test_capital_is_the_mean_likelihood_ratio_of_all_shares_above(
    errors: int, n: int, limit: float
) -> None:
    def ratio(share: float) -> float:
        return float((share / limit) ** errors * ((1 - share) / (1 - limit)) ** (n - errors))

    expected = integrate.quad(ratio, limit, 1, limit=200)[0] / (1 - limit)
    assert log_capital(errors, n, limit) == pytest.approx(np.log(expected), abs=0.01)


@pytest.mark.parametrize("share", [0.05, 0.16, 0.5])
def test_looking_after_every_review_alarms_in_at_most_five_of_a_hundred(share: float) -> None:
    rng = np.random.default_rng(5)
    looks = 250
    first_alarm = [
        next((errors for errors in range(n + 1) if is_above(errors, n, share)), n + 1)
        for n in range(1, looks + 1)
    ]
    errors = (rng.random((4000, looks)) < share).cumsum(axis=1)
    alarmed = (errors >= np.array(first_alarm)).any(axis=1).mean()
    assert 0 < alarmed <= 0.05


def test_a_rise_of_ten_points_is_found() -> None:
    rng = np.random.default_rng(6)
    errors = (rng.random((300, 600)) < 0.25).cumsum(axis=1)
    found = [any(is_above(int(row[n]), n + 1, 0.15) for n in range(9, 600, 10)) for row in errors]
    assert np.mean(found) > 0.95


def test_the_interval_holds_the_share_at_all_looks_together() -> None:
    rng = np.random.default_rng(7)
    missed = 0
    for row in (rng.random((80, 120)) < 0.3).cumsum(axis=1):
        ends = [watched_share(int(row[n]), n + 1, "none").interval for n in range(0, 120, 8)]
        missed += not all(end is not None and end.low <= 0.3 <= end.high for end in ends)
    assert missed / 80 <= 0.05


def test_ends_of_the_scale() -> None:
    assert watched_share(0, 0, "nothing").undefined_because == "nothing"
    none, every = watched_share(0, 40, "-").interval, watched_share(40, 40, "-").interval
    assert none is not None and every is not None
    assert none.low == 0 and every.high == 1
    assert none.high == pytest.approx(1 - every.low)
    assert is_above(1, 1, 0.0)
    assert not is_above(0, 9, 0.0)
    assert not is_above(9, 9, 1.0)
    with pytest.raises(ValueError, match="5 errors in 4 reviews"):
        is_above(5, 4, 0.1)
    with pytest.raises(ValueError, match=r"limit is 1\.5"):
        is_above(1, 4, 1.5)


def test_a_limit_is_certified_where_the_bet_on_fewer_errors_has_won() -> None:
    assert certified_limit(0, 0) == 1.0
    limit = certified_limit(3, 200)
    assert is_above(197, 200, 1 - limit - 1e-6)
    assert not is_above(197, 200, 1 - limit + 1e-6)
    rng = np.random.default_rng(5)
    errors = (rng.random((400, 150)) < 0.2).cumsum(axis=1)
    fewest = [
        next((e for e in range(n, -1, -1) if certified_limit(e, n) < 0.2), -1)
        for n in range(1, 151)
    ]
    wrong = (errors <= np.array(fewest)).any(axis=1).mean()
    assert wrong <= 0.06
