"""Design-based means against samplics, ppi-python, statsmodels and what simulations find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from eci.arrays import FloatArray
from eci.statistics.compare import paired_difference
from eci.statistics.design import (
    EMPTY_STRATUM,
    NOTHING_DRAWN,
    DrawnSample,
    Method,
    estimate_change,
    estimate_mean,
)
from eci.statistics.estimates import Estimate

REFERENCES = json.loads((Path(__file__).parent / "design_references.json").read_text("utf-8"))


def standard_error(found: Estimate, freedom: int) -> float:
    """Return the standard error that an interval of a number that is no share was made with."""
    assert found.interval is not None
    half = (found.interval.high - found.interval.low) / 2
    return float(half / stats.t.ppf(0.975, freedom))


@pytest.mark.parametrize("reference", REFERENCES["weighted"] + REFERENCES["stratified"])
def test_the_hajek_mean_and_its_error_equal_samplics(reference: dict[str, Any]) -> None:
    weights = np.array(reference["weights"])
    strata = np.array(reference.get("strata", [0] * len(weights)))
    # Twice the values are no shares, so the interval is that of a mean; and almost nothing of so
    # many items is drawn, which samplics takes for granted.
    sizes = np.bincount(strata, weights * 1e9).round().astype(np.int64)
    sample = DrawnSample.of(2 * np.array(reference["values"]), 1 / (weights * 1e9), strata, sizes)

    found = estimate_mean([sample])

    assert found.value == pytest.approx(2 * reference["mean"], rel=1e-6)
    freedom = len(weights) - len(sizes)
    expected = 2 * reference["standard_error"]
    tolerance = 0.01 if len(sizes) > 1 else 0.002 if len(weights) > 20 else 0.01
    assert standard_error(found, freedom) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("reference", REFERENCES["powered"])
def test_the_power_tuned_mean_equals_ppi_python(reference: dict[str, Any]) -> None:
    values, known = np.array(reference["values"]), np.array(reference["known"])
    n = len(values)
    total = n + reference["num_others"]
    mean = (known.sum() + reference["others_mean"] * reference["num_others"]) / total
    sample = DrawnSample.of(values, np.full(n, n / total), np.zeros(n), [total], known, [mean])

    found = estimate_mean([sample], "prediction_powered")

    assert found.value == pytest.approx(reference["mean_of_own_power"], abs=1e-9)
    assert found.value == pytest.approx(reference["mean"], abs=0.01)
    assert found.interval is not None
    assert found.interval.method == "PPI++"
    # ppi-python speaks of endlessly many further items: their variance comes on top of ours, which
    # in turn allows for a difference either way that was not drawn.
    theirs = ((reference["high"] - reference["low"]) / 2 / stats.norm.ppf(0.975)) ** 2
    ours = ((found.interval.high - found.interval.low) / 2 / stats.t.ppf(0.975, n - 2)) ** 2
    power = np.cov(values, known)[0, 1] / known.var(ddof=1)
    unseen = 2 * power**2 * (1 - n / total) / n**2
    # Their interval is Wald's, ours Jeffreys' with leverage: alike but for terms of order 1 / n.
    assert ours - unseen + values.var() / total == pytest.approx(theirs, rel=4 / n)


@pytest.mark.parametrize("errors", [0, 1, 7, 30, 60])
def test_a_few_random_items_of_very_many_have_the_interval_of_jeffreys(errors: int) -> None:
    values = np.repeat([1.0, 0.0], [errors, 60 - errors])
    sample = DrawnSample.of(values, np.full(60, 60 / 10**9), np.zeros(60), [10**9])
    is_alike = errors in (0, 60)  # where Jeffreys' interval falls short: Brown, Cai, DasGupta 2001
    name = "beta" if is_alike else "jeffreys"

    for method in ("hajek", "horvitz_thompson"):
        found = estimate_mean([sample], method)
        assert found.value == pytest.approx(errors / 60)
        assert found.interval is not None
        expected = proportion_confint(errors, 60, method=name)
        assert (found.interval.low, found.interval.high) == pytest.approx(expected, abs=1e-6)


def test_the_weighted_mean_equals_statsmodels() -> None:
    rng = np.random.default_rng(3)
    values, chances = rng.random(50), rng.uniform(0.01, 0.2, 50)
    expected = DescrStatsW(values, weights=1 / chances).mean

    found = estimate_mean([DrawnSample.of(values, chances, np.zeros(50), [2000])])

    assert found.value == pytest.approx(expected, abs=1e-12)


def test_the_interval_closes_as_all_items_are_reviewed() -> None:
    values = np.repeat([1.0, 0.0], [20, 80])
    widths = []
    for total in (10_000, 200, 101, 100):
        sample = DrawnSample.of(values, np.full(100, 100 / total), np.zeros(100), [total])
        interval = estimate_mean([sample]).interval
        assert interval is not None
        widths.append(interval.high - interval.low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(0, abs=1e-6)
    every_right = DrawnSample.of(np.zeros(5), np.ones(5), np.zeros(5), [5])
    found = estimate_mean([every_right]).interval
    assert found is not None and found.high == pytest.approx(0, abs=1e-6)


def test_without_a_found_error_the_interval_does_not_collapse() -> None:
    sample = DrawnSample.of(np.zeros(30), np.full(30, 0.1), np.zeros(30), [300])
    powered = DrawnSample.of(
        np.zeros(30), np.full(30, 0.1), np.zeros(30), [300], np.zeros(30), [0.02]
    )
    alike = np.repeat([1.0, 0.0], [10, 20])
    same = DrawnSample.of(alike, np.full(30, 0.1), np.zeros(30), [300], alike, [0.3])
    for found in (
        estimate_mean([sample]),
        estimate_mean([powered], "prediction_powered"),
        estimate_mean([same], "prediction_powered"),
    ):
        assert found.interval is not None
        assert found.interval.high - found.interval.low > 0.02


def test_several_draws_are_averaged_by_what_each_is_worth() -> None:
    few = DrawnSample.of(np.ones(10), np.full(10, 0.01), np.zeros(10), [1000])
    many = DrawnSample.of(np.zeros(90), np.full(90, 0.09), np.zeros(90), [1000])

    assert estimate_mean([few, many]).value == pytest.approx(0.1)
    assert estimate_mean([few, many]).n == 100


def test_what_cannot_be_estimated_says_why() -> None:
    nothing = DrawnSample.of([], [], [], [10])
    assert estimate_mean([nothing]).undefined_because == NOTHING_DRAWN
    one_stratum = DrawnSample.of([1.0], [0.5], [0], [2, 8])
    assert estimate_mean([one_stratum]).undefined_because == EMPTY_STRATUM


@pytest.mark.parametrize(
    ("chances", "strata", "sizes", "said"),
    [
        ([0.0, 0.5], [0, 0], [4], "inclusion probability of item 0 is 0.0"),
        ([1.5, 0.5], [0, 0], [4], "allowed is more than 0 and at most 1"),
        ([0.5, 0.5], [0, 1], [4], "from 0 to 0"),
        ([0.5, 0.5], [0, 0], [1], "Stratum 0 has 1 items and 2 reviewed ones"),
    ],
)
def test_a_sample_that_cannot_be_is_refused(
    chances: list[float], strata: list[int], sizes: list[int], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        DrawnSample.of([1.0, 0.0], chances, strata, sizes)


def drawn(rng: np.random.Generator, errors: FloatArray, guess: FloatArray, n: int) -> DrawnSample:
    """Draw items with a guessed error more readily; each keeps half the chance of any."""
    total = len(errors)
    sizes = 0.5 * guess / guess.sum() + 0.5 / total
    chances = np.minimum(1, n * sizes)
    chosen = np.argsort(rng.random(total) / chances)[:n]
    known = np.full(1, guess.mean())
    return DrawnSample.of(
        errors[chosen], chances[chosen], np.zeros(n), [total], guess[chosen], known
    )


@pytest.mark.parametrize("method", ["horvitz_thompson", "hajek", "prediction_powered"])
def test_intervals_hold_where_the_plain_mean_misses(method: Method) -> None:
    rng = np.random.default_rng(11)
    guess = rng.beta(1, 4, 1500)
    errors = (rng.random(1500) < guess).astype(float)
    truth = errors.mean()
    hits = dict.fromkeys((method, "naive"), 0)
    for _ in range(400):
        sample = drawn(rng, errors, guess, 150)
        for name in hits:
            interval = estimate_mean([sample], name).interval
            assert interval is not None
            hits[name] += interval.low <= truth <= interval.high
    assert 0.92 <= hits[method] / 400 <= 0.98
    assert hits["naive"] / 400 < 0.7


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (3, 0), (9, 4), (30, 30)])
def test_a_few_random_pairs_of_very_many_have_the_interval_of_agresti_and_min(
    fixed: int, broken: int
) -> None:
    values = np.repeat([1.0, -1.0, 0.0], [fixed, broken, 80 - fixed - broken])
    sample = DrawnSample.of(values, np.full(80, 80 / 10**9), np.zeros(80), [10**9])
    expected = paired_difference(80, fixed, broken).interval

    found = estimate_change([sample])

    assert found.value == pytest.approx((fixed - broken) / 80)
    assert expected is not None and found.interval is not None
    assert found.interval.low == pytest.approx(expected.low, abs=1e-6)
    assert found.interval.high == pytest.approx(expected.high, abs=1e-6)


def test_a_paired_difference_takes_no_other_values() -> None:
    sample = DrawnSample.of([0.5, 1.0], [0.1, 0.1], [0, 0], [20])
    with pytest.raises(ValueError, match="1, 0 or -1"):
        estimate_change([sample])
