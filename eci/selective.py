"""Which items a run may answer alone, and which go to a reviewer: selective classification.

An item is answered alone when its confidence is at least a threshold. The risk is the share of
answered items that are wrong; the coverage is the share answered. Items of equal confidence stand
or fall together, so no figure depends on the order of items.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray, as_counts, as_vector
from eci.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    Interval,
    binomial_pmf,
    bootstrap,
    check_level,
    clopper_pearson_upper,
    percentile_interval,
    proportion,
)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What happens when items with at least this confidence are answered alone.

    Attributes:
        threshold: Smallest confidence that is answered.
        num_answered: Items answered alone; the other ``n - num_answered`` go to review.
        num_errors: Wrong ones among them, let through.
        coverage: ``num_answered / n``; Wilson interval.
        risk: ``num_errors / num_answered``; Wilson interval.
        accuracy: ``1 - risk``, the selective accuracy; Wilson interval.
        error_rate: ``num_errors / n``, the errors let through per item that arrives; Wilson
            interval.
    """

    threshold: float
    n: int
    num_answered: int
    num_errors: int
    coverage: Estimate
    risk: Estimate
    accuracy: Estimate
    error_rate: Estimate

    def expected_errors(self, num_items: int) -> Estimate:
        """Estimate the errors let through among ``num_items`` new items like these."""
        return _scaled(self.error_rate, num_items)

    def expected_reviews(self, num_items: int) -> Estimate:
        """Estimate how many of ``num_items`` new items like these go to review."""
        return _scaled(self.coverage, -num_items, num_items)


@dataclass(frozen=True, slots=True, eq=False)
class RiskCurve:
    """Coverage and risk at every threshold, the highest first.

    Attributes:
        thresholds: The distinct confidences, descending, shape ``(n_thresholds,)``.
        num_answered: Items with at least that confidence, same shape; the last one is n.
        num_errors: Wrong ones among them, same shape.
    """

    thresholds: FloatArray
    num_answered: IntArray
    num_errors: IntArray

    @property
    def n(self) -> int:
        """Number of items."""
        return int(self.num_answered[-1]) if len(self.num_answered) else 0

    @property
    def coverage(self) -> FloatArray:
        """Share of items answered at each threshold, rising to 1."""
        coverage: FloatArray = self.num_answered / max(self.n, 1)
        return coverage

    @property
    def risk(self) -> FloatArray:
        """Share of answered items that are wrong at each threshold."""
        risk: FloatArray = self.num_errors / self.num_answered
        return risk

    def at(self, threshold: float, level: float = LEVEL) -> OperatingPoint:
        """Give the operating point of any threshold, for a slider."""
        reached = int(np.searchsorted(-self.thresholds, -threshold, side="right"))
        answered = int(self.num_answered[reached - 1]) if reached else 0
        errors = int(self.num_errors[reached - 1]) if reached else 0
        nothing = f"no item has a confidence of at least {threshold:g}"
        return OperatingPoint(
            threshold=threshold,
            n=self.n,
            num_answered=answered,
            num_errors=errors,
            coverage=proportion(answered, self.n, NO_ITEMS, level),
            risk=proportion(errors, answered, nothing, level),
            accuracy=proportion(answered - errors, answered, nothing, level),
            error_rate=proportion(errors, self.n, NO_ITEMS, level),
        )

    def accuracy_at_coverage(self, coverage: float, level: float = LEVEL) -> Estimate:
        """Give the selective accuracy when the most confident share of items is answered.

        Where the share ends within items of equal confidence, each of them counts in part.

        Raises:
            ValueError: A coverage outside (0, 1].
        """
        if not 0 < coverage <= 1:
            raise ValueError(f"The coverage is {coverage}; allowed is a share above 0, up to 1.")
        answered = math.ceil(coverage * self.n - 1e-9)
        errors = float(np.interp(answered, [0, *self.num_answered], [0, *self.num_errors]))
        return proportion(answered - errors, answered, NO_ITEMS, level)

    def aurc(
        self, level: float = LEVEL, num_resamples: int = NUM_RESAMPLES, seed: int = 0
    ) -> Estimate:
        """Give the area under the coverage-risk curve; smaller is better.

        It is the risk averaged over answering the 1, 2, ... n most confident items (Geifman and
        El-Yaniv 2017), with items of equal confidence in random order. Bootstrap interval.
        """
        if self.n == 0:
            return Estimate.undefined(NO_ITEMS)
        errors = np.diff(self.num_errors, prepend=0)
        cells = np.stack([np.diff(self.num_answered, prepend=0) - errors, errors], axis=-1)
        value = float(_aurc(cells[None])[0])
        resampled = bootstrap(cells, _aurc, num_resamples=num_resamples, seed=seed)
        return Estimate(value, self.n, percentile_interval(resampled, level))


@dataclass(frozen=True, slots=True)
class SafeThreshold:
    """The lowest threshold whose risk is certified to stay within a target.

    Attributes:
        n: Calibration items.
        target_risk: Largest allowed share of wrong answers among the answered.
        level: The certificate is right in at least this share of all calibration samples.
        point: The operating point at the threshold; None exactly where ``undefined_because`` says
            why none could be certified.
        risk_bound: Upper confidence bound of the risk at the threshold; at most ``target_risk``.
    """

    n: int
    target_risk: float
    level: float
    point: OperatingPoint | None
    risk_bound: float | None
    undefined_because: str | None = None


