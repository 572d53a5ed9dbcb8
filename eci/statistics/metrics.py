"""How good a run is, from its confusion counts: each figure with n and an interval.

Confusion counts have shape ``(n_labels, n_labels + 1)``: rows are gold labels, columns predicted
labels, and the last column counts the items for which no label was given. An item without a label
is wrong: it lowers accuracy and recall, and never precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    bootstrap,
    percentile_interval,
    proportion,
)


@dataclass(frozen=True, slots=True)
class LabelReport:
    """The figures of one label.

    Attributes:
        support: Items with this gold label.
        predicted: Items that were given this label.
        precision: Share of ``predicted`` that is right; Wilson interval.
        recall: Share of ``support`` that was found; Wilson interval.
        f1: Their harmonic mean; bootstrap interval over the resamples in which the label occurs.
    """

    label: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run on one set of items.

    Attributes:
        counts: The confusion counts, as described in the module.
        num_without_label: Items for which no label was given.
        accuracy: With Wilson's interval, the one to show: it holds for few items and at 0 and 1.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    n: int
    num_without_label: int
    accuracy: Estimate
    macro_f1: Estimate
    balanced_accuracy: Estimate
    per_label: tuple[LabelReport, ...]


def confusion_counts(
    gold: Sequence[str],
    predicted: Sequence[str | None],
    labels: Sequence[str],
    num_items: Sequence[int] | None = None,
) -> IntArray:
    """Count items by gold and predicted label, shape ``(n_labels, n_labels + 1)``.

    Args:
        gold: Gold label of each item.
        predicted: Label given to each item; None where none was given.
        labels: The label set, in the order of rows and columns.
        num_items: How many items each pair represents, where a database has counted; default 1.

    Raises:
        UnknownLabelError: A gold or predicted label is not in ``labels``.
        ValueError: The sequences differ in length.

    Example:
        >>> confusion_counts(["yes", "yes", "no"], ["yes", None, "yes"], ["yes", "no"]).tolist()
        [[1, 0, 1], [1, 0, 0]]
    """
    if len(gold) != len(predicted):
        raise ValueError(
            f"There are {len(gold)} gold and {len(predicted)} predicted labels; expected one of "
            "each per item. Pass None for an item without a predicted label."
        )
    size = len(label_columns(labels))
    cells = (label_indices(gold, labels), given_label_indices(predicted, labels))
    weights = np.ones(len(gold), dtype=np.int64) if num_items is None else num_items
    counts = np.zeros((size, size + 1), dtype=np.int64)
    np.add.at(counts, cells, as_counts(weights, "numbers of items", (len(gold),)))
    return counts


def num_correct(counts: IntArray) -> IntArray:
    """Count the items whose predicted label is gold, shape ``(...,)``."""
    correct: IntArray = _hits(counts).sum(axis=-1)
    return correct


def label_f1(counts: IntArray) -> FloatArray:
    """Compute each label's F1, ``2 tp / (gold + predicted)``.

    Args:
        counts: Shape ``(..., n_labels, n_labels + 1)``; leading axes stack tables.

    Returns:
        Shape ``(..., n_labels)``; NaN for a label that is neither gold nor predicted anywhere.
    """
    return _ratio(2 * _hits(counts), counts.sum(axis=-1) + _given(counts))


def macro_f1(counts: IntArray) -> FloatArray:
    """Average F1 over the labels that occur in gold or prediction, shape ``(...,)``.

    It equals scikit-learn's ``f1_score(labels=<those labels>, average="macro", zero_division=0)``:
    a label that is never predicted, or never gold, counts as 0. NaN where there are no items.
    """
    return _mean_of_defined(label_f1(counts))


def balanced_accuracy(counts: IntArray) -> FloatArray:
    """Average recall over the labels that occur in gold, shape ``(...,)``; NaN without items."""
    return _mean_of_defined(_ratio(_hits(counts), counts.sum(axis=-1)))


def classification_report(
    counts: npt.ArrayLike,
    labels: Sequence[str],
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Report:
    """Compute every figure of a table of confusion counts.

    Args:
        counts: Shape ``(n_labels, n_labels + 1)``, as described in the module.
        level: Confidence level of all intervals.

    Raises:
        ValueError: The counts have another shape, are not whole or are negative.

    Example:
        >>> report = classification_report([[8, 2, 0], [1, 4, 1]], ["yes", "no"])
        >>> report.n, report.accuracy.value, report.per_label[1].support
        (16, 0.75, 6)
    """
    size = len(label_columns(labels))
    table = as_counts(counts, "confusion counts", (size, size + 1))
    n = int(table.sum())
    correct = int(num_correct(table))
    overall = [Estimate.undefined(NO_ITEMS)] * 2
    f1 = [Estimate.undefined(NO_ITEMS)] * size
    if n:
        resampled = bootstrap(table, _figures, num_resamples=num_resamples, seed=seed)
        estimates = [
            _bootstrapped(float(value), n, column, level)
            for value, column in zip(_figures(table), resampled.T, strict=True)
        ]
        overall, f1 = estimates[:2], estimates[2:]
    return Report(
        labels=tuple(labels),
        counts=tuple(tuple(int(cell) for cell in row) for row in table),
        n=n,
        num_without_label=int(table[:, -1].sum()),
        accuracy=proportion(correct, n, NO_ITEMS, level),
        macro_f1=overall[0],
        balanced_accuracy=overall[1],
        per_label=tuple(
            _label_report(label, table, column, f1[column], level)
            for column, label in enumerate(labels)
        ),
    )


def _label_report(
    label: str, table: IntArray, column: int, f1: Estimate, level: float
) -> LabelReport:
    hits, support = int(table[column, column]), int(table[column].sum())
    predicted = int(table[:, column].sum())
    return LabelReport(
        label=label,
        support=support,
        predicted=predicted,
        precision=proportion(hits, predicted, f"{label!r} is never predicted", level),
        recall=proportion(hits, support, f"no item has reference label {label!r}", level),
        f1=f1,
    )


def _bootstrapped(value: float, n: int, resampled: FloatArray, level: float) -> Estimate:
    if np.isnan(value):
        return Estimate.undefined("the label is neither a reference label nor predicted", n)
    return Estimate(value, n, percentile_interval(resampled, level))


def _figures(counts: IntArray) -> FloatArray:
    """Stack macro-F1, balanced accuracy and each F1, shape ``(..., 2 + n_labels)``."""
    overall = np.stack([macro_f1(counts), balanced_accuracy(counts)], axis=-1)
    return np.concatenate([overall, label_f1(counts)], axis=-1)


def _hits(counts: IntArray) -> IntArray:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _given(counts: IntArray) -> IntArray:
    given: IntArray = counts[..., :-1].sum(axis=-2)
    return given


def _ratio(above: IntArray, below: IntArray) -> FloatArray:
    """Divide, giving NaN where there is nothing to divide by."""
    ratio: FloatArray = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return ratio


def _mean_of_defined(values: FloatArray) -> FloatArray:
    defined = ~np.isnan(values)
    total = np.where(defined, values, 0.0).sum(axis=-1)
    count = np.asarray(defined.sum(axis=-1))
    mean: FloatArray = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return mean
