"""Heads on the base model's states of the training items, before its adapter has learned anything.

The joint head starts from them, and the adapter learns each item from one that was fitted without
it; when it has learned, the head is fitted again, on its states. They are also all that can say
what a model which has not learned an item's label says of it: an adapter's states repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from db.retraining.out_of_fold import OutOfFold
from eci.arrays import Float32Array, FloatArray, IntArray
from eci.model.eci_model import EciModel
from eci.model.features import stack
from eci.model.head_fit import cross_validate, fit_head
from eci.statistics.calibration import out_of_fold
from training.data.questions import ItemQuestion, item_groups
from training.evaluation.held_out import HeldOut, calibrate
from training.evaluation.out_of_fold import NUM_FOLDS, held_out_rows, is_enough
from training.run.execution import RunContext


@dataclass
class BaseHeads:
    """What is kept of the heads on the base model.

    Attributes:
        judged: What heads that were not fitted on an item say of it.
        fold_of: Item id -> its fold, where the adapter learns it from a head fitted without it.
        penalties: Label set -> the penalty of its heads, where there are such folds.
    """

    judged: list[OutOfFold] = field(default_factory=list)
    fold_of: dict[str, int] = field(default_factory=dict)
    penalties: dict[str, float] = field(default_factory=dict)


def start_head(
    context: RunContext,
    model: EciModel,
    entries: Sequence[ItemQuestion],
    *,
    batch_size: int,
    crosses: bool = True,
) -> BaseHeads:
    """Standardise the head's inputs and start it from heads on the base model.

    Each of these heads also judges the items that it was not fitted on. Label sets with too few
    items, and those of which several labels may be right, are only standardised.

    Args:
        model: Its adapter takes no part: an earlier run's has learned the labels of items.
        entries: The items that will be learned from.
        crosses: Whether the adapter will learn each item from a head that was not fitted on it. The
            head that knows all items has them nearly by heart: what is left to learn from it is
            little, and what it taught would not hold for other items.

    Raises:
        Stopped: The run was asked to stop meanwhile.
    """
    head = _head(model)
    kept = BaseHeads()
    for name, members in _by_set(entries).items():
        with model.model.disable_adapter():
            given = _read(context, model, members, batch_size, "with the base model")
        head.standardise(name, *given)
        groups, y = item_groups(members), _places(members)
        if is_enough(groups, y, NUM_FOLDS):
            _fit(context.run_dir.run_id, kept, head, members, given, crosses)
    return kept


def fit_again(
    context: RunContext,
    model: EciModel,
    entries: Sequence[ItemQuestion],
    kept: BaseHeads,
    *,
    batch_size: int,
) -> None:
    """Fit the heads from which the adapter did not learn, on the states that it gives now.

    Args:
        model: Trained.
        entries: The items that were learned from.
        kept: What :func:`start_head` returned: the penalties stay.

    Raises:
        Stopped: The run was asked to stop meanwhile.
    """
    for name, members in _by_set(entries).items():
        if name in kept.penalties:
            given = _read(context, model, members, batch_size, "with the adapter")
            y = _places(members)
            _head(model).take(name, fit_head(*given, y, is_options=False, l2=kept.penalties[name]))


def _head(model: EciModel) -> Any:
    return model.model.get_base_model().eci_head.modules_to_save["default"]


def _by_set(entries: Sequence[ItemQuestion]) -> dict[str, list[ItemQuestion]]:
    by_set: dict[str, list[ItemQuestion]] = {}
    for entry in entries:
        by_set.setdefault(entry.item.label_set, []).append(entry)
    return by_set


def _read(
    context: RunContext,
    model: EciModel,
    entries: Sequence[ItemQuestion],
    batch_size: int,
    how: str,
) -> tuple[Float32Array, Float32Array]:
    def update(done: int, total: int) -> None:
        context.report_message(f"Reading training items {how}: {done} of {total}.")
        context.check_stop()

    questions = [entry.question for entry in entries]
    return stack(model.features(questions, batch_size=batch_size, progress=update))


def judged_by_set(
    entries: Sequence[ItemQuestion], judged: Sequence[OutOfFold]
) -> dict[str, tuple[FloatArray, IntArray]]:
    """Return what these heads say of items out of fold and their gold labels, by fixed label set.

    Args:
        entries: The items that are learned from.
        judged: As :func:`start_head` kept it.
    """
    said = {row.item_id: row.probabilities for row in judged}
    known = [e for e in entries if e.item.item_id in said and not e.question.label_set.is_options]
    return {
        name: (np.array([said[m.item.item_id] for m in members]), np.array(_places(members)))
        for name, members in _by_set(known).items()
    }


def _places(entries: Sequence[ItemQuestion]) -> list[int]:
    """Return the places of the gold labels; none where several may be right."""
    items = [entry.item for entry in entries]
    return [] if items[0].is_several else [item.labels.index(item.label) for item in items]


def _fit(
    run_id: str,
    kept: BaseHeads,
    head: Any,
    entries: Sequence[ItemQuestion],
    given: tuple[Float32Array, Float32Array],
    crosses: bool,
) -> None:
    y, label_set = np.array(_places(entries)), entries[0].question.label_set
    folds = out_of_fold(y, item_groups(entries), num_folds=NUM_FOLDS)
    chosen = cross_validate(*given, y, is_options=label_set.is_options, folds=folds)
    head.take(label_set.name, fit_head(*given, y, is_options=label_set.is_options, l2=chosen.l2))
    if crosses and not label_set.is_options:
        states, scores = given
        parts = [fold.train for fold in folds]
        head.cross(
            label_set.name,
            [
                fit_head(states[on], scores[on], y[on], is_options=False, l2=chosen.l2)
                for on in parts
            ],
        )
        kept.penalties[label_set.name] = chosen.l2
        kept.fold_of |= {
            entries[i].item.item_id: k for k, fold in enumerate(folds) for i in fold.held_out
        }
    held_out = [
        HeldOut(entry.item.item_id, label_set.name, tuple(row[: len(entry.item.labels)].tolist()))
        for entry, row in zip(entries, chosen.logits, strict=True)
    ]
    gold = {entry.item.item_id: int(place) for entry, place in zip(entries, y, strict=True)}
    judged = held_out_rows(run_id, held_out, calibrate(held_out, gold), ())
    kept.judged += [OutOfFold(run_id, r.item_id, "base_model", r.probabilities) for r in judged]
