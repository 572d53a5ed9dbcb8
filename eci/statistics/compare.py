"""Whether run B is better than run A: both judged on the items they share, pair by pair.

Pairs are far more informative than two separate accuracies: only the items that one run gets right
and the other wrong carry information about the difference, so items that both find easy or both
find hard add no noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from eci.arrays import (
    FloatArray,
    IntArray,
    as_counts,
    given_label_indices,
    label_columns,
    label_indices,
)
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    Interval,
    binomial_cdf,
    bootstrap,
    check_level,
    percentile_interval,
    proportion,
)
from eci.statistics.metrics import macro_f1, num_correct

NO_SHARED_ITEMS: Final = "the runs have no items in common"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How run B differs from run A on shared items with a gold label.

    Attributes:
        n: Shared items.
        fixed: Items that A got wrong and B gets right.
        broken: Items that A got right and B gets wrong.
        accuracy_difference: B minus A, in [-1, 1], with its paired bootstrap interval.
        macro_f1_difference: Likewise.
        p_value: Exact two-sided McNemar test of equal accuracy; None without items.
        alpha: The test's level; all intervals have level ``1 - alpha``.
    """

    n: int
    fixed: int
    broken: int
    both_right: int
    both_wrong: int
    accuracy_a: Estimate
    accuracy_b: Estimate
    accuracy_difference: Estimate
    macro_f1_difference: Estimate
    p_value: float | None
    alpha: float

    @property
    def unchanged(self) -> int:
        """Return the number of items on which both runs are right or both are wrong."""
        return self.both_right + self.both_wrong

    @property
    def is_significant(self) -> bool:
        """Return whether the accuracies differ by more than chance explains at level ``alpha``."""
        return self.p_value is not None and self.p_value < self.alpha

    @property
    def sentence(self) -> str:
        """Return the result in one plain sentence."""
        if self.p_value is None:
            return f"No comparison: {NO_SHARED_ITEMS}."
        verdict = "Significant" if self.is_significant else "Not significant"
        return (
            f"{verdict}: of {self.n} shared items, B fixes {self.fixed} and breaks {self.broken} "
            f"(exact McNemar p = {self.p_value:.2g}); "
            f"accuracy {_points(self.accuracy_difference)}, "
            f"macro-F1 {_points(self.macro_f1_difference)}."
        )


