"""Calibration figures against scikit-learn and a loop, and what happens at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from eci.arrays import FloatArray, IntArray
from eci.statistics.reliability import reliability_report


def drawn(n: int, seed: int, n_labels: int = 3) -> tuple[FloatArray, IntArray]:
    """Draw calibrated probabilities and gold labels."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n_labels), n)
    y = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, n_labels - 1)
    return p, y


def ece_by_loop(p: FloatArray, y: IntArray, num_bins: int = 15) -> float:
    total = 0.0
    for b in range(num_bins):
        rows = [
            i
            for i in range(len(p))
            if b / num_bins <= p[i].max() < (b + 1) / num_bins
            or (b == num_bins - 1 and p[i].max() == 1)
        ]
        if rows:
            accuracy = np.mean([p[i].argmax() == y[i] for i in rows])
            confidence = np.mean([p[i].max() for i in rows])
            total += len(rows) / len(p) * abs(accuracy - confidence)
    return total


@given(st.integers(1, 80), st.integers(0, 10_000))
def test_figures_equal_their_references(n: int, seed: int) -> None:
    p, y = drawn(n, seed)

    report = reliability_report(p, y, num_resamples=10)

    labels = [0, 1, 2]
    assert report.ece.value == pytest.approx(ece_by_loop(p, y), abs=1e-9)
    assert report.brier.value == pytest.approx(
        reference.brier_score_loss(y, p, labels=labels, scale_by_half=False), abs=1e-9
    )
    assert report.log_loss.value == pytest.approx(reference.log_loss(y, p, labels=labels), abs=1e-9)
    assert sum(b.count for b in report.bins) == n
    for estimate in (report.ece, report.brier, report.log_loss):
        assert estimate.interval is not None
        assert estimate.interval.low <= estimate.interval.high
    assert report.ece.interval is not None
    assert report.ece.interval.low <= report.ece.value <= report.ece.interval.high


def test_bootstrap_intervals_equal_resampling_items_by_hand() -> None:
    p, y = drawn(300, 4)
    losses = -np.log(p[np.arange(300), y])
    rng = np.random.default_rng(9)
    means = [losses[rng.integers(0, 300, 300)].mean() for _ in range(3000)]

    interval = reliability_report(p, y).log_loss.interval

    assert interval is not None
    np.testing.assert_allclose(
        [interval.low, interval.high], np.quantile(means, [0.025, 0.975]), atol=0.02
    )


def test_only_overconfident_probabilities_lie_outside_the_range_of_chance() -> None:
    p, y = drawn(600, 1)
    sharp = p**4 / (p**4).sum(axis=1, keepdims=True)

    honest, overconfident = reliability_report(p, y), reliability_report(sharp, y)

    assert honest.ece_if_calibrated is not None
    assert overconfident.ece_if_calibrated is not None
    assert honest.ece.value is not None
    assert overconfident.ece.value is not None
    assert honest.ece.value <= honest.ece_if_calibrated.high
    assert overconfident.ece.value > overconfident.ece_if_calibrated.high


@given(st.integers(0, 1000))
def test_order_of_items_does_not_matter(seed: int) -> None:
    p, y = drawn(40, 7)
    order = np.random.default_rng(seed).permutation(40)

    one, other = (reliability_report(p[i], y[i], num_resamples=5) for i in (np.arange(40), order))

    assert one.ece.value == pytest.approx(other.ece.value, abs=1e-12)
    assert [b.count for b in one.bins] == [b.count for b in other.bins]


def test_certain_and_right_is_perfect_and_certain_and_wrong_is_finite() -> None:
    right = reliability_report(np.eye(3), [0, 1, 2])
    wrong = reliability_report(np.eye(3), [1, 2, 0])

    assert (right.ece.value, right.brier.value) == (0.0, 0.0)
    assert right.log_loss.value == pytest.approx(0.0, abs=1e-9)
    assert (wrong.ece.value, wrong.brier.value) == (1.0, 2.0)
    assert wrong.log_loss.value == pytest.approx(36.04, abs=0.01)


def test_no_items_is_undefined_and_empty_bins_say_so() -> None:
    report = reliability_report(np.empty((0, 3)), [])

    assert report.ece.undefined_because == "there are no items"
    assert report.ece_if_calibrated is None
    assert report.bins[0].mean_confidence is None
    assert report.bins[0].accuracy.undefined_because == "no item has such a confidence"


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [
        ([0.2, 0.8], [1], "expected .n_items, n_labels"),
        ([[0.2, np.nan]], [1], "must lie in"),
        ([[-1.0, 2.0]], [1], "Were logits passed"),
        ([[0.2, 0.2]], [1], "sums to 0.4"),
        ([[0.2, 0.8]], [2], "allowed are 0 to 1"),
        ([[0.2, 0.8]], [0.0], "expected whole numbers"),
        ([[0.2, 0.8]], [0, 1], r"shape \(2,\); expected \(1,\)"),
    ],
)
def test_wrong_arrays_are_refused(p: object, y: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reliability_report(p, y)  # type: ignore[arg-type]
