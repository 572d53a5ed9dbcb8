"""Temperature scaling against scipy, operating points, and folds that leak nothing."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import log_softmax
from scipy.special import softmax as scipy_softmax

from eci.arrays import FloatArray, IntArray
from eci.errors import ArtifactError
from eci.statistics.calibration import TemperatureScaling, out_of_fold, softmax
from eci.statistics.reliability import reliability_report


def drawn(n: int, seed: int, temperature: float = 1.0) -> tuple[FloatArray, IntArray]:
    """Draw logits that are calibrated at ``temperature``, and gold labels."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, (n, 3))
    p = scipy_softmax(z, axis=1)
    y = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return z * temperature, y


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.2, 8))
def test_temperature_equals_the_root_that_scipy_finds(seed: int, temperature: float) -> None:
    z, y = drawn(200, seed, temperature)

    def slope(log_beta: float) -> float:
        p = scipy_softmax(np.exp(log_beta) * z, axis=1)
        return float(((p * z).sum(axis=1) - z[np.arange(len(z)), y]).sum())

    expected = np.exp(-brentq(slope, np.log(0.01), np.log(100), xtol=1e-14, rtol=1e-14))

    assert TemperatureScaling.fit(z, y).temperature == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_no_other_temperature_has_a_smaller_loss(seed: int) -> None:
    z, y = drawn(60, seed, 3.0)
    fitted = TemperatureScaling.fit(z, y)

    def loss(temperature: float) -> float:
        return float(-log_softmax(z / temperature, axis=1)[np.arange(len(z)), y].mean())

    best = loss(fitted.temperature)
    assert all(best <= loss(fitted.temperature * f) + 1e-12 for f in (0.5, 0.9, 1.1, 2.0))


def test_overconfident_logits_become_calibrated() -> None:
    z, y = drawn(3000, 1, 4.0)
    fresh_z, fresh_y = drawn(3000, 2, 4.0)

    calibrated = TemperatureScaling.fit(z, y).transform(fresh_z)

    before = reliability_report(softmax(fresh_z), fresh_y, num_resamples=100)
    after = reliability_report(calibrated, fresh_y, num_resamples=100)
    assert before.ece.value is not None
    assert after.ece.value is not None
    assert after.ece_if_calibrated is not None
    assert before.ece.value > 0.1
    assert after.ece.value <= after.ece_if_calibrated.high


@given(
    st.lists(
        st.lists(st.floats(-1e6, 1e6) | st.just(-np.inf), min_size=3, max_size=3).filter(
            lambda row: max(row) > -np.inf
        ),
        min_size=1,
        max_size=9,
    ),
    st.floats(0.01, 100),
)
def test_calibrated_rows_sum_to_one_and_keep_their_order(
    rows: list[list[float]], temperature: float
) -> None:
    z = np.array(rows)

    p = TemperatureScaling(temperature, 1).transform(z)

    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    assert ((p >= 0) & (p <= 1)).all()
    assert (p[np.isneginf(z)] == 0).all()
    assert (p[np.arange(len(z)), z.argmax(axis=1)] == p.max(axis=1)).all()


def test_options_that_an_item_does_not_offer_do_not_move_the_temperature() -> None:
    z, y = drawn(100, 3, 2.0)
    padded = np.concatenate([z, np.full((100, 2), -np.inf)], axis=1)

    assert TemperatureScaling.fit(padded, y) == TemperatureScaling.fit(z, y)


@pytest.mark.parametrize(
    ("z", "y", "temperature"),
    [
        ([[5.0, 0.0], [0.0, 5.0]], [0, 1], 0.01),
        ([[5.0, 0.0], [0.0, 5.0]], [1, 0], 100.0),
        ([[0.3, 0.3], [7.0, 7.0]], [0, 0], 1.0),
        ([[2.0], [3.0]], [0, 0], 1.0),
    ],
    ids=["perfect", "always wrong", "uninformative", "one label"],
)
def test_temperature_stays_finite_at_the_edges(
    z: list[list[float]], y: list[int], temperature: float
) -> None:
    assert TemperatureScaling.fit(z, y).temperature == pytest.approx(temperature)


