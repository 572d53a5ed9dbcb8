"""Planned numbers of items against statsmodels, known answers and simulated studies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import samplesize_confint_proportion

from eci.statistics.agreement import agreement
from eci.statistics.compare import mcnemar_p_value, paired_difference
from eci.statistics.planning import (
    Plan,
    plan_accuracy,
    plan_alpha,
    plan_certificate,
    plan_comparison,
    plan_no_worse,
    share_level,
)


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("margin", [0.01, 0.03, 0.1])
def test_items_for_an_accuracy_equal_statsmodels(accuracy: float, margin: float) -> None:
    expected = np.ceil(samplesize_confint_proportion(accuracy, margin))
    assert plan_accuracy(accuracy, margin).num_items == expected


@pytest.mark.parametrize(
    ("population", "expected"), [(None, 683), (1000, 407), (100, 88), (10**9, 683), (1, 1)]
)
def test_a_finite_number_of_items_needs_fewer(population: int | None, expected: int) -> None:
    assert plan_accuracy(0.8, 0.03, population).num_items == expected


def test_alpha_is_estimated_within_the_margin_that_was_planned() -> None:
    shares = [0.55, 0.35, 0.10]
    plan = plan_alpha(0.6, 0.08, shares, num_readers=3)
    rng = np.random.default_rng(9)
    truth = rng.choice(3, plan.num_items, p=shares)
    known = rng.random((plan.num_items, 3)) < np.sqrt(0.6)
    labels = np.where(known, truth[:, None], rng.choice(3, (plan.num_items, 3), p=shares))
    counts = (labels[..., None] == np.arange(3)).sum(axis=1)
    interval = agreement(counts).krippendorff_alpha.interval
    assert interval is not None
    assert (interval.high - interval.low) / 2 == pytest.approx(0.08, rel=0.12)
    assert plan.num_readers == 3
    assert plan_alpha(0.6, 0.08, shares, 5).num_items < plan.num_items


def simulated(plan: Plan, changes: tuple[float, float], finds: Callable[..., bool]) -> float:
    """Return how often studies of the planned size find what they look for."""
    fixed, broken = changes
    rng = np.random.default_rng(4)
    drawn = rng.multinomial(plan.num_items, [fixed, broken, 1 - fixed - broken], 2000)
    kept = {tuple(row): finds(plan.num_items, int(row[0]), int(row[1])) for row in drawn}
    return float(np.mean([kept[tuple(row)] for row in drawn]))


@pytest.mark.parametrize(("gap", "discordant"), [(0.1, 0.2), (0.05, 0.15), (0.2, 0.2)])
def test_two_runs_are_told_apart_with_the_power_that_was_asked(
    gap: float, discordant: float
) -> None:
    plan = plan_comparison(gap, discordant)
    changes = ((discordant + gap) / 2, (discordant - gap) / 2)
    found = simulated(
        plan, changes, lambda n, fixed, broken: mcnemar_p_value(fixed, broken) <= 0.05
    )
    assert plan.power is not None
    assert found == pytest.approx(plan.power, abs=0.03)
    assert 0.8 <= plan.power <= 0.9


@pytest.mark.parametrize(("margin", "discordant"), [(0.1, 0.2), (0.05, 0.1)])
def test_no_worse_is_shown_with_the_power_that_was_asked(margin: float, discordant: float) -> None:
    plan = plan_no_worse(margin, discordant)

    def finds(n: int, fixed: int, broken: int) -> bool:
        interval = paired_difference(n, fixed, broken).interval
        return interval is not None and interval.low > -margin

    found = simulated(plan, (discordant / 2, discordant / 2), finds)
    assert plan.power is not None
    assert found == pytest.approx(plan.power, abs=0.03)


@pytest.mark.parametrize(("limit", "expected"), [(0.05, 0.0), (0.05, 0.02), (0.1, 0.06)])
def test_a_certificate_is_had_with_the_power_that_was_asked(limit: float, expected: float) -> None:
    plan = plan_certificate(limit, expected)
    n = plan.num_items
    ends = stats.beta.ppf(0.95, np.arange(n) + 1, n - np.arange(n))
    allowed = int((ends <= limit).sum()) - 1
    assert stats.binom.cdf(allowed, n, expected) == pytest.approx(plan.power)
    assert plan.power is not None and plan.power >= 0.8
    if expected == 0:
        assert n == 59  # the rule of three, exactly


def test_several_statements_share_the_error_and_hours_are_of_all_people() -> None:
    assert share_level(0.95, 1) == pytest.approx(0.95)
    assert share_level(0.95, 5) == pytest.approx(0.99)
    assert plan_accuracy(0.8, 0.03, level=share_level(0.95, 5)).num_items == 1180
    assert Plan(300, 3).hours(48) == pytest.approx(12)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (lambda: plan_accuracy(1.2, 0.03), "accuracy is 1.2"),
        (lambda: plan_accuracy(0.8, 0.0), "margin is 0.0"),
        (lambda: plan_accuracy(0.8, 0.03, 0), "population is 0 items"),
        (lambda: plan_alpha(0.6, 0.1, [0.5, 0.6]), "summing to 1"),
        (lambda: plan_alpha(0.6, 0.1, [0.5, 0.5], 1), "ask for 2 or more"),
        (lambda: plan_comparison(0.3, 0.2), "no smaller than the difference"),
        (lambda: plan_comparison(0.0001, 0.9), "More than 20,000 items"),
        (lambda: plan_certificate(0.05, 0.05), "below the limit 0.05"),
        (lambda: share_level(0.95, 0), "at least 1 is needed"),
    ],
)
def test_what_cannot_be_planned_is_refused(plan: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plan()
