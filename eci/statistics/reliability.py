"""Whether probabilities mean what they say: calibration error, Brier score, log loss, bins.

The confidence of an item is the probability of its most probable label. Bins are equally wide and
hold ``low <= confidence < high``; the last one holds 1 as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray, as_label_indices, as_probabilities
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    Interval,
    bootstrap,
    percentile_interval,
    proportion,
)

NUM_BINS: Final = 15
_SMALLEST: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The items whose confidence is in one range.

    Attributes:
        mean_confidence: None for a bin without items.
        accuracy: Share of its items whose most probable label is gold; Wilson interval.
    """

    low: float
    high: float
    count: int
    mean_confidence: float | None
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class ReliabilityReport:
    """How far the probabilities of a run can be believed.

    Attributes:
        ece: Expected calibration error, in [0, 1]. Binning noise raises it: it is not 0 even for
            perfect probabilities, so compare it with ``ece_if_calibrated``.
        ece_if_calibrated: Where the ECE of perfectly calibrated probabilities with the same
            confidences would lie by chance. An ECE above it shows miscalibration; one inside does
            not. None without items.
        brier: Multiclass Brier score, the squared distance to the one-hot gold label, in [0, 2].
        log_loss: Mean negative log probability of the gold label, in nats.
    """

    n: int
    ece: Estimate
    ece_if_calibrated: Interval | None
    brier: Estimate
    log_loss: Estimate
    bins: tuple[ReliabilityBin, ...]


