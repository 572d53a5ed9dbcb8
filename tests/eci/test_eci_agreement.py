"""Agreement against krippendorff, scikit-learn, statsmodels and irrCAC, and at the edges."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from eci.statistics.agreement import (
    ALL_ALIKE,
    MORE_THAN_TWO,
    NO_PAIRS,
    NO_SHARED_ITEMS,
    agreement,
    clustered_share,
    masi_distances,
    pair_agreement,
)
from eci.statistics.estimates import Estimate

# Written down from irrCAC 0.4.4, which cannot be installed beside this package: it wants numpy 1.
# The first case is its documented example, of which Gwet prints 0.81818, 0.76117, 0.74342, 0.77544.
IRRCAC = json.loads((Path(__file__).with_name("irrcac_figures.json")).read_text())
FAST = {"num_resamples": 20}
MISSING = -1
"""Code of a rating that was not given."""


def rating_counts(codes: Sequence[Sequence[int]] | np.ndarray, num_categories: int) -> np.ndarray:
    """Count the ratings of each item by category; a row of ``codes`` is an item."""
    array = np.asarray(codes)
    return np.stack([(array == code).sum(axis=1) for code in range(num_categories)], axis=1)


def width(estimate: Estimate) -> float:
    assert estimate.interval is not None
    return estimate.interval.high - estimate.interval.low


codes_of_raters = st.integers(2, 5).flatmap(
    lambda raters: st.lists(
        st.lists(st.integers(MISSING, 2), min_size=raters, max_size=raters), min_size=1, max_size=25
    )
)


@pytest.mark.parametrize("case", IRRCAC, ids=lambda case: case["name"])
def test_coefficients_equal_irrcac(case) -> None:
    size = case["num_categories"]
    found = agreement(rating_counts(case["codes"], size), **FAST)

    assert found.percent.value == pytest.approx(case["percent"], abs=1e-9)
    assert found.fleiss_kappa.value == pytest.approx(case["fleiss_kappa"], abs=1e-9)
    assert found.krippendorff_alpha.value == pytest.approx(case["krippendorff_alpha"], abs=1e-9)
    assert found.gwet_ac1.value == pytest.approx(case["gwet_ac1"], abs=1e-9)


def test_pair_equals_irrcac_and_the_general_form() -> None:
    (case,) = [case for case in IRRCAC if "cohen_kappa" in case]
    codes = np.array(case["codes"])
    table = np.zeros((3, 3), dtype=np.int64)
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)

    found = pair_agreement(table, **FAST)
    general = agreement(rating_counts(codes, 3), **FAST)

    assert found.cohen_kappa.value == pytest.approx(case["cohen_kappa"], abs=1e-9)
    for name in ("percent", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"):
        assert getattr(found, name).value == pytest.approx(case[name], abs=1e-9)
    assert (found.n_items, found.n_pairs) == (general.n_items, general.n_pairs) == (20, 20)


@given(codes_of_raters)
def test_alpha_equals_krippendorff_with_missing_ratings(codes: list[list[int]]) -> None:
    array = np.array(codes)
    found = agreement(rating_counts(array, 3), **FAST).krippendorff_alpha
    used = array[(array >= 0).sum(axis=1) >= 2]
    if not len(used):
        assert (found.value, found.undefined_because) == (None, NO_PAIRS)
    elif len(np.unique(used[used >= 0])) < 2:
        assert (found.value, found.undefined_because) == (None, ALL_ALIKE)
    else:
        data = np.where(array == MISSING, np.nan, array).T
        reference = krippendorff.alpha(data, level_of_measurement="nominal")
        assert found.value == pytest.approx(reference, abs=1e-9)


def test_alpha_of_sets_equals_krippendorff_with_masi_distances() -> None:
    sets = [(), ("A",), ("B",), ("A", "B"), ("A", "B", "C"), ("B", "C")]
    distances = masi_distances(sets)
    rng = np.random.default_rng(4)
    codes = np.where(rng.random((30, 4)) < 0.2, MISSING, rng.integers(0, len(sets), (30, 4)))
    reference = krippendorff.alpha(
        np.where(codes == MISSING, np.nan, codes).T,
        value_domain=list(range(len(sets))),
        level_of_measurement=lambda v1, v2, **_: distances[v1.astype(int), v2.astype(int)],
    )

    found = agreement(rating_counts(codes, len(sets)), distances=distances, **FAST)

    assert found.krippendorff_alpha.value == pytest.approx(reference, abs=1e-9)


def test_masi_distances_are_those_of_its_definition() -> None:
    found = masi_distances([{"A"}, {"A", "B"}, {"B", "C"}, {"C"}, set()])

    assert found[0, 1] == pytest.approx(1 - 2 / 3 * 1 / 2)
    assert found[1, 2] == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert (found[0, 3], found[0, 4], found[4, 4]) == (1.0, 1.0, 0.0)
    assert (found == found.T).all()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_cohens_kappa_equals_scikit_learn_and_is_symmetric(pairs: list[tuple[int, int]]) -> None:
    one, other = zip(*pairs, strict=True)
    table = np.zeros((3, 3), dtype=np.int64)
    np.add.at(table, (one, other), 1)
    found = pair_agreement(table, **FAST).cohen_kappa

    if found.value is None:
        assert found.undefined_because == ALL_ALIKE
        assert len({*one, *other}) == 1
    else:
        reference = cohen_kappa_score(one, other, labels=[0, 1, 2])
        assert found.value == pytest.approx(reference, abs=1e-9)
        swapped = pair_agreement(table.T, **FAST).cohen_kappa.value
        assert found.value == pytest.approx(swapped, abs=1e-12)


@given(st.integers(2, 5), st.integers(1, 30), st.randoms(use_true_random=False))
def test_fleiss_kappa_equals_statsmodels(raters: int, items: int, random) -> None:
    codes = [[random.randrange(3) for _ in range(raters)] for _ in range(items)]
    counts = rating_counts(codes, 3)
    found = agreement(counts, **FAST).fleiss_kappa

    if found.value is None:
        assert np.count_nonzero(counts.sum(axis=0)) == 1
    else:
        assert found.value == pytest.approx(fleiss_kappa(counts), abs=1e-9)


def test_intervals_are_those_of_resampling_items_with_a_reference() -> None:
    rng = np.random.default_rng(6)
    right = rng.integers(0, 3, 80)
    codes = np.where(rng.random((80, 3)) < 0.4, rng.integers(0, 3, (80, 3)), right[:, None])
    counts = rating_counts(codes, 3)
    rows = rng.integers(0, 80, (1500, 80))
    scores = [fleiss_kappa(counts[drawn]) for drawn in rows]

    interval = agreement(counts).fleiss_kappa.interval

    assert interval is not None
    expected = np.quantile(scores, [0.025, 0.975])
    np.testing.assert_allclose([interval.low, interval.high], expected, atol=0.02)


def test_counted_items_give_the_same_figures_as_single_ones() -> None:
    patterns = np.array([[3, 0], [2, 1], [1, 1], [0, 1]])
    num_items = np.array([5, 4, 3, 2])

    counted = agreement(patterns, num_items, **FAST)
    single = agreement(np.repeat(patterns, num_items, axis=0), **FAST)

    assert (counted.n_items, counted.n_pairs) == (single.n_items, single.n_pairs) == (12, 30)
    assert counted.krippendorff_alpha.value == pytest.approx(single.krippendorff_alpha.value)
    assert counted.gwet_ac1.value == pytest.approx(single.gwet_ac1.value)


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert agreement([[3, 0], [2, 1], [0, 3]]) == agreement([[3, 0], [2, 1], [0, 3]])


def test_undefined_figures_say_why() -> None:
    nobody = agreement(np.zeros((0, 3), dtype=np.int64))
    alone = agreement([[1, 0], [0, 1]])
    alike = agreement([[3, 0], [2, 0]])
    strangers = pair_agreement(np.zeros((2, 2), dtype=np.int64))

    assert nobody.percent.undefined_because == alone.gwet_ac1.undefined_because == NO_PAIRS
    assert alike.percent.value == alike.gwet_ac1.value == 1.0
    assert alike.fleiss_kappa.undefined_because == ALL_ALIKE
    assert alike.cohen_kappa.undefined_because == MORE_THAN_TWO
    assert strangers.cohen_kappa.undefined_because == NO_SHARED_ITEMS
    assert agreement([[2]]).gwet_ac1.undefined_because == "there is only one category"


def test_perfect_agreement_still_has_an_honest_interval() -> None:
    found = pair_agreement([[10, 0], [0, 10]])

    assert found.percent.interval is not None
    assert found.percent.interval.method == "Wilson"
    assert found.percent.interval.low == pytest.approx(0.839, abs=1e-3)
    assert found.cohen_kappa.value == 1.0


def test_ac1_holds_where_kappa_breaks_down() -> None:
    found = pair_agreement([[118, 5], [2, 0]])  # Gwet 2008: two raters agree on nearly everything

    assert found.cohen_kappa.value == pytest.approx(-0.0234, abs=1e-4)
    assert found.gwet_ac1.value == pytest.approx(0.9408, abs=1e-4)


def test_ratings_of_one_item_are_resampled_together() -> None:
    clustered = clustered_share([3] * 5 + [0] * 5, [3] * 10, because="nobody rated")
    single = clustered_share([1] * 15 + [0] * 15, [1] * 30, because="nobody rated")

    assert clustered.value == single.value == 0.5
    assert clustered.n == single.n == 30
    assert width(clustered) > 1.5 * width(single)
    assert clustered_share([], [], because="nobody rated").undefined_because == "nobody rated"


def test_pairs_of_one_item_are_resampled_together() -> None:
    tables = np.array([[[3, 0], [0, 0]], [[0, 3], [0, 0]], [[0, 0], [0, 3]]])
    found = pair_agreement(tables, [6, 3, 6])

    assert (found.n_items, found.n_pairs) == (15, 45)
    pooled = pair_agreement([[18, 9], [0, 18]])
    assert found.cohen_kappa.value == pytest.approx(pooled.cohen_kappa.value, abs=1e-12)
    assert width(found.cohen_kappa) > 1.4 * width(pooled.cohen_kappa)


def test_a_single_item_has_a_value_but_no_interval() -> None:
    found = agreement([[2, 1]])

    assert found.percent.value == pytest.approx(1 / 3)
    assert found.percent.interval is None
    assert not math.isnan(found.krippendorff_alpha.value or 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: agreement([1, 2]), "two dimensions"),
        (lambda: agreement([[1, 2]], distances=[[0, 1], [2, 0]]), "symmetric"),
        (lambda: pair_agreement([[1, 2, 3]]), "n_categories, n_categories"),
        (lambda: clustered_share([2], [1], because=""), "as many ratings as hits"),
    ],
)
def test_what_does_not_fit_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_import_needs_no_heavy_library() -> None:
    code = (
        "import sys, eci.statistics.agreement\n"
        "print(sorted({'torch', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
