"""Coverage, risk and certified thresholds against plain loops, scipy and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score

from eci.arrays import BoolArray, FloatArray
from eci.selective import risk_curve, threshold_for_risk

items = st.lists(
    st.tuples(st.sampled_from([0.4, 0.5, 0.6, 0.75, 0.9, 1.0]), st.booleans()),
    min_size=1,
    max_size=60,
)


def drawn(n: int, seed: int) -> tuple[FloatArray, BoolArray]:
    """Draw items that are right with their own confidence: above t the risk is (1 - t) / 2."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.4, 1, n)
    return confidence, rng.random(n) < confidence


@settings(deadline=None)
@given(items, st.floats(0.3, 1))
def test_operating_point_equals_counting(pairs: list[tuple[float, bool]], threshold: float) -> None:
    confidence, correct = map(np.array, zip(*pairs, strict=True))
    answered = confidence >= threshold

    point = risk_curve(confidence, correct).at(threshold)

    assert (point.n, point.num_answered) == (len(pairs), answered.sum())
    assert point.num_errors == (answered & ~correct).sum()
    assert point.coverage.value == pytest.approx(answered.mean(), abs=1e-12)
    assert point.error_rate.value == pytest.approx((answered & ~correct).mean(), abs=1e-12)
    if answered.any():
        expected = accuracy_score(np.ones(answered.sum()), correct[answered])
        assert point.accuracy.value == pytest.approx(expected, abs=1e-9)
        assert point.risk.value == pytest.approx(1 - expected, abs=1e-9)
    else:
        assert point.risk.undefined_because is not None
        assert "no item has a confidence of at least" in point.risk.undefined_because


@settings(deadline=None)
@given(items, st.randoms(use_true_random=False))
def test_curve_is_monotone_and_independent_of_order(
    pairs: list[tuple[float, bool]], random
) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)

    curve, other = (risk_curve(*zip(*some, strict=True)) for some in (pairs, shuffled))

    assert (np.diff(curve.thresholds) < 0).all()
    assert (np.diff(curve.coverage) > 0).all()
    assert (np.diff(curve.num_errors) >= 0).all()
    assert curve.coverage[-1] == 1.0
    assert ((curve.risk >= 0) & (curve.risk <= 1)).all()
    assert curve.risk.tolist() == other.risk.tolist()
    assert curve.aurc(num_resamples=5) == other.aurc(num_resamples=5)


@settings(deadline=None, max_examples=30)
@given(items)
def test_area_equals_averaging_over_random_orders_of_ties(pairs: list[tuple[float, bool]]) -> None:
    confidence, correct = map(np.array, zip(*pairs, strict=True))
    expected, errors, done = 0.0, 0.0, 0
    for value in sorted(set(confidence), reverse=True):
        group = ~correct[confidence == value]
        for _ in group:
            errors, done = errors + group.mean(), done + 1
            expected += errors / done / len(pairs)

    estimate = risk_curve(confidence, correct).aurc(num_resamples=5)

    assert estimate.value == pytest.approx(expected, abs=1e-9)
    assert estimate.n == len(pairs)


def test_area_and_its_interval_equal_resampling_items() -> None:
    confidence, correct = drawn(200, 0)

    def area(rows: np.ndarray) -> float:
        wrong = ~correct[rows][np.argsort(-confidence[rows], kind="stable")]
        return float(np.mean(np.cumsum(wrong) / np.arange(1, 201)))

    rng = np.random.default_rng(1)
    samples = [area(rng.integers(0, 200, 200)) for _ in range(2000)]

    estimate = risk_curve(confidence, correct).aurc()

    assert estimate.value == pytest.approx(area(np.arange(200)), abs=1e-9)
    assert estimate.interval is not None
    np.testing.assert_allclose(
        [estimate.interval.low, estimate.interval.high],
        np.quantile(samples, [0.025, 0.975]),
        atol=0.015,
    )


def test_counts_made_by_a_database_equal_counting_items() -> None:
    counted = risk_curve([0.9, 0.9, 0.5, 0.2], [True, False, True, False], [3, 1, 2, 0])
    one_by_one = risk_curve([0.9] * 4 + [0.5] * 2, [True] * 3 + [False] + [True] * 2)

    for name in ("thresholds", "num_answered", "num_errors"):
        assert getattr(counted, name).tolist() == getattr(one_by_one, name).tolist()
    assert counted.aurc() == one_by_one.aurc()


