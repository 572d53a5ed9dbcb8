"""Array types, and the checks that every statistic makes before it computes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from eci.errors import UnknownLabelError

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SUM_TOLERANCE = 1e-4
"""How far a row of probabilities may be from 1: what float32 softmax leaves, with room."""


def as_probabilities(values: npt.ArrayLike) -> FloatArray:
    """Check probabilities and return them as float64, shape ``(n_items, n_labels)``.

    Raises:
        ValueError: Not two-dimensional, no labels, a value outside [0, 1] or NaN, or a row that
            does not sum to 1.
    """
    array = _as_matrix(values, "probabilities")
    bad = ~((array >= 0) & (array <= 1)).all(axis=1)  # NaN compares false, so it is bad too
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"Row {row} of the probabilities is {array[row].tolist()}; each value must lie in "
            "[0, 1]. Were logits passed instead of probabilities?"
        )
    off = np.abs(array.sum(axis=1) - 1) > SUM_TOLERANCE
    if off.any():
        row = int(off.argmax())
        raise ValueError(
            f"Row {row} of the probabilities sums to {array[row].sum():.6g}; each row must sum "
            "to 1. Normalise the rows first."
        )
    return array


def as_logits(values: npt.ArrayLike) -> FloatArray:
    """Check logits and return them as float64, shape ``(n_items, n_labels)``.

    ``-inf`` is allowed: the item does not offer that label. Every row offers at least one.

    Raises:
        ValueError: Not two-dimensional, NaN or ``+inf`` in it, or a row with only ``-inf``.
    """
    array = _as_matrix(values, "logits")
    bad = np.isnan(array).any(axis=1) | ~np.isfinite(array.max(axis=1))
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"Row {row} of the logits is {array[row].tolist()}; finite numbers, or -inf for a "
            "label that the item does not offer, are allowed, with at least one finite."
        )
    return array


def as_label_indices(values: npt.ArrayLike, n_items: int, n_labels: int) -> IntArray:
    """Check the gold labels of items, given as column numbers, shape ``(n_items,)``.

    Raises:
        ValueError: Another shape, not whole numbers, or a number outside ``0..n_labels - 1``.
    """
    array = np.asarray(values)
    if array.shape != (n_items,):
        raise ValueError(
            f"The gold labels have shape {array.shape}; expected ({n_items},), one column number "
            "per item."
        )
    if n_items and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"The gold labels have type {array.dtype}; expected whole numbers, the column of each "
            "item's gold label. Translate names with label_indices()."
        )
    indices = array.astype(np.int64)
    outside = (indices < 0) | (indices >= n_labels)
    if outside.any():
        row = int(outside.argmax())
        raise ValueError(
            f"The gold label of row {row} is column {indices[row]}; allowed are 0 to "
            f"{n_labels - 1}. Leave out items without a gold label."
        )
    return indices


def label_indices(names: Iterable[str], labels: Sequence[str]) -> IntArray:
    """Translate label names to column numbers.

    Raises:
        UnknownLabelError: A name is not one of ``labels``; every unknown name is listed.

    Example:
        >>> label_indices(["no", "yes"], ["yes", "no", "maybe"]).tolist()
        [1, 0]
    """
    columns = label_columns(labels)
    names = list(names)
    _refuse_unknown(names, columns)
    return np.array([columns[name] for name in names], dtype=np.int64)


def given_label_indices(names: Sequence[str | None], labels: Sequence[str]) -> IntArray:
    """Translate the labels that a run gave; None, no label given, becomes ``len(labels)``.

    Raises:
        UnknownLabelError: A name is not one of ``labels``.
    """
    given = [name for name in names if name is not None]
    indices = np.full(len(names), len(labels), dtype=np.int64)
    indices[[name is not None for name in names]] = label_indices(given, labels)
    return indices


def label_columns(labels: Sequence[str]) -> Mapping[str, int]:
    """Map each label name to its column.

    Raises:
        ValueError: No labels, or a name twice.
    """
    columns = {label: column for column, label in enumerate(labels)}
    if not columns or len(columns) != len(labels):
        raise ValueError(
            f"The labels are {list(labels)}; at least one is needed and each may occur once."
        )
    return columns


def as_vector(values: npt.ArrayLike, what: str, n_items: int | None = None) -> FloatArray:
    """Check one finite number per item and return them as float64, shape ``(n_items,)``.

    Raises:
        ValueError: Another shape, or a value that is NaN or infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (n_items is not None and len(array) != n_items):
        expected = "n_items" if n_items is None else n_items
        raise ValueError(f"The {what} have shape {array.shape}; expected ({expected},).")
    if not np.isfinite(array).all():
        row = int((~np.isfinite(array)).argmax())
        raise ValueError(f"The {what} hold {array[row]} at row {row}; finite numbers are allowed.")
    return array


def as_counts(values: npt.ArrayLike, what: str, shape: tuple[int, ...] | None = None) -> IntArray:
    """Check counts of items and return them as int64.

    Raises:
        ValueError: Another shape, not whole numbers, or a negative one.
    """
    array = np.asarray(values)
    if shape is not None and array.shape != shape:
        raise ValueError(f"The {what} have shape {array.shape}; expected {shape}.")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"The {what} have type {array.dtype}; expected whole numbers.")
    if array.size and array.min() < 0:
        raise ValueError(f"The {what} hold {array.min()}; a count cannot be negative.")
    return array.astype(np.int64)


def _as_matrix(values: npt.ArrayLike, what: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"The {what} have shape {array.shape}; expected (n_items, n_labels).")
    return array


def _refuse_unknown(names: Sequence[str], columns: Mapping[str, int]) -> None:
    unknown = sorted({repr(name) for name in names if name not in columns})
    if unknown:
        raise UnknownLabelError(
            f"{len(unknown)} unknown label(s): {', '.join(unknown)}; allowed are "
            f"{', '.join(columns)}. Correct the labels, or name the label set they belong to."
        )
