"""From probabilities to decisions: a label, the set of labels it may be, and when to ask a person.

Probabilities stay as they are; what follows from them depends on what errors cost. One form holds
every such choice: a matrix of costs, gold labels in rows, decisions in columns. The decision is the
label whose expected cost is smallest. Accuracy is the matrix with 1 off the diagonal; a weight for
each label is a row of that weight. Macro-F1 has no such matrix, so weights between none and those
that balance the labels are compared on held-out items, and used only where they help on items that
did not choose them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from eci.arrays import BoolArray, FloatArray, IntArray, as_label_indices, as_probabilities
from eci.errors import LabelSetError
from eci.questions.labels import LabelSet
from eci.statistics.calibration import out_of_fold
from eci.statistics.conformal import ConformalSets, Kind
from eci.statistics.metrics import macro_f1
from eci.statistics.selective import risk_curve

Cost = Literal["accuracy", "macro_f1", "matrix", "ordinal"]
POWERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the inverse shares of labels, as weights: 0 leaves them alike, 1 balances them."""
MIN_ITEMS: Final = 20
"""Fewer held-out items choose nothing: labels are the most probable ones."""
NUM_FOLDS: Final = 5
LEVEL: Final = 0.95
"""With this confidence the error rate above a threshold is at most the target."""
COVERAGES: Final = tuple(tenths / 10 for tenths in range(10, 0, -1))
"""Fractions of items for which a threshold is tried, all first."""

_Number = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(gt=0, lt=1)]
Matrix = tuple[tuple[_Number, ...], ...]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DecisionSettings(_Frozen):
    """What errors cost, and when a person is asked."""

    cost: Cost = Field(
        "macro_f1",
        description="what the label is chosen by: accuracy (the most probable one), macro_f1 "
        "(labels count alike; where several may be right, the overlap), matrix (your own costs), "
        "or ordinal (distance in the order)",
    )
    matrix: dict[str, Matrix] = Field(
        {}, description="label set: costs, one row a gold label, one column a decision"
    )
    order: dict[str, tuple[str, ...]] = Field(
        {}, description="label set: its labels in order, for the cost ordinal [as they are listed]"
    )
    target_error: _Share | None = Field(
        None,
        description="fraction of the labels that no person reviews which may be wrong: a person is "
        "asked about the less certain ones",
    )
    set_coverage: _Share = Field(
        0.9, description="fraction of items of each label whose set of labels has the gold label"
    )
    ask_unless_single: bool = Field(
        False, description="a person is asked wherever the set is not a single label"
    )

    @model_validator(mode="after")
    def _require_agreement(self) -> Self:
        if bool(self.matrix) != (self.cost == "matrix"):
            raise ValueError("cost = 'matrix' and a matrix for a label set go together")
        if self.order and self.cost != "ordinal":
            raise ValueError("an order of labels is for cost = 'ordinal' alone")
        for name, costs in self.matrix.items():
            if len(costs) < 2 or any(len(row) != len(costs) for row in costs):
                raise ValueError(f"the matrix of {name!r} is not one row and column for each label")
            if any(row[gold] > min(row) for gold, row in enumerate(costs)):
                raise ValueError(f"in the matrix of {name!r} an error costs less than being right")
        return self

    def require_labels(self, label_sets: Sequence[LabelSet]) -> None:
        """Refuse costs and orders that do not fit the label sets of a run.

        Raises:
            LabelSetError: A label set is unknown, or has other labels; all faults are listed.
        """
        known = {labels.name: labels.names for labels in label_sets if not labels.is_options}
        faults = [
            f"{name!r} is not among {', '.join(known) or 'no fixed label sets'}"
            for name in (*self.matrix, *self.order)
            if name not in known
        ]
        faults += [
            f"the matrix of {name!r} has {len(costs)} rows for {len(known[name])} labels"
            for name, costs in self.matrix.items()
            if name in known and len(costs) != len(known[name])
        ]
        faults += [
            f"the order of {name!r} is {', '.join(order)}, its labels are {', '.join(known[name])}"
            for name, order in self.order.items()
            if name in known and sorted(order) != sorted(known[name])
        ]
        if faults:
            raise LabelSetError(
                f"The costs of decisions do not fit the label sets: {'; '.join(faults)}. "
                "Correct decision.matrix or decision.order in the settings."
            )