@pytest.mark.parametrize(
    ("z", "y", "message"),
    [
        (np.empty((0, 3)), [], "fitted on no items"),
        ([[0.0, -np.inf]], [1], "does not offer it"),
        ([[0.0, np.nan]], [0], "finite numbers, or -inf"),
        ([[-np.inf, -np.inf]], [0], "at least one finite"),
        ([0.0, 1.0], [0], "expected .n_items, n_labels"),
        ([[0.0, 1.0]], [2], "allowed are 0 to 1"),
    ],
)
def test_wrong_arrays_are_refused(z: object, y: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TemperatureScaling.fit(z, y)  # type: ignore[arg-type]


def test_scaling_survives_json() -> None:
    fitted = TemperatureScaling.fit(*drawn(50, 0))

    assert TemperatureScaling.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


@pytest.mark.parametrize("values", [{}, {"temperature": 0.0, "n": 3}, {"temperature": "1", "n": 3}])
def test_damaged_scaling_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ArtifactError, match="Fit it again"):
        TemperatureScaling.from_dict(values)


rows_with_parents = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=12, max_size=90
).filter(lambda rows: len({parent for _, parent in rows}) >= 5)


@given(rows_with_parents, st.integers(2, 5), st.integers(0, 99))
def test_every_row_is_held_out_once_and_no_parent_is_divided(
    rows: list[tuple[int, int]], num_folds: int, seed: int
) -> None:
    y = [label for label, _ in rows]
    parents = [f"q-{parent}" for _, parent in rows]

    folds = out_of_fold(y, parents, num_folds=num_folds, seed=seed)

    held_out = np.concatenate([fold.held_out for fold in folds])
    assert sorted(held_out) == list(range(len(rows)))
    for fold in folds:
        assert sorted([*fold.train, *fold.held_out]) == list(range(len(rows)))
        train, out = ({parents[i] for i in part} for part in (fold.train, fold.held_out))
        assert not train & out
        assert out


@given(st.lists(st.sampled_from(["yes", "no", "maybe"]), min_size=10, max_size=300))
def test_folds_of_single_rows_have_like_shares_of_labels(y: list[str]) -> None:
    folds = out_of_fold(y, num_folds=5)

    sizes = [len(fold.held_out) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for label in set(y):
        counts = [sum(y[i] == label for i in fold.held_out) for fold in folds]
        assert max(counts) - min(counts) <= 1


def test_augmented_rows_leave_the_folds_balanced() -> None:
    rng = np.random.default_rng(3)
    parents = np.concatenate([np.arange(500), rng.integers(0, 500, 700)])
    y_of_parent = rng.choice(3, 500, p=[0.55, 0.34, 0.11])
    y = y_of_parent[parents]

    folds = out_of_fold(y, [f"q-{parent}" for parent in parents])

    for label, total in Counter(y.tolist()).items():
        counts = [int((y[fold.held_out] == label).sum()) for fold in folds]
        assert max(counts) - min(counts) <= 0.1 * total / 5


def test_folds_depend_on_the_seed_and_not_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    names = np.array([f"q-{i // 2}" for i in range(60)])
    order = rng.permutation(60)

    def assignment(y: IntArray, names: np.ndarray, seed: int) -> dict[str, int]:
        folds = out_of_fold(y, names, seed=seed)
        return {names[i]: k for k, fold in enumerate(folds) for i in fold.held_out}

    assert assignment(y, names, 1) == assignment(y[order], names[order], 1)
    assert assignment(y, names, 1) != assignment(y, names, 2)


@pytest.mark.parametrize(
    ("y", "groups", "num_folds", "message"),
    [
        ([0, 1, 0], None, 1, "at least 2 folds"),
        ([0, 1, 0], ["a", "a", "a"], 2, "2 folds of 1 groups"),
        ([], None, 5, "5 folds of 0 groups"),
        ([0, 1], ["a"], 2, "one per row"),
    ],
)
def test_impossible_folds_are_refused(
    y: list[int], groups: list[str] | None, num_folds: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        out_of_fold(y, groups, num_folds=num_folds)
