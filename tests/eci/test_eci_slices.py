"""Slices, many tests at once, label errors, binned calibration: beside their references."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues
from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
from cleanlab.rank import get_label_quality_scores
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import DescrStatsW

from eci.statistics.binned_calibration import BinSums, binned_ece
from eci.statistics.compare import compare
from eci.statistics.design import DrawnSample, estimate_mean
from eci.statistics.estimates import mean
from eci.statistics.label_errors import find_label_errors, find_set_errors
from eci.statistics.reliability import reliability_report
from eci.statistics.slices import (
    benjamini_hochberg,
    compare_estimates,
    compare_slices,
    difference,
    fisher_p_value,
)

RNG = np.random.default_rng(7)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_benjamini_hochberg_is_that_of_statsmodels(p_values: list[float]):
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert benjamini_hochberg(p_values) == pytest.approx(expected, abs=1e-9)


def test_p_values_outside_their_range_are_refused():
    with pytest.raises(ValueError, match=r"place 1 is 1\.2"):
        benjamini_hochberg([0.5, 1.2])


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_the_exact_test_is_that_of_scipy(a: int, b: int, c: int, d: int):
    expected = fisher_exact([[a, b], [c, d]]).pvalue
    assert fisher_p_value(a, a + b, a + c, a + b + c + d) == pytest.approx(expected, abs=1e-9)


def test_the_exact_test_stands_large_counts():
    expected = fisher_exact([[700, 300], [75_000, 24_000]]).pvalue
    assert fisher_p_value(700, 1000, 75_700, 100_000) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("right_a", "size_a", "right_b", "size_b"), [(8, 20, 70, 90), (0, 5, 9, 9), (30, 40, 30, 40)]
)
def test_the_interval_of_a_difference_is_newcombes(right_a, size_a, right_b, size_b):
    low, high = confint_proportions_2indep(
        right_a, size_a, right_b, size_b, method="newcomb", compare="diff"
    )
    found = difference(right_a, size_a, right_b, size_b)
    assert found.value == pytest.approx(right_a / size_a - right_b / size_b, abs=1e-12)
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-9)


def test_slices_are_compared_with_what_lies_outside_them():
    worse, same, whole = compare_slices([(50, 20), (40, 32), (200, 160)], 200, 160)
    assert worse.difference.value == pytest.approx(20 / 50 - 140 / 150)
    assert worse.adjusted_p_value < 0.001
    assert same.difference.value == pytest.approx(0)
    assert same.p_value == pytest.approx(1)
    assert whole.difference.value is None
    assert whole.difference.undefined_because == "there are no items outside the slice"


def test_counts_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="Slice 0 has 50 items and 45 right"):
        compare_slices([(50, 45)], 100, 40)


def drawn(n: int, size: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and gold labels, a share of which is wrong."""
    true = RNG.integers(0, size, n)
    logits = RNG.normal(0, 1, (n, size))
    logits[np.arange(n), true] += 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gold = np.where(RNG.random(n) < noise, RNG.integers(0, size, n), true)
    return p, gold


@pytest.mark.parametrize(("n", "size", "noise"), [(400, 3, 0.1), (250, 5, 0.3), (60, 2, 0.2)])
def test_label_errors_are_those_of_cleanlab(n: int, size: int, noise: float):
    p, gold = drawn(n, size, noise)
    found = find_label_errors(p, gold)
    joint = compute_confident_joint(gold, p, calibrate=False)
    # cleanlab puts at least one item on the diagonal of each label.
    assert np.array_equal(found.confident_joint, joint)
    scores = get_label_quality_scores(gold, p, method="normalized_margin")
    assert found.quality == pytest.approx(scores, abs=1e-9)
    expected = find_label_issues(
        gold,
        p,
        filter_by="confident_learning",
        return_indices_ranked_by="normalized_margin",
        min_examples_per_class=0,
    )
    suspects = np.flatnonzero(found.is_suspect)
    ranked = suspects[np.argsort(found.quality[suspects], kind="stable")]
    assert ranked.tolist() == expected.tolist()