class DecisionRule(_Frozen):
    """The operating point of one label set; what an artifact keeps of it.

    Attributes:
        cost: What the label is chosen by; where several may be right, ``macro_f1`` is the overlap.
        num_items: Held-out items that it was measured on.
        costs: Cost of each decision (columns) for each gold label (rows); None decides for the most
            probable label, as for the items' own options.
        mean_cost: Of held-out items, each decided by a rule that was chosen without it: errors for
            accuracy, ``1 - macro-F1`` or ``1 - overlap``, else the mean cost. None with no items.
        mean_cost_most_probable: The same for the most probable label.
        target_error: Of labels that no person reviews; None where none was set.
        threshold: Smallest confidence that needs no person; None with a target where the items
            show no such confidence, so that a person is always asked.
        set_coverage: Promised fraction of sets with the gold label.
        set_thresholds: Largest ``1 - probability`` of each label in a set; None: always in it.
        ask_unless_single: Whether a person is asked wherever the set is not a single label.
        label_thresholds: Where several labels may be right: the probability from which on each is
            given; a single one holds for all, as for the items' own options.
    """

    cost: Cost = "accuracy"
    num_items: int = Field(ge=0)
    costs: Matrix | None = None
    mean_cost: float | None = None
    mean_cost_most_probable: float | None = None
    target_error: _Share | None = None
    threshold: float | None = None
    set_coverage: _Share
    set_thresholds: tuple[_Number | None, ...] = ()
    ask_unless_single: bool = False
    label_thresholds: tuple[_Share, ...] = ()

    @model_validator(mode="after")
    def _require_square(self) -> Self:
        if self.costs is not None and any(len(row) != len(self.costs) for row in self.costs):
            raise ValueError("costs are not one row and column for each label")
        return self

    def decide(self, probabilities: npt.ArrayLike) -> Decisions:
        """Decide items of this label set.

        Args:
            probabilities: Calibrated, shape ``(n_items, n_labels)``; of options, those that an
                item lacks have 0.

        Raises:
            ValueError: They are not of that form.
        """
        p = as_probabilities(probabilities)
        labels = _cheapest(p, self.costs)
        limits = [math.inf if limit is None else limit for limit in self.set_thresholds]
        # All options have one threshold: an item with more of them than any before has it as well.
        limits += limits[-1:] * (p.shape[1] - len(limits))
        held = None if not limits else (1 - p <= np.array(limits[: p.shape[1]])) & (p > 0)
        asks = np.zeros(len(p), dtype=np.bool_)
        if self.target_error is not None:
            certain = p[np.arange(len(p)), labels]
            asks |= certain < (math.inf if self.threshold is None else self.threshold)
        if self.ask_unless_single and held is not None:
            asks |= held.sum(1) != 1
        return Decisions(labels, held, asks)

    def decide_sets(self, probabilities: npt.ArrayLike) -> SetDecisions:
        """Decide items of a label set of which several labels may be right.

        Every item gets a label: where none reaches its threshold, the one that comes nearest.

        Args:
            probabilities: Of each label that it is right, shape ``(n_items, n_labels)``; 0 for
                options that an item lacks.
        """
        p = np.asarray(probabilities, dtype=np.float64)
        given = labels_from(p, np.array(self.label_thresholds or (0.5,)))
        asks = np.zeros(len(p), dtype=np.bool_)
        if self.target_error is not None:
            asks |= set_confidence(p, given) < (
                math.inf if self.threshold is None else self.threshold
            )
        return SetDecisions(given, asks)


@dataclass(frozen=True, slots=True, eq=False)
class SetDecisions:
    """What follows for some items of which several labels may be right.

    Attributes:
        given: Whether each label is given, shape ``(n_items, n_labels)``; one at least an item.
        asks_person: Whether a person should decide instead, shape ``(n_items,)``.
    """

    given: BoolArray
    asks_person: BoolArray

    def names_of(self, row: int, names: Sequence[str]) -> list[str]:
        """Return the names of the labels that an item is given."""
        return [name for name, is_given in zip(names, self.given[row], strict=False) if is_given]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What follows for some items.

    Attributes:
        labels: Column of the label decided for, shape ``(n_items,)``.
        sets: Which labels each item's set has, shape ``(n_items, n_labels)``; None without sets.
        asks_person: Whether a person should decide instead, shape ``(n_items,)``.
    """

    labels: IntArray
    sets: BoolArray | None
    asks_person: BoolArray

    def set_of(self, row: int, names: Sequence[str]) -> tuple[str, ...] | None:
        """Return the names of the labels in an item's set."""
        if self.sets is None:
            return None
        return tuple(name for name, held in zip(names, self.sets[row], strict=True) if held)


