"""Operating points where several labels may be right: from which probability on each is given.

A label is given from one half on, or from a threshold of its own: one temperature for a whole set
leaves the probabilities of its rare labels too low. Thresholds are chosen by the overlap (Jaccard)
of given and right labels on held-out items and, as the weights of :mod:`eci.decisions`, used only
where they help on items that did not choose them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from eci.arrays import BoolArray, FloatArray
from eci.decisions import (
    MIN_ITEMS,
    NUM_FOLDS,
    Cost,
    DecisionRule,
    DecisionSettings,
    labels_from,
    risk_threshold,
    set_confidence,
)
from eci.statistics.calibration import out_of_fold
from eci.statistics.set_metrics import jaccard

THRESHOLDS: Final = tuple(tenths / 10 for tenths in range(1, 10))
"""Probabilities from which on a label may be given."""
_NUM_SWEEPS: Final = 2
"""How often the threshold of each label is tried against those of the others."""


def choose_set_rule(
    probabilities: npt.ArrayLike,
    right: npt.ArrayLike,
    settings: DecisionSettings,
    *,
    is_options: bool,
    seed: int = 0,
) -> DecisionRule:
    """Choose the operating point of a label set of which several labels may be right.

    A person is asked by the confidence of the whole set: the product of ``p`` of the labels given
    and ``1 - p`` of the others. It is right where it is exactly the gold one.

    Args:
        probabilities: Of each label that it is right, calibrated, on items that the head has not
            seen, shape ``(n_items, n_labels)``; 0 for options that an item lacks.
        right: Whether each label is right, of the same shape.
        settings: What errors cost, and when a person is asked. ``macro_f1``, where labels count
            alike, stands for the overlap; any other cost gives labels from one half on.
        is_options: Labels are the items' own options, whose letters mean nothing: one threshold
            holds for all.
        seed: Of the folds.
    """
    p, gold = np.asarray(probabilities, dtype=np.float64), np.asarray(right, dtype=np.bool_)
    limits = np.full(1 if is_options else p.shape[1], 0.5)
    even = given = labels_from(p, limits)
    cost: Cost = "macro_f1" if settings.cost == "macro_f1" else "accuracy"
    if cost == "macro_f1" and len(p) >= MIN_ITEMS:
        crossed = _decide_crossed(p, gold, len(limits), seed)
        if _overlap(gold, crossed) > _overlap(gold, even):
            limits, given = _best_limits(p, gold, len(limits)), crossed
    threshold = None
    if settings.target_error is not None and len(p):
        is_exact = (given == gold).all(axis=1)
        threshold = risk_threshold(set_confidence(p, given), is_exact, settings.target_error)
    return DecisionRule(
        cost=cost,
        num_items=len(p),
        mean_cost=_mean_cost(cost, gold, given),
        mean_cost_most_probable=_mean_cost(cost, gold, even),
        target_error=settings.target_error,
        threshold=threshold,
        set_coverage=settings.set_coverage,
        label_thresholds=tuple(limits.tolist()),
    )


def _decide_crossed(p: FloatArray, gold: BoolArray, num_limits: int, seed: int) -> BoolArray:
    """Decide each item by thresholds that were chosen without it."""
    crossed = np.empty_like(gold)
    kinds = np.unique(gold, axis=0, return_inverse=True)[1].ravel()
    for fold in out_of_fold(kinds, num_folds=NUM_FOLDS, seed=seed):
        on, out = fold.train, fold.held_out
        crossed[out] = labels_from(p[out], _best_limits(p[on], gold[on], num_limits))
    return crossed


def _best_limits(p: FloatArray, gold: BoolArray, num_limits: int) -> FloatArray:
    """Return thresholds of large overlap: from one half, one label after the other is improved."""
    limits = np.full(num_limits, 0.5)
    best = _overlap(gold, labels_from(p, limits))
    for place in [*range(num_limits)] * _NUM_SWEEPS:
        for threshold in THRESHOLDS:
            tried = limits.copy()
            tried[place] = threshold
            overlap = _overlap(gold, labels_from(p, tried))
            if overlap > best:
                limits, best = tried, overlap
    return limits


def _overlap(gold: BoolArray, given: BoolArray) -> float:
    return float(jaccard((gold & given).sum(axis=1), (gold | given).sum(axis=1)).mean())


def _mean_cost(cost: Cost, gold: BoolArray, given: BoolArray) -> float | None:
    if not len(gold):
        return None
    if cost == "macro_f1":
        return 1 - _overlap(gold, given)
    return float((gold != given).any(axis=1).mean())