def test_doubtful_labels_of_sets_are_those_of_cleanlab():
    p = RNG.random((300, 4))
    right = RNG.random((300, 4)) < p
    right[::9] = ~right[::9]
    right[:, 0] |= ~right.any(axis=1)  # the reference knows no empty set
    quality, is_suspect = find_set_errors(p, right)
    sets = [np.flatnonzero(row).tolist() for row in right]
    expected = find_multilabel_issues_per_class(
        sets, p, filter_by="confident_learning", min_examples_per_class=0, n_jobs=1
    )
    assert np.array_equal(is_suspect, expected) and is_suspect.sum() > 20
    of_label = np.where(right, p, 1 - p)
    assert quality == pytest.approx(of_label.min(axis=1), abs=1e-9)
    p[::2, 3] = np.nan  # an option that these items do not have
    assert not find_set_errors(p, right)[1][::2, 3].any()


def test_a_label_that_is_never_gold_is_never_suggested():
    found = find_label_errors([[0.6, 0.1, 0.3], [0.1, 0.2, 0.7], [0.2, 0.7, 0.1]], [0, 0, 1])
    assert np.isnan(found.thresholds[2])
    assert not found.is_suspect.any()


def test_the_binned_calibration_error_is_that_of_the_single_items():
    p, gold = drawn(4_000, 3, 0.2)
    report = reliability_report(p, gold, num_resamples=400)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == gold
    which = np.minimum((confidence * 15).astype(int), 14)
    bins = []
    for b in np.unique(which):
        gaps, sure = (right - confidence)[which == b], confidence[which == b]
        bins.append(BinSums(len(gaps), gaps.sum(), (gaps**2).sum(), (sure * (1 - sure)).sum()))
    ece, by_chance = binned_ece(bins)
    assert ece.value == pytest.approx(report.ece.value, abs=1e-9)
    # Two bootstraps of 400 and 2,000 draws: the same up to their own noise.
    assert ece.interval.low == pytest.approx(report.ece.interval.low, abs=0.003)
    assert ece.interval.high == pytest.approx(report.ece.interval.high, abs=0.003)
    assert by_chance.low == pytest.approx(report.ece_if_calibrated.low, abs=0.002)
    assert by_chance.high == pytest.approx(report.ece_if_calibrated.high, abs=0.002)


def test_without_items_there_is_no_calibration_error():
    assert binned_ece([])[0].value is None


def test_a_mean_from_sums_has_the_normal_interval_of_statsmodels():
    values = RNG.lognormal(3, 1, 50)
    found = mean(values.sum(), (values**2).sum(), len(values), "none")
    expected = DescrStatsW(values).zconfint_mean()
    assert found.value == pytest.approx(values.mean(), abs=1e-9)
    assert (found.interval.low, found.interval.high) == pytest.approx(expected, abs=1e-9)
    assert mean(0, 0, 0, "nothing").undefined_because == "nothing"


def test_counted_pairs_compare_like_single_ones():
    gold, a, b = ["yes", "yes", "no"], ["yes", None, "no"], ["no", "yes", "no"]
    counts = [3, 5, 2]
    single = [
        [label for label, count in zip(labels, counts, strict=True) for _ in range(count)]
        for labels in (gold, a, b)
    ]
    counted = compare(gold, a, b, ["yes", "no"], counts)
    assert counted == compare(*single, ["yes", "no"])
    assert (counted.n, counted.fixed, counted.broken) == (10, 5, 3)


def test_estimated_slices_are_compared_like_counted_ones() -> None:
    rng = np.random.default_rng(2)
    pairs = []
    for size, share in ((40, 0.5), (60, 0.8), (200, 0.9)):
        inside = DrawnSample.of(rng.random(size) < share, np.full(size, 0.5), np.zeros(size), [400])
        outside = DrawnSample.of(rng.random(300) < 0.85, np.full(300, 0.5), np.zeros(300), [600])
        pairs.append((estimate_mean([inside]), estimate_mean([outside])))

    found = compare_estimates(pairs)

    assert [one.n for one in found] == [40, 60, 200]
    assert found[0].p_value < 1e-3 < found[1].p_value
    adjusted = multipletests([one.p_value for one in found], method="fdr_bh")[1]
    assert [one.adjusted_p_value for one in found] == pytest.approx(adjusted, abs=1e-9)
    for one in found:
        assert one.difference.interval is not None
        excludes = one.difference.interval.low > 0 or one.difference.interval.high < 0
        assert excludes == (one.p_value < 0.05)