MOST_PROBABLE: Final = DecisionRule(num_items=0, set_coverage=0.9)
"""What decides where an artifact has no operating point: the most probable label, never a set."""


def choose_rule(
    probabilities: npt.ArrayLike,
    y: npt.ArrayLike,
    settings: DecisionSettings,
    labels: LabelSet | None,
    *,
    others: tuple[FloatArray, IntArray] | None = None,
    seed: int = 0,
) -> DecisionRule:
    """Choose the operating point of a label set on items that its head has not seen.

    Args:
        probabilities: Calibrated out-of-fold or held-out ones, shape ``(n_items, n_labels)``.
        y: Column of each item's gold label, shape ``(n_items,)``.
        settings: What errors cost, and when a person is asked.
        labels: The fixed label set; None for options, whose letters mean nothing: their label is
            the most probable one, and one threshold holds for all.
        others: Out-of-fold probabilities of further items, from heads much like this one, and
            their gold labels. How much rare labels count is chosen on them as well: a few dozen
            items choose it badly. Sets, thresholds and costs are those of the first items alone.
        seed: Of the folds.
    """
    p = as_probabilities(probabilities)
    gold = as_label_indices(y, *p.shape)
    every, every_gold = p, gold
    if others is not None:
        every, every_gold = np.vstack([p, others[0]]), np.concatenate([gold, others[1]])
    cost, costs, decided = _choose_costs(every, every_gold, settings, labels, seed)
    decided = decided[: len(p)]
    kind: Kind = "marginal" if labels is None else "class_conditional"
    names = [str(column) for column in range(p.shape[1])]
    alpha = 1 - settings.set_coverage
    sets = ConformalSets.fit(p, gold, labels=names, alpha=alpha, kind=kind).to_dict()
    threshold = None
    if settings.target_error is not None and len(p):
        confidence, correct = p[np.arange(len(p)), decided], decided == gold
        threshold = risk_threshold(confidence, correct, settings.target_error)
    return DecisionRule(
        cost=cost,
        num_items=len(p),
        costs=costs,
        mean_cost=_mean_cost(cost, costs, gold, decided, p.shape[1]),
        mean_cost_most_probable=_mean_cost(cost, costs, gold, _cheapest(p, None), p.shape[1]),
        target_error=settings.target_error,
        threshold=threshold,
        set_coverage=settings.set_coverage,
        set_thresholds=tuple(sets["thresholds"]),
        ask_unless_single=settings.ask_unless_single,
    )


def balanced_weights(y: npt.ArrayLike, num_labels: int) -> FloatArray:
    """Return the inverse of each label's share, shape ``(n_labels,)``; 1 for absent labels."""
    counts = np.bincount(np.asarray(y, dtype=np.int64), minlength=num_labels)
    weights: FloatArray = np.where(counts > 0, counts.sum() / (num_labels * counts.clip(1)), 1.0)
    return weights


def choose_power(probabilities: FloatArray, y: IntArray) -> float:
    """Choose how much rare labels count, among ``POWERS``, by macro-F1."""
    weights = balanced_weights(y, probabilities.shape[1])
    scores = {
        power: _macro_f1(y, (probabilities * weights**power).argmax(1), probabilities.shape[1])
        for power in POWERS
    }
    return max(scores, key=scores.__getitem__)


def _choose_costs(
    p: FloatArray, gold: IntArray, settings: DecisionSettings, labels: LabelSet | None, seed: int
) -> tuple[Cost, Matrix | None, IntArray]:
    """Return what the label is chosen by, its costs, and the labels decided on these items."""
    if labels is not None and labels.name in settings.matrix:
        costs = settings.matrix[labels.name]
        return "matrix", costs, _cheapest(p, costs)
    if labels is not None and settings.cost == "ordinal":
        order = settings.order.get(labels.name, labels.names)
        rank = np.array([order.index(name) for name in labels.names])
        costs = _matrix(np.abs(rank[:, None] - rank))
        return "ordinal", costs, _cheapest(p, costs)
    if labels is None or settings.cost != "macro_f1":
        return "accuracy", None, p.argmax(1)
    weighed, decided = _weigh_labels(p, gold, seed)
    return "macro_f1", weighed, decided