def compare(
    gold: Sequence[str],
    label_a: Sequence[str | None],
    label_b: Sequence[str | None],
    labels: Sequence[str],
    num_items: Sequence[int] | None = None,
    *,
    alpha: float = 0.05,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two runs on the items they share.

    Args:
        gold: Gold label of each shared item.
        label_a: Run A's label for each of them, None where it gave none, which is wrong.
        num_items: How many items each entry represents, where a database has counted; default 1.

    Raises:
        UnknownLabelError: A label is not in ``labels``.
        ValueError: The sequences differ in length.

    Example:
        >>> compare(["yes"] * 9, [None] * 9, ["yes"] * 9, ["yes", "no"]).sentence[:58]
        'Significant: of 9 shared items, B fixes 9 and breaks 0 (ex'
    """
    if not len(gold) == len(label_a) == len(label_b):
        raise ValueError(
            f"There are {len(gold)} gold labels, {len(label_a)} of run A and {len(label_b)} of "
            "run B; expected one of each per shared item. Pair the runs by item first."
        )
    joint = _joint_counts(gold, label_a, label_b, labels, num_items)
    hits_a, hits_b = (num_correct(pair) for pair in _tables(joint))
    both = int(np.einsum("ggg->", joint[:, :-1, :-1]))
    n, fixed, broken = int(joint.sum()), int(hits_b) - both, int(hits_a) - both
    differences = [Estimate.undefined(NO_SHARED_ITEMS)] * 2
    if n:
        values = _differences(joint[None])[0]
        resampled = bootstrap(joint, _differences, num_resamples=num_resamples, seed=seed)
        differences = [
            Estimate(float(value), n, percentile_interval(column, 1 - alpha))
            for value, column in zip(values, resampled.T, strict=True)
        ]
    return Comparison(
        n=n,
        fixed=fixed,
        broken=broken,
        both_right=both,
        both_wrong=n - both - fixed - broken,
        accuracy_a=proportion(int(hits_a), n, NO_SHARED_ITEMS, 1 - alpha),
        accuracy_b=proportion(int(hits_b), n, NO_SHARED_ITEMS, 1 - alpha),
        accuracy_difference=differences[0],
        macro_f1_difference=differences[1],
        p_value=mcnemar_p_value(fixed, broken) if n else None,
        alpha=alpha,
    )


def mcnemar_p_value(fixed: int, broken: int) -> float:
    """Test exactly, two-sided, whether a changed item is as likely fixed as broken.

    Twice the probability of a split at least as uneven when each changed item is a fair coin
    (McNemar 1947); 1 where nothing changed.
    """
    return min(1.0, 2 * binomial_cdf(min(fixed, broken), fixed + broken, 0.5))


def paired_difference(n: int, fixed: int, broken: int, level: float = LEVEL) -> Estimate:
    """Estimate accuracy after less accuracy before, of the same items, from counts alone.

    The interval adds half an item to each of the four cells of the paired table, after which
    Wald's interval keeps its level for few items too (Agresti and Min 2005); clipped to [-1, 1].

    Raises:
        ValueError: More items changed than there are.
    """
    check_level(level)
    if not (fixed >= 0 and broken >= 0 and fixed + broken <= n):
        raise ValueError(
            f"Of {n} items {fixed} are fixed and {broken} broken; expected no negative number and "
            "no more than all items together. Count all three over the same items."
        )
    if n == 0:
        return Estimate.undefined(NO_ITEMS)
    gap = fixed - broken
    size = n + 2
    centre = gap / size
    spread = NormalDist().inv_cdf((1 + level) / 2)
    spread *= math.sqrt(fixed + broken + 1 - gap * gap / size) / size
    low, high = max(-1.0, centre - spread), min(1.0, centre + spread)
    return Estimate(gap / n, n, Interval(low, high, level, "Agresti and Min"))


def _joint_counts(
    gold: Sequence[str],
    label_a: Sequence[str | None],
    label_b: Sequence[str | None],
    labels: Sequence[str],
    num_items: Sequence[int] | None,
) -> IntArray:
    """Count items by gold, A's and B's label, shape ``(n_labels, n_labels + 1, n_labels + 1)``."""
    size = len(label_columns(labels))
    joint = np.zeros((size, size + 1, size + 1), dtype=np.int64)
    given = [given_label_indices(predicted, labels) for predicted in (label_a, label_b)]
    weights = np.ones(len(gold), dtype=np.int64) if num_items is None else num_items
    counts = as_counts(weights, "numbers of items", (len(gold),))
    np.add.at(joint, (label_indices(gold, labels), *given), counts)
    return joint


def _tables(joint: IntArray) -> tuple[IntArray, IntArray]:
    """Reduce joint counts ``(..., gold, a, b)`` to the confusion counts of A and of B."""
    return joint.sum(axis=-1), joint.sum(axis=-2)


def _differences(joint: IntArray) -> FloatArray:
    """Compute B minus A of accuracy and of macro-F1, shape ``(b, 2)``."""
    a, b = _tables(joint)
    accuracy = (num_correct(b) - num_correct(a)) / joint.sum(axis=(-3, -2, -1))
    return np.stack([accuracy, macro_f1(b) - macro_f1(a)], axis=-1)


def _points(difference: Estimate) -> str:
    if difference.value is None or difference.interval is None:
        return f"undefined because {difference.undefined_because}"
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    level = f"{100 * difference.interval.level:g} % interval {low:+.1f} to {high:+.1f}"
    return f"{100 * difference.value:+.1f} points ({level})"
