"""What heads say of training items that they were not fitted on, kept with the run.

Only such probabilities can show that a gold label is wrong. Three cases:

- The head of a run was fitted without the item's fold, and the rest of the model never saw the item
  (``held_out``): its own probabilities.
- The adapter has learned from the item: its states repeat the label that it was given, and a head
  fitted on other folds reads it from them. So the item gets a head on the base model alone, fitted
  without the item's fold (``base_model``, see ``training.joint.base_heads``). A weaker model, but
  one that has not seen the label.
- A later run on the same adapter takes these over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from db.retraining.out_of_fold import OutOfFold
from eci.model.artifact import CalibrationInfo
from eci.statistics.calibration import TemperatureScaling
from training.evaluation.held_out import HeldOut
from training.run.result_tables import OUT_OF_FOLD
from training.run.run_dir import RunDir

NUM_FOLDS: Final = 5
MIN_ITEMS_PER_FOLD: Final = 4
"""Of fewer training items for each fold no head can be fitted that says anything."""


def held_out_rows(
    run_id: str,
    held_out: Iterable[HeldOut],
    calibration: Mapping[str, CalibrationInfo],
    learned: Collection[str],
    several: Collection[str] = (),
) -> list[OutOfFold]:
    """Return the calibrated probabilities of held-out logits.

    Args:
        several: Label sets of which several labels may be right: each has its own probability.
        learned: Items that the adapter has learned from: they are left out.
    """
    rows = []
    for entry in held_out:
        if entry.item_id not in learned:
            known = calibration.get(entry.label_set)
            scaling = TemperatureScaling(known.temperature if known else 1.0, 1)
            if entry.label_set in several:
                probabilities = scaling.transform([(0.0, logit) for logit in entry.logits])[:, 1]
            else:
                (probabilities,) = scaling.transform([entry.logits])
            rows.append(OutOfFold(run_id, entry.item_id, "held_out", tuple(probabilities.tolist())))
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


def is_enough(groups: Sequence[str], y: Sequence[int], num_folds: int) -> bool:
    """Return whether heads can be fitted out of fold on items of these groups and labels."""
    return (
        len(groups) >= MIN_ITEMS_PER_FOLD * num_folds
        and len(set(groups)) >= num_folds
        and len(np.unique(y)) > 1
    )
