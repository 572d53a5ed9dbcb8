"""Probabilities that mean what they say: temperature scaling, fitted on out-of-fold logits.

Logits of items that a head was fitted on are too confident, so a temperature fitted on them is
wrong. ``out_of_fold`` gives the folds with which every item gets logits from a head that has not
seen it, nor an augmented or corrected version of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from eci.arrays import FloatArray, IntArray, as_label_indices, as_logits
from eci.errors import ArtifactError

MIN_TEMPERATURE: Final = 0.01
MAX_TEMPERATURE: Final = 100.0


def softmax(logits: npt.ArrayLike) -> FloatArray:
    """Convert logits to probabilities, shape ``(n_items, n_labels)``, rows summing to 1.

    A logit of ``-inf`` (a label that the item does not offer) gets probability 0.
    """
    z = as_logits(logits)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    probabilities: FloatArray = e / e.sum(axis=1, keepdims=True)
    return probabilities


@dataclass(frozen=True, slots=True)
class TemperatureScaling:
    """Divide all logits by one temperature: it changes a head's confidence, never its label.

    A bias per label is left out on purpose: a head fits its own, and class weights belong in the
    decision, where they do not spoil the probabilities.

    Attributes:
        temperature: Above 1 lowers the confidence; within [0.01, 100].
        n: Number of items it was fitted on.

    Example:
        >>> scaling = TemperatureScaling.fit([[4.0, 0.0]] * 4, [0, 0, 0, 1])
        >>> scaling.transform([[4.0, 0.0]]).round(2).tolist()
        [[0.75, 0.25]]
    """

    temperature: float
    n: int

    @classmethod
    def fit(cls, logits: npt.ArrayLike, y: npt.ArrayLike) -> TemperatureScaling:
        """Find the temperature with the smallest mean negative log probability of gold labels.

        That mean is convex in ``1 / temperature`` and its slope is the gap between the expected and
        the gold logit (Guo et al. 2017), so halving a bracket on the slope's sign cannot fail. The
        end of the range is the answer where the slope has no root: logits that separate the labels
        perfectly ask for 0.01, logits that predict the opposite ask for 100. Logits that are equal
        everywhere are left as they are.

        Args:
            logits: Out-of-fold logits, shape ``(n_items, n_labels)``; ``-inf`` marks a label that
                the item does not offer.
            y: Column of each item's gold label, shape ``(n_items,)``.

        Raises:
            ValueError: Wrong arrays, no items, or a gold label that its item does not offer.
        """
        z = as_logits(logits)
        gold = as_label_indices(y, *z.shape)
        if len(z) == 0:
            raise ValueError("A temperature cannot be fitted on no items; pass at least one.")
        offered = np.isfinite(z)
        if not offered[np.arange(len(z)), gold].all():
            row = int((~offered[np.arange(len(z)), gold]).argmax())
            raise ValueError(
                f"The gold label of row {row} is column {gold[row]}, whose logit is -inf: the item "
                "does not offer it. Correct the gold label or the logits."
            )
        # Only distances to the gold logit matter; a label that is not offered adds nothing.
        gaps = np.where(offered, z - z[np.arange(len(z)), gold][:, None], 0.0)
        if not gaps.any():
            return cls(1.0, len(z))
        low, high = np.log(1 / MAX_TEMPERATURE), np.log(1 / MIN_TEMPERATURE)
        for _ in range(60):  # each step halves the bracket; 60 exhaust float64
            middle = (low + high) / 2
            sharper_is_worse = (softmax(z * np.exp(middle)) * gaps).sum() > 0
            low, high = (low, middle) if sharper_is_worse else (middle, high)
        return cls(float(np.exp(-(low + high) / 2)), len(z))

    def transform(self, logits: npt.ArrayLike) -> FloatArray:
        """Return calibrated probabilities, shape ``(n_items, n_labels)``, rows summing to 1."""
        return softmax(as_logits(logits) / self.temperature)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"temperature": self.temperature, "n": self.n}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TemperatureScaling:
        """Read what ``to_dict`` gave.

        Raises:
            ArtifactError: A value is missing or outside its range.
        """
        temperature, n = values.get("temperature"), values.get("n")
        if not (
            isinstance(temperature, int | float)
            and MIN_TEMPERATURE / 2 <= temperature <= MAX_TEMPERATURE * 2
            and isinstance(n, int)
            and n > 0
        ):
            raise ArtifactError(
                f"Stored calibration is {dict(values)}; expected a temperature within "
                f"[{MIN_TEMPERATURE}, {MAX_TEMPERATURE}] and the number of items n. Fit it again."
            )
        return cls(float(temperature), n)


@dataclass(frozen=True, slots=True)
class Fold:
    """Row numbers of one round: fit on ``train``, predict ``held_out``; both ascending."""

    train: IntArray
    held_out: IntArray


def out_of_fold(
    y: npt.ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    num_folds: int = 5,
    seed: int = 0,
) -> tuple[Fold, ...]:
    """Divide rows into folds with like shares of labels; a group is never divided.

    Groups are shuffled and dealt, the largest first, each to the fold that has the fewest rows of
    its labels, then the fewest rows. Without groups larger than one row, the folds differ by at
    most one row of each label. They depend on group names and the seed, not on the order of rows.

    Args:
        y: Gold label of each row, or its column, shape ``(n_rows,)``.
        groups: Parent item of each row: augmented and corrected rows name the item that they come
            from. None where each row is an item of its own.

    Returns:
        ``num_folds`` folds; every row is held out once.

    Raises:
        ValueError: Fewer than 2 folds, more folds than groups, or arrays that do not fit.

    Example:
        >>> [fold.held_out.tolist() for fold in out_of_fold([0, 0, 1, 1], num_folds=2)]
        [[0, 2], [1, 3]]
    """
    labels, label = np.unique(np.asarray(y), return_inverse=True)
    names = np.arange(len(label)) if groups is None else np.asarray(groups)
    if np.ndim(y) != 1 or names.shape != label.shape:
        raise ValueError(
            f"The gold labels have shape {np.shape(y)} and the groups {names.shape}; expected "
            "(n_rows,) for both, one per row."
        )
    distinct, group = np.unique(names, return_inverse=True)
    if not 2 <= num_folds <= len(distinct):
        raise ValueError(
            f"{num_folds} folds of {len(distinct)} groups are impossible; at least 2 folds and one "
            "group for each are needed."
        )
    contents = np.zeros((len(distinct), len(labels)), dtype=np.int64)
    np.add.at(contents, (group, label), 1)
    fold = _deal(contents, num_folds, np.random.default_rng(seed))[group]
    return tuple(
        Fold(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(num_folds)
    )


def _deal(contents: IntArray, num_folds: int, rng: np.random.Generator) -> IntArray:
    """Return each group a fold, shape ``(n_groups,)``, from its rows per label."""
    fold = np.empty(len(contents), dtype=np.int64)
    filled = np.zeros((num_folds, contents.shape[1]), dtype=np.int64)
    shuffled = rng.permutation(len(contents))
    # Large groups first: the small ones that follow even out what they leave uneven. Like groups
    # together: what does not divide of one kind is then evened out by the next.
    keys = (*contents[shuffled].T, -contents[shuffled].sum(axis=1))
    for group in shuffled[np.lexsort(keys)]:
        rows_alike = filled @ contents[group]
        fold[group] = np.lexsort((filled.sum(axis=1), rows_alike))[0]
        filled[fold[group]] += contents[group]
    return fold