def _weigh_labels(p: FloatArray, gold: IntArray, seed: int) -> tuple[Matrix | None, IntArray]:
    """Choose the weights of labels, and decide each item by weights that were chosen without it."""
    size, most_probable = p.shape[1], p.argmax(1)
    if len(p) < MIN_ITEMS:
        return None, most_probable
    crossed = np.empty_like(gold)
    for fold in out_of_fold(gold, num_folds=NUM_FOLDS, seed=seed):
        on, out = fold.train, fold.held_out
        weights = balanced_weights(gold[on], size) ** choose_power(p[on], gold[on])
        crossed[out] = (p[out] * weights).argmax(1)
    if _macro_f1(gold, crossed, size) <= _macro_f1(gold, most_probable, size):
        return None, most_probable
    weights = balanced_weights(gold, size) ** choose_power(p, gold)
    return _matrix(weights[:, None] * (1 - np.eye(size))), crossed


def risk_threshold(
    confidence: npt.ArrayLike, correct: npt.ArrayLike, target_error: float
) -> float | None:
    """Find the smallest confidence above which at most ``target_error`` of labels are wrong.

    Ten thresholds are tried, each by an exact binomial test at a tenth of the error level, so that
    with a confidence of ``LEVEL`` the promise holds for new items (Angelopoulos et al. 2021, Learn
    then Test).

    Returns:
        None where the items show it for no threshold: too few of them, or too many errors.
    """
    from scipy.special import bdtr

    curve = risk_curve(confidence, correct)
    for coverage in COVERAGES:
        place = int(np.searchsorted(curve.num_answered, coverage * curve.n, side="right")) - 1
        if place < 0:
            continue
        errors, answered = int(curve.num_errors[place]), int(curve.num_answered[place])
        if bdtr(errors, answered, target_error) <= (1 - LEVEL) / len(COVERAGES):
            return float(curve.thresholds[place])
    return None


def labels_from(p: FloatArray, limits: FloatArray) -> BoolArray:
    """Return which labels reach their thresholds, or else the one that comes nearest.

    Args:
        p: Probabilities, shape ``(n_items, n_labels)``.
        limits: One for each label, or one for all.
    """
    given: BoolArray = p >= limits
    if len(p):
        lacking = ~given.any(axis=1)
        given[lacking, (p / limits).argmax(axis=1)[lacking]] = True
    return given


def set_confidence(p: FloatArray, given: BoolArray) -> FloatArray:
    """Return how probable it is that each set is exactly right, shape ``(n_items,)``."""
    confidence: FloatArray = np.where(given, p, 1 - p).prod(axis=1)
    return confidence


def _matrix(values: FloatArray | IntArray) -> Matrix:
    return tuple(tuple(float(value) for value in row) for row in values)


def _cheapest(p: FloatArray, costs: Matrix | None) -> IntArray:
    """Return the label of smallest expected cost; of equal ones, the more probable one."""
    best: IntArray = p.argmax(1)
    if costs is None:
        return best
    if len(costs) != p.shape[1]:
        raise ValueError(f"There are costs of {len(costs)} labels for {p.shape[1]} probabilities.")
    expected = p @ np.array(costs)
    rows = np.arange(len(p))
    least = expected.argmin(1)
    tied = expected[rows, best] <= expected[rows, least] + 1e-12
    return np.where(tied, best, least)


def _mean_cost(
    cost: Cost, costs: Matrix | None, gold: IntArray, decided: IntArray, size: int
) -> float | None:
    if not len(gold):
        return None
    if cost == "macro_f1":
        return 1 - _macro_f1(gold, decided, size)
    if costs is None:
        return float((gold != decided).mean())
    return float(np.array(costs)[gold, decided].mean())


def _macro_f1(gold: IntArray, decided: IntArray, size: int) -> float:
    counts = np.zeros((size, size + 1), dtype=np.int64)
    np.add.at(counts, (gold, decided), 1)
    return float(macro_f1(counts))
