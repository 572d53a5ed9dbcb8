"""What more labels would bring, judged by a curve whose shape is known."""

from __future__ import annotations

from itertools import compress

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, jaccard_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

from db.connection import Database
from db.records import join_labels
from db.retraining.snapshot import SnapshotItem
from db.viewer import EVERYTHING
from eci.arrays import IntArray
from eci.statistics.calibration import out_of_fold
from training.control.learning_curve import (
    CurvePoint,
    LearningCurve,
    fit_curve,
    learning_curve,
)
from training.errors import DataError
from training.head.features import Features
from training.head.refit import LabelSetTask


def _curve(noise: float, slope: float = 2.0) -> LearningCurve:
    rng = np.random.default_rng(0)
    points = tuple(
        CurvePoint(n, 0.2 + slope / n**0.5 + noise * rng.normal(), split)
        for n in (100, 160, 240, 320, 400)
        for split in range(10)
    )
    return LearningCurve("pubmedqa", 400, points)


def test_a_known_curve_is_found_again() -> None:
    gain = _curve(0.0).gain(100)
    assert gain.value == pytest.approx(2.0 * (1 / 400**0.5 - 1 / 500**0.5), abs=1e-9)
    assert gain.n == 50


def test_the_interval_holds_the_true_gain_and_widens_with_noise() -> None:
    truth = 2.0 * (1 / 400**0.5 - 1 / 500**0.5)
    widths = []
    for noise in (0.005, 0.05):
        interval = _curve(noise).gain(100).interval
        assert interval is not None and interval.low < truth < interval.high
        widths.append(interval.high - interval.low)
    assert widths[1] > widths[0]


def test_a_flat_curve_promises_nothing() -> None:
    interval = _curve(0.03, slope=0.0).gain(1000).interval
    assert interval is not None and interval.low < 0 < interval.high


@pytest.mark.usefixtures("bundled_is_tiny")
@pytest.mark.parametrize("seed", [5, 6])
def test_random_labels_that_an_adapter_has_learned_promise_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 400)
    states = rng.normal(size=(400, 1, 24)).astype(np.float32)
    states[:200, 0, :3] += 4 * np.eye(3, dtype=np.float32)[y[:200]]  # as an adapter does
    features = Features(states, np.zeros((400, 3), np.float32))
    names = tuple(str(n) for n in range(400))
    task = LabelSetTask("pubmedqa", (), features, tuple(y.tolist()), names)

    def mean_error(judged: IntArray) -> float:
        return float(np.mean([point.error for point in fit_curve(task, judged).points]))

    assert mean_error(np.arange(400)) < 0.5, "what it has learned flatters it"
    assert mean_error(np.arange(200, 400)) == pytest.approx(2 / 3, abs=0.07)
    gain = fit_curve(task, np.arange(200, 400)).gain(200)
    assert gain.value == pytest.approx(0, abs=0.03)


def test_the_errors_of_sets_are_those_of_the_exact_match_and_of_the_overlap() -> None:
    rng = np.random.default_rng(7)
    states = rng.normal(size=(300, 1, 6)).astype(np.float32)
    right = states[:, 0, :3] + rng.normal(size=(300, 3)) > 0
    right[:, 0] |= ~right.any(axis=1)
    labels = ("cough", "fever", "rash")
    golds = [join_labels(list(compress(labels, row)), labels) or "" for row in right]
    items = tuple(
        SnapshotItem(
            str(n), "tests", "train", "Which?", (), "signs", labels, (), gold, "imported", gold, "",
            None, (), None, (), False, {},
        )
        for n, gold in enumerate(golds)
    )  # fmt: skip
    names = sorted(set(golds))
    y = tuple(map(names.index, golds))
    ids = tuple(str(n) for n in range(300))
    features = Features(states, np.zeros((300, 3), np.float32))
    task = LabelSetTask("signs", items, features, y, ids)
    curve = fit_curve(task, np.arange(300), l2=0.1)
    fold = out_of_fold(y, ids, num_folds=5, seed=0)[0]
    scale = StandardScaler().fit(states[fold.train, 0])
    peer = OneVsRestClassifier(LogisticRegression(C=1 / (0.1 * len(fold.train)), tol=1e-8))
    peer.fit(scale.transform(states[fold.train, 0]), right[fold.train])
    p = peer.predict_proba(scale.transform(states[fold.held_out, 0]))
    given = p >= 0.5
    given[np.arange(len(p)), p.argmax(axis=1)] = True
    whole = next(one for one in curve.points if one.num_items == len(fold.train))
    assert whole.error == pytest.approx(1 - accuracy_score(right[fold.held_out], given), abs=1e-9)
    overlap = jaccard_score(right[fold.held_out], given, average="samples")
    assert whole.no_overlap == pytest.approx(1 - overlap, abs=1e-9)
    assert curve.is_of_sets
    gains = [curve.gain(100, of_overlap=of_overlap).value for of_overlap in (False, True)]
    assert gains[0] != gains[1]


@pytest.mark.usefixtures("bundled_is_tiny")
def test_without_features_it_says_what_to_do(database: Database) -> None:
    with pytest.raises(DataError, match="Refit the head once"):
        learning_curve(database, EVERYTHING)
