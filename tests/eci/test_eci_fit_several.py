"""Heads for items with several right labels, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from eci.model.head_fit import fit_several


@pytest.mark.parametrize(("n", "dim", "l2"), [(60, 5, 0.3), (200, 8, 1.0), (30, 40, 1.0)])
def test_each_label_is_the_logistic_regression_of_the_reference(
    n: int, dim: int, l2: float
) -> None:
    rng = np.random.default_rng(n)
    states = rng.normal(size=(n, 1, dim)).astype(np.float32)
    y = (states[:, 0, :3] + rng.normal(size=(n, 3)) > 0).astype(int)
    head = fit_several(states, y, l2=l2)
    logits = head.logits(states, np.zeros((n, 3), np.float32))
    x = (states[:, 0] - head.mean) / head.spread
    for label in range(3):
        reference = LogisticRegression(C=1 / (n * l2), tol=1e-10, max_iter=5000)
        expected = reference.fit(x, y[:, label]).decision_function(x)
        assert logits[:, label] == pytest.approx(expected, abs=0.02)
    probabilities = 1 / (1 + np.exp(-logits))
    assert ((probabilities > 0.5) == y).mean() > 0.6


def test_labels_that_are_all_or_never_right_are_learned_too() -> None:
    rng = np.random.default_rng(1)
    states = rng.normal(size=(40, 2, 4)).astype(np.float32)
    y = np.stack([np.ones(40), np.zeros(40), states[:, 1, 0] > 0], axis=1)
    logits = fit_several(states, y, columns=[1], l2=0.1).logits(
        states, np.zeros((40, 3), np.float32)
    )
    assert (logits[:, 0] > 2).all() and (logits[:, 1] < -2).all()
    assert ((logits[:, 2] > 0) == y[:, 2]).mean() > 0.9


@pytest.mark.parametrize("y", [np.zeros((3, 2)), np.zeros(4), np.full((4, 2), 2)])
def test_what_does_not_fit_is_refused(y: np.ndarray) -> None:
    with pytest.raises(ValueError, match="0 or 1 for each item and label"):
        fit_several(np.zeros((4, 1, 3), np.float32), y)
