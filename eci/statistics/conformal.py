"""Label sets that hold the gold label as often as promised: split conformal prediction.

A set holds every label whose probability is not unusually low for items of that label. Class-
conditional (Mondrian) thresholds keep the promise for each label; one marginal threshold keeps it
only on average, and rare labels pay (frozen SmolLM2-135M features on PubMedQA, alpha 0.1: "maybe"
covered 13 % marginally, 91 % class-conditionally).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from eci.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    as_label_indices,
    as_probabilities,
    label_columns,
)
from eci.errors import ArtifactError
from eci.statistics.estimates import (
    LEVEL,
    NO_ITEMS,
    NUM_RESAMPLES,
    Estimate,
    bootstrap,
    percentile_interval,
    proportion,
)

Kind = Literal["class_conditional", "marginal"]


@dataclass(frozen=True, slots=True)
class ConformalSets:
    """The probability that each label needs to enter an item's set.

    Attributes:
        labels: The label set, in the order of columns.
        alpha: Allowed share of sets without the gold label, such as 0.1.
        thresholds: Largest allowed score ``1 - probability`` of each label; ``inf`` where the label
            has too few calibration items to exclude it anywhere.
        num_calibration: Calibration items behind each threshold.

    Example:
        >>> p = [[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]
        >>> sets = ConformalSets.fit(p, [0, 0, 0, 1], labels=("yes", "no"), alpha=0.25)
        >>> sets.sets([[0.7, 0.3], [0.2, 0.8]]).tolist()
        [[True, True], [False, True]]
        >>> sets.always_included
        ('no',)
    """

    labels: tuple[str, ...]
    alpha: float
    kind: Kind
    thresholds: tuple[float, ...]
    num_calibration: tuple[int, ...]

    @classmethod
    def fit(
        cls,
        probabilities: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        labels: Sequence[str],
        alpha: float = 0.1,
        kind: Kind = "class_conditional",
    ) -> ConformalSets:
        """Compute the thresholds from items that neither head nor calibration was fitted on.

        The threshold of n scores is the ``ceil((n + 1)(1 - alpha))``-th smallest: a new item's
        score is equally likely to take any rank among them, so its gold label is missing in at most
        ``alpha`` of all draws, for any n and any model (Vovk 2012 for one per label). With fewer
        than ``1 / alpha - 1`` items there is no such rank and the label is always included.
        Out-of-fold probabilities come from several heads and the promise is made for one, so check
        it on held-out items with ``coverage_report``.

        Args:
            probabilities: Out-of-fold probabilities, shape ``(n_items, n_labels)``.
            y: Column of each item's gold label, shape ``(n_items,)``.

        Raises:
            ValueError: Wrong arrays, another number of labels, or alpha outside (0, 1).
        """
        p = _of_width(probabilities, len(label_columns(labels)))
        gold = as_label_indices(y, *p.shape)
        if not 0 < alpha < 1:
            raise ValueError(f"alpha is {alpha}; allowed is a share such as 0.1.")
        if kind not in get_args(Kind):
            raise ValueError(f"The kind is {kind!r}; allowed are {', '.join(get_args(Kind))}.")
        scores = 1 - p[np.arange(len(p)), gold]
        by_label = [
            scores[gold == column] if kind == "class_conditional" else scores
            for column in range(len(labels))
        ]
        return cls(
            labels=tuple(labels),
            alpha=alpha,
            kind=kind,
            thresholds=tuple(_threshold(some, alpha) for some in by_label),
            num_calibration=tuple(len(some) for some in by_label),
        )

    @property
    def always_included(self) -> tuple[str, ...]:
        """Return the labels with too few calibration items for alpha: they are in every set."""
        pairs = zip(self.labels, self.thresholds, strict=True)
        return tuple(label for label, threshold in pairs if math.isinf(threshold))

    def sets(self, probabilities: npt.ArrayLike) -> BoolArray:
        """Return which labels each item's set holds, shape ``(n_items, n_labels)``.

        A set may be empty: no label is as probable as it usually is where it is gold.
        """
        p = _of_width(probabilities, len(self.labels))
        held: BoolArray = 1 - p <= np.array(self.thresholds)
        return held

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; an infinite threshold becomes None."""
        return {
            "labels": list(self.labels),
            "alpha": self.alpha,
            "kind": self.kind,
            "thresholds": [None if math.isinf(t) else t for t in self.thresholds],
            "num_calibration": list(self.num_calibration),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ConformalSets:
        """Read what ``to_dict`` gave.

        Raises:
            ArtifactError: A value is missing or does not fit the others.
        """
        try:
            read = cls(
                labels=tuple(str(label) for label in values["labels"]),
                alpha=float(values["alpha"]),
                kind=values["kind"],
                thresholds=tuple(math.inf if t is None else float(t) for t in values["thresholds"]),
                num_calibration=tuple(int(n) for n in values["num_calibration"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ArtifactError(
                f"Stored conformal sets are {dict(values)}, which cannot be read: {error!r}. "
                "Fit them again."
            ) from error
        if (
            read.kind not in get_args(Kind)
            or not 0 < read.alpha < 1
            or not all(threshold >= 0 for threshold in read.thresholds)
            or not all(count >= 0 for count in read.num_calibration)
            or not len(read.labels) == len(read.thresholds) == len(read.num_calibration) > 0
        ):
            raise ArtifactError(
                f"Stored conformal sets are {dict(values)}; expected alpha in (0, 1), a kind of "
                f"{', '.join(get_args(Kind))}, and one threshold of at least 0 and one count per "
                "label. Fit them again."
            )
        return read


@dataclass(frozen=True, slots=True)
class SetReport:
    """How the sets of some items turned out: coverage, and what it costs in size.

    Attributes:
        coverage: Share of sets that hold the gold label; Wilson interval.
        mean_size: Labels per set; bootstrap interval.
        num_by_size: Number of sets with 0, 1, ... labels. Only those with one decide an item.
    """

    coverage: Estimate
    mean_size: Estimate
    num_by_size: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """Coverage of all items and of the items of each gold label, in the order of columns."""

    overall: SetReport
    per_label: tuple[SetReport, ...]


def coverage_report(
    sets: BoolArray,
    y: npt.ArrayLike,
    *,
    level: float = LEVEL,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> CoverageReport:
    """Measure sets on items with a gold label, other than those they were fitted on.

    Args:
        sets: Shape ``(n_items, n_labels)``, as from ``ConformalSets.sets``.
        y: Column of each item's gold label, shape ``(n_items,)``.

    Raises:
        ValueError: The arrays are not of that form.
    """
    held = np.asarray(sets)
    if held.ndim != 2 or held.dtype != np.bool_:
        raise ValueError(
            f"The sets have shape {held.shape} and type {held.dtype}; expected "
            "(n_items, n_labels), bool."
        )
    gold = as_label_indices(y, *held.shape)
    covered, sizes = held[np.arange(len(held)), gold], held.sum(axis=1)

    def report(rows: BoolArray, because: str) -> SetReport:
        return SetReport(
            coverage=proportion(int(covered[rows].sum()), int(rows.sum()), because, level),
            mean_size=_mean_size(sizes[rows], because, level, num_resamples, seed),
            num_by_size=tuple(np.bincount(sizes[rows], minlength=held.shape[1] + 1).tolist()),
        )

    return CoverageReport(
        overall=report(np.ones(len(held), dtype=bool), NO_ITEMS),
        per_label=tuple(
            report(gold == column, "no item has this reference label")
            for column in range(held.shape[1])
        ),
    )


def _mean_size(
    sizes: IntArray, because: str, level: float, num_resamples: int, seed: int
) -> Estimate:
    if len(sizes) == 0:
        return Estimate.undefined(because)
    by_size = np.bincount(sizes)

    def mean(counts: IntArray) -> FloatArray:
        means: FloatArray = counts @ np.arange(len(by_size)) / len(sizes)
        return means

    resampled = bootstrap(by_size, mean, num_resamples=num_resamples, seed=seed)
    return Estimate(float(sizes.mean()), len(sizes), percentile_interval(resampled, level))


def _threshold(scores: FloatArray, alpha: float) -> float:
    # The small term keeps rounding, as in 30 * (1 - 0.1), from asking for one rank too many.
    rank = math.ceil((len(scores) + 1) * (1 - alpha) - 1e-9)
    return math.inf if rank > len(scores) else float(np.sort(scores)[rank - 1])


def _of_width(probabilities: npt.ArrayLike, n_labels: int) -> FloatArray:
    p = as_probabilities(probabilities)
    if p.shape[1] != n_labels:
        raise ValueError(
            f"The probabilities have {p.shape[1]} columns for {n_labels} labels; expected one "
            "column per label."
        )
    return p