def risk_curve(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, num_items: npt.ArrayLike | None = None
) -> RiskCurve:
    """Order items by confidence and count the errors above each threshold.

    Args:
        confidence: Any score that rises with being right, shape ``(n_items,)``.
        correct: Whether each item's label is gold, shape ``(n_items,)``, bool.
        num_items: How many items each entry stands for, where a database has counted by (rounded)
            confidence and correctness; default 1.

    Raises:
        ValueError: Arrays that differ in length, NaN, or ``correct`` that is not bool.
    """
    scores = as_vector(confidence, "confidences")
    hits = np.asarray(correct)
    if hits.shape != scores.shape or (len(hits) and hits.dtype != np.bool_):
        raise ValueError(
            f"The correctness has shape {hits.shape} and type {hits.dtype}; expected "
            f"{scores.shape}, bool, one value per confidence."
        )
    weights = np.ones(len(scores), dtype=np.int64) if num_items is None else num_items
    counts = as_counts(weights, "numbers of items", scores.shape)
    seen = counts > 0
    values, group = np.unique(-scores[seen], return_inverse=True)
    totals, errors = np.zeros((2, len(values)), dtype=np.int64)
    np.add.at(totals, group, counts[seen])
    np.add.at(errors, group, np.where(hits[seen], 0, counts[seen]))
    return RiskCurve(-values, np.cumsum(totals), np.cumsum(errors))


def threshold_for_risk(curve: RiskCurve, target_risk: float, level: float = LEVEL) -> SafeThreshold:
    """Find the lowest threshold at which the risk is, with confidence ``level``, within a target.

    The lowest threshold with an observed risk within the target breaks it in every second sample
    (simulated, 500 items), since the choice used the same items. This is fixed-sequence testing as
    in Learn-then-Test (Angelopoulos et al. 2021) with exact binomial tests, whose bound is Clopper
    and Pearson's; Hoeffding's ignores that rare errors vary little and needs far more items.

    Tests start at answering n, n/2, n/4, ... items, sharing ``1 - level`` equally, and from each
    start go on to more items while the risk is shown to be within the target; with several starts,
    one early error does not end the search. The certificate holds for items like the calibration
    items, for a true risk that does not rise with the threshold, which is what a confidence is for.

    Args:
        target_risk: Share of answered items that may be wrong, in (0, 1).

    Raises:
        ValueError: A target or a level outside (0, 1).
    """
    check_level(level)
    if not 0 < target_risk < 1:
        raise ValueError(f"The target risk is {target_risk}; allowed is a share such as 0.05.")
    fewest = math.ceil(math.log(1 - level) / math.log1p(-target_risk))
    starts = [curve.n >> k for k in range(curve.n.bit_length()) if curve.n >> k >= fewest]
    if not starts:
        because = f"there are {curve.n} items; certifying this risk takes at least {fewest}"
        return SafeThreshold(curve.n, target_risk, level, None, None, because)
    miss = (1 - level) / len(starts)
    failed = np.append(_tail_probabilities(curve, target_risk) > miss, True)
    firsts = np.searchsorted(curve.num_answered, starts)
    reached = max(
        (first + int(failed[first:].argmax()) - 1 for first in firsts if not failed[first]),
        default=None,
    )
    if reached is None:
        because = "no threshold is shown to keep the risk within the target"
        return SafeThreshold(curve.n, target_risk, level, None, None, because)
    point = curve.at(float(curve.thresholds[reached]), level)
    bound = clopper_pearson_upper(point.num_errors, point.num_answered, 1 - miss)
    return SafeThreshold(curve.n, target_risk, level, point, bound)


def _tail_probabilities(curve: RiskCurve, share: float) -> FloatArray:
    """Give, at each threshold, the chance of so few errors if the risk were ``share``.

    The binomial distribution function of k items and e errors follows from that of k - 1 items by
    one probability, so a running sum serves all thresholds at once.
    """
    errors = np.diff(curve.num_errors, prepend=0)
    right = np.diff(curve.num_answered, prepend=0) - errors
    order = np.stack([right, errors], axis=-1).ravel()
    wrong = np.repeat(np.tile([0, 1], len(errors)), order)
    before = np.arange(len(wrong))
    pmf = binomial_pmf(np.cumsum(wrong), before, share)
    tail = 1 + np.cumsum(pmf * (wrong - share))
    return np.clip(tail[curve.num_answered - 1], 0, 1)


def _aurc(cells: IntArray) -> FloatArray:
    """Average the risk over all numbers of answered items, shape ``(b,)``.

    Within a group of m items of equal confidence with e errors, after K items with E errors, the
    expected risk of answering j of them is ``(E + j e / m) / (K + j)``; its sum over j is
    ``e + (E - K e / m) (H(K + m) - H(K))`` with the harmonic numbers H.

    Args:
        cells: Right and wrong items per confidence, descending, shape ``(b, n_thresholds, 2)``.
    """
    totals, errors = cells.sum(axis=-1), cells[..., 1]
    after = totals.cumsum(axis=-1)
    n = int(after[0, -1])
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n + 1))])
    before = after - totals
    rate = errors / np.maximum(totals, 1)
    surplus = errors.cumsum(axis=-1) - errors - before * rate
    areas = errors + surplus * (harmonic[after] - harmonic[before])
    mean: FloatArray = areas.sum(axis=-1) / n
    return mean


def _scaled(rate: Estimate, factor: int, offset: int = 0) -> Estimate:
    """Turn a rate into an expected number, ``offset + factor * rate``."""
    if rate.value is None or rate.interval is None:
        return rate
    ends = sorted(offset + factor * end for end in (rate.interval.low, rate.interval.high))
    interval = Interval(ends[0], ends[1], rate.interval.level, rate.interval.method)
    return Estimate(offset + factor * rate.value, rate.n, interval)
