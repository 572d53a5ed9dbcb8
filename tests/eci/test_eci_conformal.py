"""Conformal sets against a plain loop, and whether they keep their promise."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eci.arrays import FloatArray, IntArray
from eci.errors import ArtifactError
from eci.statistics.conformal import ConformalSets, Kind, coverage_report

LABELS = ("yes", "no", "maybe")
SHARES = (0.55, 0.34, 0.11)


def drawn(n: int, seed: int) -> tuple[FloatArray, IntArray]:
    """Draw probabilities that know the frequent labels well and the rare one badly."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=SHARES)
    z = rng.normal(0, 1, (n, 3)) + np.log(SHARES) + 1.2 * np.eye(3)[y]
    p = np.exp(z)
    return p / p.sum(axis=1, keepdims=True), y


def thresholds_by_loop(p: FloatArray, y: IntArray, alpha: float) -> list[float]:
    """Find, label by label, the smallest score that enough of its items do not exceed."""
    found = []
    for label in range(p.shape[1]):
        scores = [1 - p[i, label] for i in range(len(y)) if y[i] == label]
        enough = [
            s
            for s in scores
            if sum(t <= s for t in scores) >= (len(scores) + 1) * (1 - alpha) - 1e-9
        ]
        found.append(min(enough, default=math.inf))
    return found


@given(st.integers(0, 120), st.integers(0, 1000), st.sampled_from([0.05, 0.1, 0.25, 0.5]))
def test_thresholds_equal_the_plain_loop(n: int, seed: int, alpha: float) -> None:
    p, y = drawn(n, seed)

    fitted = ConformalSets.fit(p, y, labels=LABELS, alpha=alpha)

    assert list(fitted.thresholds) == thresholds_by_loop(p, y, alpha)
    assert list(fitted.num_calibration) == np.bincount(y, minlength=3).tolist()


@pytest.mark.parametrize("alpha", [0.1, 0.2])
def test_class_conditional_sets_cover_every_label_as_promised(alpha: float) -> None:
    reports = []
    for seed in range(60):
        fitted = ConformalSets.fit(*drawn(400, seed), labels=LABELS, alpha=alpha)
        p, y = drawn(400, 10_000 + seed)
        reports.append(coverage_report(fitted.sets(p), y, num_resamples=1))

    for column, share in enumerate(SHARES):
        coverages = [report.per_label[column].coverage.value for report in reports]
        # Exact coverage lies within 1 / (n_k + 1) above the promise; 3 standard errors of the mean.
        error = 3 * np.std(coverages) / math.sqrt(60)
        assert 1 - alpha - error <= np.mean(coverages) <= 1 - alpha + 1 / (400 * share) + error


def test_marginal_sets_keep_the_promise_on_average_and_fail_the_rare_label() -> None:
    fitted = ConformalSets.fit(*drawn(4000, 0), labels=LABELS, kind="marginal")
    p, y = drawn(4000, 1)

    report = coverage_report(fitted.sets(p), y)

    assert len(set(fitted.thresholds)) == 1
    assert report.overall.coverage.value == pytest.approx(0.9, abs=0.02)
    assert report.per_label[2].coverage.value is not None
    assert report.per_label[2].coverage.value < 0.7


def test_nine_items_are_the_fewest_that_can_exclude_a_label_at_one_tenth() -> None:
    p = [[0.6, 0.4]] * 17
    enough = ConformalSets.fit(p, [0] * 9 + [1] * 8, labels=("yes", "no"), alpha=0.1)

    assert enough.thresholds == (pytest.approx(0.4), math.inf)
    assert enough.always_included == ("no",)
    assert enough.sets([[1.0, 0.0], [0.5, 0.5]]).tolist() == [[True, True], [False, True]]


@pytest.mark.parametrize("kind", ["class_conditional", "marginal"])
def test_no_calibration_items_put_every_label_in_every_set(kind: Kind) -> None:
    fitted = ConformalSets.fit(np.empty((0, 3)), [], labels=LABELS, kind=kind)

    assert fitted.always_included == LABELS
    assert fitted.sets([[1.0, 0.0, 0.0]]).all()


@given(st.integers(0, 1000))
def test_order_of_items_does_not_matter_and_smaller_alpha_means_larger_sets(seed: int) -> None:
    p, y = drawn(90, seed)
    order = np.random.default_rng(seed).permutation(90)

    loose, same = (
        ConformalSets.fit(p[i], y[i], labels=LABELS, alpha=0.3) for i in (np.arange(90), order)
    )
    strict = ConformalSets.fit(p, y, labels=LABELS, alpha=0.1)

    assert loose == same
    assert (loose.sets(p) <= strict.sets(p)).all()


def test_report_counts_sets_by_label_and_size() -> None:
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]], dtype=bool)

    report = coverage_report(sets, [0, 1, 1, 1])

    assert report.overall.coverage.value == 0.75
    assert report.overall.mean_size.value == 1.5
    assert report.overall.num_by_size == (1, 1, 1, 1)
    no, maybe = report.per_label[1], report.per_label[2]
    assert (no.coverage.value, no.coverage.n) == (pytest.approx(2 / 3), 3)
    assert no.mean_size.value == pytest.approx(5 / 3)
    assert no.mean_size.interval is not None
    assert no.mean_size.interval.low < 5 / 3 < no.mean_size.interval.high
    assert maybe.coverage.undefined_because == "no item has this reference label"
    assert maybe.mean_size.value is None


def test_report_of_no_items_is_undefined() -> None:
    report = coverage_report(np.empty((0, 3), dtype=bool), [])

    assert report.overall.coverage.undefined_because == "there are no items"
    assert report.overall.mean_size.value is None


def test_sets_survive_json() -> None:
    fitted = ConformalSets.fit(*drawn(40, 2), labels=LABELS, alpha=0.1)
    assert fitted.always_included == ("maybe",)

    assert ConformalSets.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    assert "Infinity" not in json.dumps(fitted.to_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 2},
        {"kind": "mondrian"},
        {"thresholds": [0.1]},
        {"thresholds": [0.1, float("nan"), 0.2]},
        {"labels": None},
        {"num_calibration": ["many"]},
    ],
)
def test_damaged_sets_are_refused(change: dict[str, object]) -> None:
    values = ConformalSets.fit(*drawn(40, 2), labels=LABELS).to_dict() | change

    with pytest.raises(ArtifactError, match="Fit them again"):
        ConformalSets.from_dict(values)


def test_wrong_arguments_are_refused() -> None:
    p, y = drawn(20, 0)
    fitted = ConformalSets.fit(p, y, labels=LABELS)
    with pytest.raises(ValueError, match=r"alpha is 1\.5"):
        ConformalSets.fit(p, y, labels=LABELS, alpha=1.5)
    with pytest.raises(ValueError, match="3 columns for 2 labels"):
        ConformalSets.fit(p, y, labels=LABELS[:2])
    with pytest.raises(ValueError, match="2 columns for 3 labels"):
        fitted.sets([[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"expected \(n_items, n_labels\), bool"):
        coverage_report(np.ones((2, 3)), [0, 1])  # type: ignore[arg-type]
