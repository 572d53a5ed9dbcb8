"""Which gold labels are probably wrong: confident learning (Northcutt, Jiang and Chuang 2021).

A head that has not seen an item, and gives another label more probability than it usually gives
that label where it is gold, speaks against the gold label. The probabilities must come from a head
that was not fitted on the item: one that was repeats the label it was given, right or wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eci.arrays import BoolArray, FloatArray, IntArray, as_label_indices, as_probabilities
from eci.statistics.estimates import NO_ITEMS, Estimate, proportion
from eci.statistics.reliability import two_labels


@dataclass(frozen=True, slots=True, eq=False)
class LabelErrors:
    """What confident learning says of the gold labels of some items.

    Attributes:
        quality: How likely each gold label is right, in [0, 1]: the normalized margin, half of 1
            plus its probability less the largest other one. Shape ``(n_items,)``.
        is_suspect: Whether the item counts off the diagonal of the confident joint, and its gold
            label is not the most probable one.
        suggested: Column of the label the head would give instead, shape ``(n_items,)``.
        thresholds: Mean probability of each label where it is gold, shape ``(n_labels,)``; NaN for
            a label that is never gold.
        confident_joint: Items by gold label (rows) and the label that the head is confident of,
            shape ``(n_labels, n_labels)``.
        share: Suspects among all items; Wilson interval.
    """

    quality: FloatArray
    is_suspect: BoolArray
    suggested: IntArray
    thresholds: FloatArray
    confident_joint: IntArray
    share: Estimate


def find_label_errors(probabilities: npt.ArrayLike, y: npt.ArrayLike) -> LabelErrors:
    """Find the items whose gold label the head contradicts with confidence.

    An item is confidently of label j where its probability of j reaches the mean probability of j
    over the items whose gold label is j; of several such labels the most probable one counts. An
    item whose most probable label is its gold label is never suspect.

    Args:
        probabilities: Of a head that did not learn from the items, shape ``(n_items, n_labels)``.
        y: Column of each item's gold label, shape ``(n_items,)``.

    Raises:
        ValueError: The arrays are not of that form.

    Example:
        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95]]
        >>> np.flatnonzero(find_label_errors(p, [0, 0, 1, 1, 0]).is_suspect).tolist()
        [4]
    """
    p = as_probabilities(probabilities)
    gold = as_label_indices(y, *p.shape)
    rows = np.arange(len(p))
    own = p[rows, gold]
    num_gold = np.bincount(gold, minlength=p.shape[1])
    totals = np.bincount(gold, weights=own, minlength=p.shape[1])
    thresholds = np.where(num_gold > 0, totals / np.maximum(num_gold, 1), np.nan)
    # A hair below the mean: where all probabilities of a label are equal, each reaches it.
    reaches = p >= np.nan_to_num(thresholds, nan=np.inf) - 1e-6
    confident_of = np.where(reaches, p, -1).argmax(axis=1)
    is_confident = reaches.any(axis=1)
    joint = np.zeros((p.shape[1], p.shape[1]), dtype=np.int64)
    np.add.at(joint, (gold[is_confident], confident_of[is_confident]), 1)
    others = p.copy()
    others[rows, gold] = -1
    suggested = others.argmax(axis=1) if p.shape[1] > 1 else gold
    is_suspect = is_confident & (confident_of != gold) & (p.argmax(axis=1) != gold)
    return LabelErrors(
        quality=(own - others.max(axis=1, initial=-1) + 1) / 2,
        is_suspect=is_suspect,
        suggested=np.where(is_suspect, confident_of, suggested),
        thresholds=thresholds,
        confident_joint=joint,
        share=proportion(int(is_suspect.sum()), len(p), NO_ITEMS),
    )


def find_set_errors(
    probabilities: npt.ArrayLike, right: npt.ArrayLike
) -> tuple[FloatArray, BoolArray]:
    """Find the labels that a gold set has or lacks against a head's confidence.

    Each label is judged on its own as right or not, over the items that have it.

    Args:
        probabilities: That each label is right, of a head that did not learn from the items, shape
            ``(n_items, n_labels)``; NaN where an item does not have the label.
        right: Whether it is one of the gold labels, same shape, 0 or 1.

    Returns:
        The quality of each gold set, that of its worst label, shape ``(n_items,)``, and which
        labels are suspect, shape ``(n_items, n_labels)``.

    Raises:
        ValueError: The arrays are not of that form.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(right, dtype=np.int64)
    quality, is_suspect = np.ones(len(p)), np.zeros(p.shape, dtype=np.bool_)
    for label in range(p.shape[1]):
        has = np.isfinite(p[:, label])
        if has.any():
            found = find_label_errors(two_labels(p[has, label]), y[has, label])
            quality[has] = np.minimum(quality[has], found.quality)
            is_suspect[has, label] = found.is_suspect
    return quality, is_suspect