def reliability_report(
    probabilities: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    num_bins: int = NUM_BINS,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> ReliabilityReport:
    """Evaluate the probabilities of items with a gold label.

    Args:
        probabilities: Shape ``(n_items, n_labels)``, rows summing to 1.
        y: Column of each item's gold label, shape ``(n_items,)``.

    Raises:
        ValueError: The arrays are not of that form.
    """
    p = as_probabilities(probabilities)
    gold = as_label_indices(y, *p.shape)
    if num_bins < 1:
        raise ValueError(f"The number of bins is {num_bins}; at least 1 is needed.")
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == gold
    which = np.minimum((confidence * num_bins).astype(np.int64), num_bins - 1)
    bins = _bins(confidence, correct, which, num_bins, level)
    n = len(p)
    if n == 0:
        undefined = Estimate.undefined(NO_ITEMS)
        return ReliabilityReport(0, undefined, None, undefined, undefined, bins)

    gaps = _gaps(p, gold, num_bins)
    losses = np.stack([brier_losses(p, gold), log_losses(p, gold)], axis=1)
    columns = np.concatenate([gaps, losses], axis=1)

    def figures(weights: IntArray) -> FloatArray:
        means = weights @ columns / n
        ece = np.abs(means[:, :num_bins]).sum(axis=1, keepdims=True)
        return np.concatenate([ece, means[:, num_bins:]], axis=1)

    each_once = np.ones(n, dtype=np.int64)
    value = figures(each_once[None, :])[0]
    resampled = bootstrap(each_once, figures, num_resamples=num_resamples, seed=seed)
    return ReliabilityReport(
        n=n,
        ece=Estimate(float(value[0]), n, _ece_interval(float(value[0]), resampled[:, 0], level)),
        ece_if_calibrated=_calibrated_ece(confidence, which, num_bins, level, num_resamples, seed),
        brier=Estimate(float(value[1]), n, percentile_interval(resampled[:, 1], level)),
        log_loss=Estimate(float(value[2]), n, percentile_interval(resampled[:, 2], level)),
        bins=bins,
    )


def ece_difference(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    num_bins: int = NUM_BINS,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Estimate by how much the calibration error of the same items rises from one model to another.

    Args:
        before: Probabilities of the one model, shape ``(n_items, n_labels)``.
        after: Those of the other.
        y: Column of each item's gold label, shape ``(n_items,)``; or, where several may be right,
            whether each label is, as in :func:`calibration_error_of_sets`.

    Raises:
        ValueError: The arrays are not of that form.
    """
    gap = _gaps if np.ndim(y) == 1 else _set_gaps
    gaps = [gap(p, y, num_bins) for p in (before, after)]
    n = len(gaps[0])
    if n == 0:
        return Estimate.undefined(NO_ITEMS)

    def rises(weights: IntArray) -> FloatArray:
        first, second = (np.abs(weights @ one / n).sum(axis=1) for one in gaps)
        return np.asarray(second - first)

    each_once = np.ones(n, dtype=np.int64)
    value = float(rises(each_once[None, :])[0])
    resampled = bootstrap(each_once, rises, num_resamples=num_resamples, seed=seed)
    return Estimate(value, n, percentile_interval(resampled, level))


def calibration_error_of_sets(
    probabilities: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    num_bins: int = NUM_BINS,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Estimate the calibration error where several labels may be right.

    Each label of an item is a question of its own, whether it is right; all of them share the bins.
    Its interval resamples items, because the labels of one item go together.

    Args:
        probabilities: That each label is right, shape ``(n_items, n_labels)``; NaN where an item
            does not have it.
        right: Whether it is, same shape, 0 or 1.

    Raises:
        ValueError: The arrays are not of that form.
    """
    gaps = _set_gaps(probabilities, right, num_bins)
    n = len(gaps)
    if n == 0:
        return Estimate.undefined(NO_ITEMS)

    def ece(weights: IntArray) -> FloatArray:
        return np.asarray(np.abs(weights @ gaps / n).sum(axis=1))

    each_once = np.ones(n, dtype=np.int64)
    value = float(ece(each_once[None, :])[0])
    resampled = bootstrap(each_once, ece, num_resamples=num_resamples, seed=seed)
    return Estimate(value, n, _ece_interval(value, resampled, level))


def two_labels(probability: FloatArray) -> FloatArray:
    """Return the probabilities that a label is not and is right, shape ``(n_items, 2)``."""
    return np.stack([1 - probability, probability], axis=1)


def _set_gaps(probabilities: npt.ArrayLike, right: npt.ArrayLike, num_bins: int) -> FloatArray:
    """Return the gaps of all labels of each item, shape ``(n_items, num_bins)``.

    All labels of all items together have weight 1, so that items with fewer options count less.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(right, dtype=np.int64)
    if p.ndim != 2 or p.shape != y.shape:
        raise ValueError(
            f"The probabilities have shape {p.shape} and the right labels {y.shape}; expected "
            "(n_items, n_labels) for both."
        )
    has = np.isfinite(p)
    gaps = np.zeros((len(p), num_bins))
    for label in range(p.shape[1]):
        own = has[:, label]
        gaps[own] += _gaps(two_labels(p[own, label]), y[own, label], num_bins)
    return gaps * (len(p) / max(int(has.sum()), 1))


def _gaps(probabilities: npt.ArrayLike, y: npt.ArrayLike, num_bins: int) -> FloatArray:
    """Return right (1 or 0) less confidence of each item in the column of its bin."""
    p = as_probabilities(probabilities)
    confidence = p.max(axis=1)
    correct = p.argmax(axis=1) == as_label_indices(y, *p.shape)
    which = np.minimum((confidence * num_bins).astype(np.int64), num_bins - 1)
    gaps = np.zeros((len(p), num_bins))
    gaps[np.arange(len(p)), which] = correct - confidence
    return gaps


def brier_losses(probabilities: FloatArray, y: IntArray) -> FloatArray:
    """Compute each item's squared distance to its one-hot gold label, shape ``(n_items,)``."""
    losses: FloatArray = (probabilities**2).sum(axis=1) + 1 - 2 * _of_gold(probabilities, y)
    return losses


def log_losses(probabilities: FloatArray, y: IntArray) -> FloatArray:
    """Compute each item's negative log probability of its gold label, shape ``(n_items,)``.

    A probability of 0 counts as 2.2e-16, as in scikit-learn, so that one item cannot be infinite.
    """
    losses: FloatArray = -np.log(np.clip(_of_gold(probabilities, y), _SMALLEST, 1 - _SMALLEST))
    return losses


def _of_gold(probabilities: FloatArray, y: IntArray) -> FloatArray:
    return np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]


def _bins(
    confidence: FloatArray,
    correct: npt.NDArray[np.bool_],
    which: IntArray,
    num_bins: int,
    level: float,
) -> tuple[ReliabilityBin, ...]:
    counts = np.bincount(which, minlength=num_bins).tolist()
    hits = np.bincount(which, weights=correct, minlength=num_bins).tolist()
    totals = np.bincount(which, weights=confidence, minlength=num_bins).tolist()
    return tuple(
        ReliabilityBin(
            low=b / num_bins,
            high=(b + 1) / num_bins,
            count=counts[b],
            mean_confidence=totals[b] / counts[b] if counts[b] else None,
            accuracy=proportion(hits[b], counts[b], "no item has such a confidence", level),
        )
        for b in range(num_bins)
    )


def _ece_interval(value: float, resampled: FloatArray, level: float) -> Interval:
    """Compute the basic bootstrap interval, extended to include the value and cut at 0.

    Resampling adds binning noise a second time, so the percentiles lie above the value. In 300
    simulations of 500 items with a true error of 0.05 they held it in 50 %, the reflection in 91 %.
    """
    middle = percentile_interval(resampled, level)
    low, high = max(0.0, 2 * value - middle.high), 2 * value - middle.low
    return Interval(min(low, value), max(high, value), level, "basic bootstrap")


def _calibrated_ece(
    confidence: FloatArray,
    which: IntArray,
    num_bins: int,
    level: float,
    num_resamples: int,
    seed: int,
) -> Interval:
    """Simulate the ECE of perfect probabilities: each item is right with its own confidence.

    This is the consistency resampling of Broecker and Smith (2007).
    """
    rng = np.random.default_rng(seed)
    simulated = np.empty(num_resamples)
    for i in range(num_resamples):
        gaps = (rng.random(len(confidence)) < confidence) - confidence
        simulated[i] = np.abs(np.bincount(which, weights=gaps, minlength=num_bins)).sum()
    interval = percentile_interval(simulated / len(confidence), level)
    return Interval(interval.low, interval.high, level, "simulated, perfectly calibrated")
