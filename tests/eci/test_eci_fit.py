"""Heads fitted on features: the artifact's head, without the language model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from eci.arrays import IntArray
from eci.model.eci_model import EciModel
from eci.model.features import stack
from eci.model.head import EciHead, HeadConfig, HeadInputs
from eci.model.head_fit import (
    CrossValidationResult,
    FittedHead,
    HeadSearch,
    cross_validate,
    fit_head,
)
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Question
from eci.statistics.calibration import out_of_fold, softmax

RNG = np.random.default_rng(0)


def _separable(n: int, dim: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = RNG.integers(0, 3, n)
    states = RNG.normal(size=(n, 3, dim)).astype(np.float32)
    states[np.arange(n), 0, y] += 2.0
    return states, RNG.normal(size=(n, 3)).astype(np.float32), y


@pytest.mark.parametrize("is_options", [False, True])
def test_a_fitted_head_gives_what_the_torch_head_gives(is_options: bool) -> None:
    states, scores, y = _separable(60)
    fitted = fit_head(states, scores, y, is_options=is_options, l2=0.01)
    head = EciHead(HeadConfig(24, {"triage": 3}, "last+item+evidence", 0.0)).eval()
    name = "options" if is_options else "triage"
    head.take(name, fitted)
    with torch.no_grad():
        given = head(name, HeadInputs(torch.tensor(states), torch.tensor(scores)))
    assert given.numpy() == pytest.approx(fitted.logits(states, scores), abs=1e-4)


@pytest.mark.parametrize("n", [40, 200], ids=["fewer items than dimensions", "more"])
def test_without_scores_it_is_scikit_learns_logistic_regression(n: int) -> None:
    states, _, y = _separable(n)
    l2 = 0.05
    fitted = fit_head(states, np.zeros((n, 3), np.float32), y, is_options=False, l2=l2)
    x = StandardScaler().fit_transform(states.reshape(n, -1))
    reference = LogisticRegression(C=1 / (l2 * n), tol=1e-8, max_iter=5000).fit(x, y)
    assert fitted.weight == pytest.approx(reference.coef_, abs=0.02)
    ours = fitted.logits(states, np.zeros((n, 3), np.float32))
    theirs = reference.decision_function(x)
    centred = ours - ours.mean(1, keepdims=True)
    assert centred == pytest.approx(theirs - theirs.mean(1, keepdims=True), abs=0.05)


def test_a_strong_penalty_falls_back_to_the_language_models_own_scores() -> None:
    states, scores, _ = _separable(90)
    y = scores.argmax(1)
    fitted = fit_head(states, scores, y, is_options=False, l2=1e4)
    assert (fitted.logits(states, scores).argmax(1) == y).mean() > 0.95


def test_absent_options_have_no_probability_and_no_influence() -> None:
    states, scores, y = _separable(40)
    y = np.minimum(y, 1)
    scores[:, 2] = -np.inf
    fitted = fit_head(states, scores, y, is_options=True, l2=0.01)
    assert np.isneginf(fitted.logits(states, scores)[:, 2]).all()
    states[:, 2] = 1e3
    again = fit_head(states, scores, y, is_options=True, l2=0.01)
    assert again.weight == pytest.approx(fitted.weight, abs=1e-4)


def test_choosing_is_blind_to_the_held_out_fold_and_finds_the_signal() -> None:
    states, scores, y = _separable(150)

    def best_of(candidates: list[tuple[int, ...]]) -> CrossValidationResult:
        folds = out_of_fold(y, num_folds=3)
        return cross_validate(
            states,
            scores,
            y,
            is_options=False,
            folds=folds,
            search=HeadSearch(candidates=candidates),
        )

    columns: list[tuple[int, ...]] = [(0,), (1,), (2,), (0, 1, 2)]
    best = best_of(columns)
    assert best.columns == (0,)
    assert best.loss == min(best_of([each]).loss for each in columns)
    assert best.accuracy > 0.6
    noise = RNG.integers(0, 3, 150)
    folds = out_of_fold(noise, num_folds=3)
    assert cross_validate(states, scores, noise, is_options=False, folds=folds).accuracy < 0.5


def test_without_an_intercept_the_head_is_one_matrix_on_the_states() -> None:
    states, scores, y = _separable(120)
    scores = np.zeros_like(scores)
    head = fit_head(states, scores, y, is_options=False, l2=0.1, intercept=False)
    assert not head.mean.any() and not head.bias.any()
    u = states.reshape(len(states), -1)
    plain = head.logits(states, scores)
    assert plain == pytest.approx(u @ (head.weight / head.spread).T, rel=1e-4, abs=1e-4)
    reference = LogisticRegression(C=1 / (0.1 * len(y)), fit_intercept=False, tol=1e-8)
    expected = reference.fit(u / head.spread, y).predict_proba(u / head.spread)
    assert softmax(plain) == pytest.approx(expected, abs=2e-3)
    found = cross_validate(
        states, scores, y, is_options=False, folds=out_of_fold(y, num_folds=3),
        search=HeadSearch(intercept=False),
    )  # fmt: skip
    assert found.accuracy > 0.6


def test_no_items_or_uneven_arrays_are_refused() -> None:
    states, scores, y = _separable(10)
    with pytest.raises(ValueError, match="items"):
        fit_head(states, scores, y[:4], is_options=False)
    with pytest.raises(ValueError, match="items"):
        fit_head(states[:0], scores[:0], y[:0], is_options=False)


OPTIONS = LabelSet.from_options({"A": "aspirin", "B": "rest", "C": "surgery now"})
QUESTIONS = [
    Question("Does it work?", (("RESULTS", "In 20 of 30."),), PUBMEDQA, "q1"),
    Question("Does it last?", (("RESULTS", "In 5 of 30."),), PUBMEDQA, "q2"),
    Question("Which one?", (), OPTIONS, "q3"),
]


@pytest.fixture(scope="module")
def model(tiny_model_dir: Path) -> EciModel:
    loaded = EciModel.load(str(tiny_model_dir), tiny_model_dir)
    loaded.model.float()
    return loaded


def test_features_give_the_logits_of_the_model(model: EciModel) -> None:
    features = model.features(QUESTIONS)
    states, scores = stack(features[:2])
    width = states.shape[1] * states.shape[2]
    untrained = FittedHead(
        weight=np.zeros((3, width), np.float32),
        bias=np.zeros(3, np.float32),
        scale=1.0,
        mean=np.zeros(width, np.float32),
        spread=np.ones(width, np.float32),
        columns=(0, 1),
        is_options=False,
    )
    expected = [given.logits for given in model.classify(QUESTIONS[:2])]
    assert untrained.logits(states, scores) == pytest.approx(np.array(expected), abs=1e-4)
    assert features[2].states.shape[0] == features[2].scores.shape[0] == 3


def test_states_that_repeat_random_labels_judge_at_chance_where_they_were_not_learned() -> None:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 400)
    states = rng.normal(size=(400, 1, 24)).astype(np.float32)
    learned, unseen = np.arange(200), np.arange(200, 400)
    states[learned, 0, :3] += 4 * np.eye(3, dtype=np.float32)[y[learned]]  # as an adapter does
    scores = np.zeros((400, 3), np.float32)
    folds = out_of_fold(y, [str(n) for n in range(400)], num_folds=5, seed=0)

    def accuracy(judged: IntArray | None) -> float:
        return cross_validate(
            states, scores, y, is_options=False, folds=folds, judged=judged
        ).accuracy

    assert accuracy(None) > 0.6
    assert abs(accuracy(unseen) - 1 / 3) < 0.1