def test_selective_accuracy_shares_errors_among_ties() -> None:
    curve = risk_curve([0.9, 0.9, 0.5, 0.5], [True, True, True, False])

    accuracies = [curve.accuracy_at_coverage(c).value for c in (0.25, 0.5, 0.75, 1.0)]

    assert accuracies == pytest.approx([1.0, 1.0, 2.5 / 3, 0.75], abs=1e-12)


def test_expected_errors_and_reviews_scale_to_new_items() -> None:
    point = risk_curve(np.linspace(0, 1, 100), [False] * 60 + [True] * 40).at(0.5)

    errors, reviews = point.expected_errors(1000), point.expected_reviews(1000)

    assert (errors.value, reviews.value) == (pytest.approx(100), pytest.approx(500))
    for estimate, rate in [(errors, point.error_rate), (reviews, point.coverage)]:
        assert estimate.n == 100
        assert estimate.interval is not None
        assert rate.interval is not None
        assert estimate.interval.low < (estimate.value or 0) < estimate.interval.high
        width = rate.interval.high - rate.interval.low
        assert estimate.interval.high - estimate.interval.low == pytest.approx(1000 * width)


@pytest.mark.parametrize("correct", [True, False])
def test_all_right_and_all_wrong_have_flat_curves(correct: bool) -> None:
    curve = risk_curve(np.linspace(0.4, 1, 50), [correct] * 50)

    assert set(curve.risk.tolist()) == {float(not correct)}
    assert curve.aurc().value == pytest.approx(float(not correct), abs=1e-12)
    safe = threshold_for_risk(curve, 0.1, 0.9)
    if correct:
        assert safe.point is not None
        assert safe.point.coverage.value == 1.0
        assert safe.risk_bound is not None
        assert safe.risk_bound <= 0.1
    else:
        assert safe.point is None
        assert safe.undefined_because == "no threshold is shown to keep the risk within the target"


def test_no_items_leave_everything_undefined() -> None:
    curve = risk_curve([], [])

    assert curve.n == 0
    assert curve.aurc().undefined_because == "there are no items"
    assert curve.at(0.5).coverage.undefined_because == "there are no items"
    assert curve.accuracy_at_coverage(0.5).undefined_because == "there are no items"
    assert threshold_for_risk(curve, 0.1).point is None


def test_too_few_items_name_how_many_it_takes() -> None:
    safe = threshold_for_risk(risk_curve([0.9] * 28, [True] * 28), 0.1, 0.95)

    assert safe.undefined_because == "there are 28 items; certifying this risk takes at least 29"


@pytest.mark.parametrize("target", [0.1, 0.3])
def test_certified_risk_is_shown_by_an_exact_test(target: float) -> None:
    safe = threshold_for_risk(risk_curve(*drawn(20_000, 5)), target, 0.9)

    assert safe.point is not None
    assert safe.risk_bound is not None
    test = stats.binomtest(safe.point.num_errors, safe.point.num_answered, target, "less")
    assert test.pvalue <= 0.1
    num_starts = 10 if target == 0.1 else 12
    bound = stats.beta.ppf(
        1 - 0.1 / num_starts,
        safe.point.num_errors + 1,
        safe.point.num_answered - safe.point.num_errors,
    )
    assert safe.risk_bound == pytest.approx(bound, abs=1e-9)
    assert safe.risk_bound <= target


def test_certified_threshold_breaks_its_target_no_more_often_than_promised() -> None:
    level, target = 0.8, 0.2
    thresholds = []
    for seed in range(200):
        point = threshold_for_risk(risk_curve(*drawn(400, seed)), target, level).point
        thresholds.append(point.threshold if point else 1.0)
    true_risks = (1 - np.array(thresholds)) / 2

    assert (true_risks > target).mean() <= 1 - level
    assert np.mean(true_risks) > 0.6 * target  # and it is not merely timid


@pytest.mark.parametrize(
    ("confidence", "correct", "message"),
    [
        ([0.5, np.nan], [True, False], "nan at row 1"),
        ([[0.5]], [[True]], r"shape \(1, 1\); expected"),
        ([0.5], [True, False], r"expected \(1,\), bool"),
        ([0.5], [1], "type int64; expected"),
    ],
)
def test_wrong_arrays_are_refused(confidence: object, correct: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        risk_curve(confidence, correct)  # type: ignore[arg-type]


def test_impossible_targets_are_refused() -> None:
    curve = risk_curve([0.5], [True])
    with pytest.raises(ValueError, match="target risk is 5"):
        threshold_for_risk(curve, 5)
    with pytest.raises(ValueError, match="coverage is 0"):
        curve.accuracy_at_coverage(0)
