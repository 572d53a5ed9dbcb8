"""Heads on the base model's states of the training items, before its adapter has learned anything.

The joint head starts from them. They are also all that can say what a model which has not learned
an item's label says of it: once the adapter has learned, its states repeat the label.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def start_head(
    context: RunContext,
    model: EciModel,
    entries: Sequence[ItemQuestion],
    *,
    batch_size: int,
) -> list[OutOfFold]:
    """Standardise the head's inputs and start it from heads on the base model.

    Each of these heads also judges the items that it was not fitted on. Label sets with too few
    items, and those of which several labels may be right, are only standardised.

    Args:
        model: Its adapter takes no part: an earlier run's has learned the labels of items.
        entries: The items that will be learned from.

    Returns:
        What heads that were not fitted on an item say of it.

    Raises:
        Stopped: The run was asked to stop meanwhile.
    """
    head = model.model.get_base_model().eci_head.modules_to_save["default"]
    by_set: dict[str, list[ItemQuestion]] = {}
    for entry in entries:
        by_set.setdefault(entry.item.label_set, []).append(entry)

    def update(done: int, total: int) -> None:
        context.report_message(f"Reading training items with the base model: {done} of {total}.")
        context.check_stop()

    rows: list[OutOfFold] = []
    for name, members in by_set.items():
        questions = [entry.question for entry in members]
        with model.model.disable_adapter():
            features = model.features(questions, batch_size=batch_size, progress=update)
        given = stack(features)
        head.standardise(name, *given)
        groups, y = item_groups(members), _places(members)
        if is_enough(groups, y, NUM_FOLDS):
            rows += _fit(context.run_dir.run_id, head, members, groups, given)
    return rows


def judged_by_set(
    entries: Sequence[ItemQuestion], judged: Sequence[OutOfFold]
) -> dict[str, tuple[FloatArray, IntArray]]:
    """Return what these heads say of items out of fold and their gold labels, by fixed label set.

    Args:
        entries: The items that are learned from.
        judged: As :func:`start_head` returned it.
    """
    said = {row.item_id: row.probabilities for row in judged}
    by_set: dict[str, list[ItemQuestion]] = {}
    for entry in entries:
        if entry.item.item_id in said and not entry.question.label_set.is_options:
            by_set.setdefault(entry.item.label_set, []).append(entry)
    return {
        name: (np.array([said[m.item.item_id] for m in members]), np.array(_places(members)))
        for name, members in by_set.items()
    }


def _places(entries: Sequence[ItemQuestion]) -> list[int]:
    """Return the places of the gold labels; none where several may be right."""
    items = [entry.item for entry in entries]
    return [] if items[0].is_several else [item.labels.index(item.label) for item in items]


def _fit(
    run_id: str,
    head: Any,
    entries: Sequence[ItemQuestion],
    groups: Sequence[str],
    given: tuple[Float32Array, Float32Array],
) -> list[OutOfFold]:
    y, label_set = _places(entries), entries[0].question.label_set
    folds = out_of_fold(y, groups, num_folds=NUM_FOLDS)
    chosen = cross_validate(*given, y, is_options=label_set.is_options, folds=folds)
    fitted = fit_head(*given, y, is_options=label_set.is_options, l2=chosen.l2)
    head.take(label_set.name, fitted)
    held_out = [
        HeldOut(entry.item.item_id, label_set.name, tuple(row[: len(entry.item.labels)].tolist()))
        for entry, row in zip(entries, chosen.logits, strict=True)
    ]
    gold = {entry.item.item_id: place for entry, place in zip(entries, y, strict=True)}
    judged = held_out_rows(run_id, held_out, calibrate(held_out, gold), ())
    return [OutOfFold(run_id, row.item_id, "base_model", row.probabilities) for row in judged]
