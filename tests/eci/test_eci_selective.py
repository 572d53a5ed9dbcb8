"""Coverage and risk against plain counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from eci.statistics.selective import risk_curve

items = st.lists(
    st.tuples(st.sampled_from([0.4, 0.5, 0.6, 0.75, 0.9, 1.0]), st.booleans()),
    min_size=1,
    max_size=60,
)


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
        assert point.risk.value == pytest.approx(1 - expected, abs=1e-9)
    else:
        assert point.risk.undefined_because is not None
        assert "no item has a confidence of at least" in point.risk.undefined_because


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


def test_counts_made_by_a_database_equal_counting_items() -> None:
    counted = risk_curve([0.9, 0.9, 0.5, 0.2], [True, False, True, False], [3, 1, 2, 0])
    one_by_one = risk_curve([0.9] * 4 + [0.5] * 2, [True] * 3 + [False] + [True] * 2)

    for name in ("thresholds", "num_answered", "num_errors"):
        assert getattr(counted, name).tolist() == getattr(one_by_one, name).tolist()


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


def test_no_items_leave_everything_undefined() -> None:
    curve = risk_curve([], [])

    assert curve.n == 0
    assert curve.at(0.5).coverage.undefined_because == "there are no items"


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
