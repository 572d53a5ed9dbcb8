"""How good a run is where several labels may be right: gold and prediction are sets of labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from eci.arrays import BoolArray, FloatArray, IntArray, label_columns
from eci.errors import UnknownLabelError
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
        labels: The label set, in order.

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
        recall=proportion(num_hits, support, f"no item has gold label {label!r}", level),
    )
