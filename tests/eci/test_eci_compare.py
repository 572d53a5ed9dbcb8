"""Paired comparison against scipy and scikit-learn, and its plain sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score
from statsmodels.stats.weightstats import DescrStatsW

from eci.errors import UnknownLabelError
from eci.statistics.compare import compare, mcnemar_p_value, paired_difference

LABELS = ["yes", "no", "maybe"]
given_label = st.sampled_from([*LABELS, None])
triples = st.lists(
    st.tuples(st.sampled_from(LABELS), given_label, given_label), min_size=1, max_size=50
)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemar_equals_scipys_exact_binomial_test(fixed: int, broken: int) -> None:
    n = fixed + broken
    expected = stats.binomtest(fixed, n, 0.5).pvalue if n else 1.0

    assert mcnemar_p_value(fixed, broken) == pytest.approx(expected, abs=1e-9)


@given(triples)
def test_counts_add_up_and_swapping_the_runs_mirrors_them(
    items: list[tuple[str, str | None, str | None]],
) -> None:
    gold, a, b = zip(*items, strict=True)

    forth = compare(gold, a, b, LABELS, num_resamples=10)
    back = compare(gold, b, a, LABELS, num_resamples=10)

    assert forth.fixed == sum(x != g and y == g for g, x, y in items) == back.broken
    assert forth.broken == sum(x == g and y != g for g, x, y in items) == back.fixed
    assert forth.both_right == sum(x == g == y for g, x, y in items)
    assert forth.n == forth.unchanged + forth.fixed + forth.broken == len(items)
    assert forth.p_value == back.p_value
    assert forth.accuracy_difference.value == -back.accuracy_difference.value
    assert forth.macro_f1_difference.value == -back.macro_f1_difference.value


def test_differences_and_their_intervals_equal_resampling_pairs() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, 120)
    a = np.where(rng.random(120) < 0.5, gold, rng.integers(0, 3, 120))
    b = np.where(rng.random(120) < 0.6, gold, rng.integers(0, 3, 120))
    drawn = rng.integers(0, 120, (800, 120))
    accuracy = [np.mean(b[i] == gold[i]) - np.mean(a[i] == gold[i]) for i in drawn]
    f1 = [
        f1_score(gold[i], b[i], average="macro") - f1_score(gold[i], a[i], average="macro")
        for i in drawn
    ]

    result = compare(*([LABELS[k] for k in column] for column in (gold, a, b)), LABELS)

    expected_f1 = f1_score(gold, b, average="macro") - f1_score(gold, a, average="macro")
    assert result.macro_f1_difference.value == pytest.approx(expected_f1, abs=1e-9)
    for estimate, samples in [
        (result.accuracy_difference, accuracy),
        (result.macro_f1_difference, f1),
    ]:
        assert estimate.interval is not None
        np.testing.assert_allclose(
            [estimate.interval.low, estimate.interval.high],
            np.quantile(samples, [0.025, 0.975]),
            atol=0.02,
        )


@pytest.mark.parametrize(("n", "fixed", "broken"), [(20, 0, 0), (20, 3, 9), (500, 60, 20)])
def test_the_paired_interval_is_walds_with_half_an_item_more_in_each_cell(
    n: int, fixed: int, broken: int
) -> None:
    found = paired_difference(n, fixed, broken)
    moved = DescrStatsW([1.0, 0.0, -1.0], [fixed + 0.5, n - fixed - broken + 1, broken + 0.5])
    spread = stats.norm.ppf(0.975) * np.sqrt(moved.var / moved.sum_weights)
    assert found.interval is not None
    assert (found.value, found.n) == ((fixed - broken) / n, n)
    assert found.interval.low == pytest.approx(moved.mean - spread, abs=1e-9)
    assert found.interval.high == pytest.approx(moved.mean + spread, abs=1e-9)


def test_a_paired_difference_without_items_is_undefined_and_of_too_many_refused() -> None:
    assert paired_difference(0, 0, 0).value is None
    with pytest.raises(ValueError, match="Of 5 items 4 are fixed and 2 broken"):
        paired_difference(5, 4, 2)


def test_small_difference_is_plainly_not_significant() -> None:
    gold = ["yes"] * 60 + ["no"] * 40
    a = ["yes"] * 50 + ["no"] * 50
    b = ["yes"] * 53 + ["no"] * 46 + ["maybe"]

    result = compare(gold, a, b, LABELS)

    assert (result.fixed, result.broken, result.unchanged) == (3, 1, 96)
    assert not result.is_significant
    assert result.sentence.startswith(
        "Not significant: of 100 shared items, B fixes 3 and breaks 1 (exact McNemar p = 0.62); "
        "accuracy +2.0 points (95 % interval -2.0 to +6.0), macro-F1 "
    )


def test_large_difference_is_significant() -> None:
    result = compare(["yes"] * 30, ["no"] * 10 + ["yes"] * 20, ["yes"] * 30, LABELS)

    assert result.is_significant
    assert result.p_value == pytest.approx(2 / 2**10, abs=1e-12)
    assert result.sentence.startswith("Significant: of 30 shared items, B fixes 10 and breaks 0")


@pytest.mark.parametrize("label", ["yes", "no", None])
def test_equal_runs_differ_in_nothing(label: str | None) -> None:
    result = compare(["yes"] * 5, [label] * 5, [label] * 5, LABELS)

    assert (result.fixed, result.broken, result.p_value) == (0, 0, 1.0)
    assert result.accuracy_difference.value == result.macro_f1_difference.value == 0.0


def test_no_shared_items_is_said_and_not_computed() -> None:
    result = compare([], [], [], LABELS)

    assert (result.n, result.p_value, result.is_significant) == (0, None, False)
    assert result.accuracy_difference.undefined_because == "the runs have no items in common"
    assert result.sentence == "No comparison: the runs have no items in common."


def test_unpaired_runs_and_unknown_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="2 gold labels, 1 of run A and 2 of run B"):
        compare(["yes", "no"], ["yes"], ["yes", "no"], LABELS)
    with pytest.raises(UnknownLabelError, match="'A'; allowed are yes, no, maybe"):
        compare(["yes"], ["A"], ["yes"], LABELS)
