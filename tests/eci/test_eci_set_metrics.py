"""Figures of sets of labels, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)

from eci.errors import UnknownLabelError
from eci.statistics.compare import mcnemar_p_value
from eci.statistics.reliability import (
    calibration_error_of_sets,
    ece_difference,
    reliability_report,
    two_labels,
)
from eci.statistics.set_metrics import compare_sets, set_report

LABELS = ("A", "B", "C", "D", "E")


def _sets(rng: np.random.Generator, n: int, share: float) -> list[set[str]]:
    rows = rng.random((n, len(LABELS))) < share
    # The reference has no value for an item without any label.
    return [
        {name for name, is_in in zip(LABELS, row, strict=True) if is_in} or {"A"} for row in rows
    ]


def _matrix(sets: list[set[str]]) -> np.ndarray:
    return np.array([[int(label in one) for label in LABELS] for one in sets])


@pytest.mark.parametrize(("seed", "n", "share"), [(0, 1, 0.5), (1, 40, 0.3), (2, 300, 0.6)])
def test_the_figures_equal_the_reference(seed: int, n: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    gold, predicted = _sets(rng, n, share), _sets(rng, n, share)
    report = set_report(gold, predicted, LABELS, num_resamples=50)
    y, given = _matrix(gold), _matrix(predicted)
    assert report.exact_match.value == pytest.approx(accuracy_score(y, given), abs=1e-9)
    assert report.jaccard.value == pytest.approx(
        jaccard_score(y, given, average="samples"), abs=1e-9
    )
    for figure, score in (("precision", precision_score), ("recall", recall_score)):
        expected = score(y, given, average=None, zero_division=np.nan)
        for label, value in zip(report.per_label, expected, strict=True):
            estimate = getattr(label, figure)
            if np.isnan(value):
                assert estimate.value is None
                assert estimate.undefined_because
            else:
                assert estimate.value == pytest.approx(value, abs=1e-9)


def test_the_interval_of_the_overlap_holds_its_value() -> None:
    rng = np.random.default_rng(3)
    jaccard = set_report(_sets(rng, 200, 0.4), _sets(rng, 200, 0.4), LABELS).jaccard
    assert jaccard.value is not None and jaccard.interval is not None
    assert jaccard.interval.low < jaccard.value < jaccard.interval.high
    assert jaccard.n == 200


def test_nothing_given_is_wrong_unless_nothing_is_right() -> None:
    report = set_report([{"A"}, set()], [set(), set()], ("A", "B"))
    assert (report.exact_match.value, report.jaccard.value) == (0.5, 0.5)
    assert report.per_label[0].precision.undefined_because == "'A' is never predicted"


def test_no_items_give_no_figures_and_the_reason() -> None:
    report = set_report([], [], LABELS)
    assert report.jaccard.value is None and report.jaccard.undefined_because
    assert report.exact_match.value is None


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UnknownLabelError, match="'Z' is not one of A, B"):
        set_report([{"A"}], [{"Z"}], ("A", "B"))
    with pytest.raises(ValueError, match="1 gold and 2 predicted sets"):
        set_report([{"A"}], [{"A"}, {"B"}], ("A", "B"))


def test_two_runs_are_compared_as_the_reference_scores_each() -> None:
    rng = np.random.default_rng(4)
    gold, a, b = (_sets(rng, 150, 0.4) for _ in range(3))
    b[:60] = gold[:60]
    found = compare_sets(gold, a, b, LABELS, num_resamples=200)
    y, of_a, of_b = (_matrix(sets) for sets in (gold, a, b))
    for before, after, difference, score in (
        (found.exact.accuracy_a, found.exact.accuracy_b, found.exact.accuracy_difference, {}),
        (found.macro_f1_a, found.macro_f1_b, found.exact.macro_f1_difference, "macro"),
        (found.jaccard_a, found.jaccard_b, found.jaccard_difference, "samples"),
    ):
        if score == "macro":
            expected = [f1_score(y, given, average="macro") for given in (of_a, of_b)]
        elif score == "samples":
            expected = [jaccard_score(y, given, average="samples") for given in (of_a, of_b)]
        else:
            expected = [accuracy_score(y, given) for given in (of_a, of_b)]
        assert [before.value, after.value] == pytest.approx(expected, abs=1e-9)
        assert difference.value == pytest.approx(expected[1] - expected[0], abs=1e-9)
        assert difference.interval is not None and difference.interval.low > 0
    hits = [(given == y).all(axis=1) for given in (of_a, of_b)]
    fixed, broken = int((hits[1] & ~hits[0]).sum()), int((hits[0] & ~hits[1]).sum())
    assert (found.exact.fixed, found.exact.broken) == (fixed, broken)
    assert found.exact.p_value == mcnemar_p_value(fixed, broken)


def test_each_label_is_a_task_of_its_own_for_calibration() -> None:
    rng = np.random.default_rng(5)
    p = rng.random((300, 4))
    right = (rng.random((300, 4)) < p).astype(int)
    stacked = reliability_report(two_labels(p.ravel()), right.ravel(), num_resamples=20)
    found = calibration_error_of_sets(p, right, num_resamples=200)
    assert found.value == pytest.approx(stacked.ece.value, abs=1e-9)
    assert found.n == 300 and found.interval is not None
    sure = np.where(p > 0.5, 0.99, 0.01)
    rise = ece_difference(p, sure, right, num_resamples=200)
    worse = calibration_error_of_sets(sure, right, num_resamples=20)
    assert rise.value == pytest.approx((worse.value or 0) - (found.value or 0), abs=1e-9)
    p[::2, 3] = np.nan  # options that an item does not have
    has = np.isfinite(p)
    fewer = reliability_report(two_labels(p[has]), right[has], num_resamples=20)
    found = calibration_error_of_sets(p, right, num_resamples=20)
    assert found.value == pytest.approx(fewer.ece.value, abs=1e-9)
