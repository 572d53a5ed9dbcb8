"""Whether run B is better than run A where several labels may be right, on the items they share.

A set of n labels is n tasks with two labels each. Accuracy is the exact match, macro-F1 the mean F1
of the labels, and the overlap (Jaccard) shows what moved between wrong and right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from eci.arrays import BoolArray, FloatArray, IntArray
from eci.statistics.compare import NO_SHARED_ITEMS, Comparison, mcnemar_p_value
from eci.statistics.estimates import (
    NUM_RESAMPLES,
    Estimate,
    bootstrap,
    percentile_interval,
    proportion,
)
from eci.statistics.set_metrics import jaccard, set_indicators


@dataclass(frozen=True, slots=True)
class SetComparison:
    """How run B differs from run A; differences are B minus A, paired.

    Attributes:
        exact: Of exact matches; its macro-F1 is the mean F1 of the labels, 0 for a label that is
            neither right nor given (scikit-learn's ``f1_score(average="macro")``).
        jaccard_difference: Of the mean overlap, as :func:`set_metrics.set_report` computes it.
    """

    exact: Comparison
    macro_f1_a: Estimate
    macro_f1_b: Estimate
    jaccard_a: Estimate
    jaccard_b: Estimate
    jaccard_difference: Estimate


def compare_sets(
    gold: Sequence[Collection[str]],
    sets_a: Sequence[Collection[str]],
    sets_b: Sequence[Collection[str]],
    labels: Sequence[str],
    *,
    alpha: float = 0.05,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> SetComparison:
    """Compare the sets of two runs with gold sets; intervals resample items.

    Raises:
        UnknownLabelError: A label is not in ``labels``.
        ValueError: The sequences differ in length, or are empty.

    Example:
        >>> found = compare_sets([{"A", "B"}] * 4, [{"A"}] * 4, [{"A", "B"}] * 4, ["A", "B"])
        >>> found.exact.fixed, found.jaccard_difference.value
        (4, 0.5)
    """
    if not 0 < len(gold) == len(sets_a) == len(sets_b):
        raise ValueError(
            f"There are {len(gold)} gold sets, {len(sets_a)} of run A and {len(sets_b)} of run B; "
            "expected one of each per shared item, and at least one item. Pair the runs first."
        )
    right, a, b = (set_indicators(sets, labels) for sets in (gold, sets_a, sets_b))
    n, hit_a, hit_b = len(gold), (a == right).all(axis=1), (b == right).all(axis=1)
    parts = [_columns(right, given) for given in (a, b)]
    columns = np.concatenate(parts, axis=1)
    width = parts[0].shape[1]

    def figures(weights: IntArray) -> FloatArray:
        sums = weights @ columns
        first, second = (_figures(sums[:, at : at + width], n) for at in (0, width))
        return np.concatenate([first, second, second - first], axis=1)

    each_once = np.ones(n, dtype=np.int64)
    resampled = bootstrap(each_once, figures, num_resamples=num_resamples, seed=seed)
    found = [
        Estimate(float(value), n, percentile_interval(column, 1 - alpha))
        for value, column in zip(figures(each_once[None, :])[0], resampled.T, strict=True)
    ]
    fixed, broken = int((hit_b & ~hit_a).sum()), int((hit_a & ~hit_b).sum())
    both = int((hit_a & hit_b).sum())
    exact = Comparison(
        n=n,
        fixed=fixed,
        broken=broken,
        both_right=both,
        both_wrong=n - both - fixed - broken,
        accuracy_a=proportion(int(hit_a.sum()), n, NO_SHARED_ITEMS, 1 - alpha),
        accuracy_b=proportion(int(hit_b.sum()), n, NO_SHARED_ITEMS, 1 - alpha),
        accuracy_difference=found[6],
        macro_f1_difference=found[8],
        p_value=mcnemar_p_value(fixed, broken),
        alpha=alpha,
    )
    return SetComparison(exact, found[2], found[5], found[1], found[4], found[7])


def _columns(right: BoolArray, given: BoolArray) -> FloatArray:
    """Return what is summed over items: exact, overlap, then hits and mentions of each label."""
    hits = right & given
    overlap = jaccard(hits.sum(axis=1), (right | given).sum(axis=1))
    exact = (right == given).all(axis=1)
    mentions = right.astype(np.int64) + given
    return np.concatenate([exact[:, None], overlap[:, None], hits, mentions], axis=1)


def _figures(sums: FloatArray, n: int) -> FloatArray:
    """Return exact match, overlap and macro-F1 of resamples, shape ``(b, 3)``."""
    hits, mentions = np.split(sums[:, 2:], 2, axis=1)
    f1 = 2 * hits / np.maximum(mentions, 1)
    return np.concatenate([sums[:, :2] / n, f1.mean(axis=1, keepdims=True)], axis=1)
