"""What heads say of training items that they were not fitted on, kept with the run.

Only such probabilities can show that a gold label is wrong. Three cases:

- The head of a run was fitted without the item's fold, and the rest of the model never saw the item
  (``held_out``): its own probabilities.
- The adapter has learned from the item: its states repeat the label that it was given, and a head
  fitted on other folds reads it from them. So the item gets a head on the base model alone, fitted
  without the item's fold (``base_model``). A weaker model, but one that has not seen the label.
- A later run on the same adapter takes these over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from db.retraining.out_of_fold import OutOfFold
from eci.model.artifact import CalibrationInfo
from eci.model.features import stack
from eci.model.head_fit import cross_validate
from eci.statistics.calibration import TemperatureScaling, out_of_fold
from training.data.questions import ItemQuestion, item_groups
from training.evaluation.held_out import HeldOut, calibrate
from training.run.execution import RunContext
from training.run.result_tables import OUT_OF_FOLD
from training.run.run_dir import RunDir

if TYPE_CHECKING:
    from eci.model.eci_model import EciModel

NUM_FOLDS: Final = 5
MIN_ITEMS_PER_FOLD: Final = 4
"""Of fewer training items for each fold no head can be fitted that says anything."""


def held_out_rows(
    run_id: str,
    held_out: Iterable[HeldOut],
    calibration: Mapping[str, CalibrationInfo],
    learned: Collection[str],
) -> list[OutOfFold]:
    """Return the calibrated probabilities of held-out logits.

    Args:
        learned: Items that the adapter has learned from: they are left out.
    """
    rows = []
    for entry in held_out:
        if entry.item_id not in learned:
            known = calibration.get(entry.label_set)
            scaling = TemperatureScaling(known.temperature if known else 1.0, 1)
            (shares,) = scaling.transform([entry.logits])
            rows.append(OutOfFold(run_id, entry.item_id, "held_out", tuple(shares.tolist())))
    return rows


def carried_over(run_id: str, source: RunDir | None, learned: Collection[str]) -> list[OutOfFold]:
    """Return what the base model alone said of the items that an adapter has learned from.

    Args:
        source: The run whose artifact holds that adapter; None for no adapter.
    """
    rows = OUT_OF_FOLD.read(source.out_of_fold_path) if source is not None else []
    return [
        OutOfFold(run_id, row.item_id, row.basis, row.probabilities)
        for row in rows
        if row.basis == "base_model" and row.item_id in learned
    ]


def base_model_rows(
    context: RunContext, model: EciModel, entries: Sequence[ItemQuestion], *, batch_size: int
) -> list[OutOfFold]:
    """Fit heads on the base model alone, and let each judge the fold that it was not fitted on.

    Args:
        model: With an adapter, which is left out of its computation meanwhile.
        entries: The items that the adapter has learned from.

    Raises:
        Stopped: The run was asked to stop meanwhile.
    """
    by_set: dict[str, list[ItemQuestion]] = {}
    for entry in entries:
        if not entry.item.is_several:  # suspects are judged by one label an item
            by_set.setdefault(entry.item.label_set, []).append(entry)
    rows: list[OutOfFold] = []
    with model.model.disable_adapter():
        for members in by_set.values():
            rows += _of_label_set(context, model, members, batch_size)
    return rows


def _of_label_set(
    context: RunContext, model: EciModel, entries: Sequence[ItemQuestion], batch_size: int
) -> list[OutOfFold]:
    items = [entry.item for entry in entries]
    groups = item_groups(entries)
    y = [item.labels.index(item.label) for item in items]
    if not is_enough(groups, y, NUM_FOLDS):
        return []

    def update(done: int, total: int) -> None:
        context.report_message(f"Judging training labels with the base model: {done} of {total}.")
        context.check_stop()

    questions = [entry.question for entry in entries]
    given = model.features(questions, batch_size=batch_size, progress=update)
    states, scores = stack(given)
    label_set = questions[0].label_set
    folds = out_of_fold(y, groups, num_folds=NUM_FOLDS)
    logits = cross_validate(states, scores, y, is_options=label_set.is_options, folds=folds).logits
    held_out = [
        HeldOut(item.item_id, item.label_set, tuple(row[: len(item.labels)].tolist()))
        for item, row in zip(items, logits, strict=True)
    ]
    gold = {item.item_id: place for item, place in zip(items, y, strict=True)}
    rows = held_out_rows(context.run_dir.run_id, held_out, calibrate(held_out, gold), ())
    return [OutOfFold(row.run_id, row.item_id, "base_model", row.probabilities) for row in rows]


def is_enough(groups: Sequence[str], y: Sequence[int], num_folds: int) -> bool:
    """Return whether heads can be fitted out of fold on items of these groups and labels."""
    return (
        len(groups) >= MIN_ITEMS_PER_FOLD * num_folds
        and len(set(groups)) >= num_folds
        and len(np.unique(y)) > 1
    )
