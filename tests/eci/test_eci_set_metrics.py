"""Figures of sets of labels, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, jaccard_score, precision_score, recall_score

from eci.errors import UnknownLabelError
from eci.statistics.set_metrics import set_report

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
