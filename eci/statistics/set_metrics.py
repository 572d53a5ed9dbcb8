"""How good a run is, or two, where several labels may be right: labels are sets.

A set of n labels is n tasks with two labels each. Accuracy is the exact match, macro-F1 the mean F1
of the labels, and the overlap (Jaccard) shows what moved between wrong and right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from eci.arrays import BoolArray, FloatArray, IntArray, label_columns
from eci.errors import UnknownLabelError
from eci.statistics.compare import NO_SHARED_ITEMS, Comparison, mcnemar_p_value
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    bootstrap,
    percentile_interval,
    proportion,
)


@dataclass(frozen=True, slots=True)
class SetLabelReport:
    """The figures of one label, each with Wilson's interval.

    Attributes:
        support: Items whose gold set has the label.
        predicted: Items whose predicted set has it.
    """

    label: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate


@dataclass(frozen=True, slots=True)
class SetReport:
    """The figures of one run.

    Attributes:
        exact_match: Share of items whose set is exactly the gold one; Wilson interval.
        jaccard: Mean over items of shared labels by all labels of both sets, 1 where both are
            empty; bootstrap interval over items. Except for two empty sets scikit-learn's
            ``jaccard_score(average="samples")``.
    """

    labels: tuple[str, ...]
    n: int
    exact_match: Estimate
    jaccard: Estimate
    per_label: tuple[SetLabelReport, ...]


def set_report(
    gold: Sequence[Collection[str]],
    predicted: Sequence[Collection[str]],
    labels: Sequence[str],
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> SetReport:
    """Compare predicted sets of labels with gold sets.

    Args:
        gold: The right labels of each item.
        predicted: The labels given to each item; empty where none was given.

    Raises:
        UnknownLabelError: A label is not in ``labels``.
        ValueError: The sequences differ in length.

    Example:
        >>> report = set_report([{"A", "C"}, {"B"}], [{"A"}, {"B"}], ["A", "B", "C"])
        >>> report.exact_match.value, report.jaccard.value, report.per_label[2].recall.value
        (0.5, 0.75, 0.0)
    """
    if len(gold) != len(predicted):
        raise ValueError(
            f"There are {len(gold)} gold and {len(predicted)} predicted sets; expected one of each "
            "per item. Pass an empty set for an item without a predicted label."
        )
    right, given = set_indicators(gold, labels), set_indicators(predicted, labels)
    hits = right & given
    overlaps = jaccard(hits.sum(axis=1), (right | given).sum(axis=1))
    num_exact = int((right == given).all(axis=1).sum())
    return SetReport(
        labels=tuple(labels),
        n=len(gold),
        exact_match=proportion(num_exact, len(gold), NO_ITEMS, level),
        jaccard=_mean(overlaps, level, num_resamples, seed),
        per_label=tuple(
            _label_report(label, hits[:, j], right[:, j], given[:, j], level)
            for j, label in enumerate(labels)
        ),
    )


def set_indicators(sets: Sequence[Collection[str]], labels: Sequence[str]) -> BoolArray:
    """Return which labels are in which sets, bool, shape ``(n_items, n_labels)``."""
    columns = label_columns(labels)
    found = np.zeros((len(sets), len(labels)), dtype=np.bool_)
    for row, names in enumerate(sets):
        for name in names:
            if name not in columns:
                raise UnknownLabelError(
                    f"Label {name!r} is not one of {', '.join(labels)}. Use one of these."
                )
            found[row, columns[name]] = True
    return found


def jaccard(num_shared: IntArray, num_together: IntArray) -> FloatArray:
    """Return shared labels by all labels of both sets for each item; 1 where both are empty."""
    overlaps: FloatArray = np.where(
        num_together == 0, 1.0, num_shared / np.maximum(num_together, 1)
    )
    return overlaps


def _mean(values: FloatArray, level: float, num_resamples: int, seed: int) -> Estimate:
    if not len(values):
        return Estimate.undefined(NO_ITEMS)
    levels, counts = np.unique(values, return_counts=True)

    def mean(tables: IntArray) -> FloatArray:
        means: FloatArray = tables @ levels / tables.sum(axis=-1)
        return means

    resampled = bootstrap(counts, mean, num_resamples=num_resamples, seed=seed)
    return Estimate(float(values.mean()), len(values), percentile_interval(resampled, level))


def _label_report(
    label: str, hits: BoolArray, right: BoolArray, given: BoolArray, level: float
) -> SetLabelReport:
    num_hits, support, num_given = int(hits.sum()), int(right.sum()), int(given.sum())
    return SetLabelReport(
        label=label,
        support=support,
        predicted=num_given,
        precision=proportion(num_hits, num_given, f"{label!r} is never predicted", level),
        recall=proportion(num_hits, support, f"no item has reference label {label!r}", level),
    )


@dataclass(frozen=True, slots=True)
class SetComparison:
    """How run B differs from run A; differences are B minus A, paired.

    Attributes:
        exact: Of exact matches; its macro-F1 is the mean F1 of the labels, 0 for a label that is
            neither right nor given (scikit-learn's ``f1_score(average="macro")``).
        jaccard_difference: Of the mean overlap, as :func:`set_report` computes it.
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
