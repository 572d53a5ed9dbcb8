"""Logits of items that a head had not seen: all that calibration may use, kept with the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from eci.model.artifact import CalibrationInfo
from eci.statistics.calibration import TemperatureScaling
from training.errors import DataError, RunDirError
from training.run.result_tables import ResultTable

MIN_CALIBRATION_ITEMS = 20
"""A handful of items would give any temperature: three that happen to be wrong make every answer a
coin toss. A label set with fewer keeps its logits as they are."""


@dataclass(frozen=True)
class HeldOut:
    """The logits of one item from a head that was not fitted on it, one for each of its labels."""

    item_id: str
    label_set: str
    logits: tuple[float, ...]


HELD_OUT: Final = ResultTable(
    HeldOut,
    pa.schema(
        [
            ("item_id", pa.string()),
            ("label_set", pa.string()),
            ("logits", pa.list_(pa.float64())),
        ]
    ),
    is_required=True,
)


def read_held_out(path: Path) -> list[HeldOut]:
    """Read the table ``HELD_OUT`` of an earlier run.

    Raises:
        DataError: The run has none: it did not finish, or an older version made it.
    """
    try:
        return HELD_OUT.read(path)
    except RunDirError as error:
        raise DataError(
            f"There are no held-out logits to calibrate on. {error} Or recalibrate another run "
            "that finished, or refit the head."
        ) from error


def calibrate(entries: Sequence[HeldOut], gold: Mapping[str, int]) -> dict[str, CalibrationInfo]:
    """Fit one temperature for each label set.

    Args:
        entries: Items without an entry in ``gold`` are passed over.
        gold: Item id -> position of its gold label among its labels.
    """
    by_set: dict[str, list[HeldOut]] = {}
    for entry in entries:
        if entry.item_id in gold:
            by_set.setdefault(entry.label_set, []).append(entry)
    return {
        name: CalibrationInfo(
            temperature=TemperatureScaling.fit(
                _even(members), [gold[entry.item_id] for entry in members]
            ).temperature,
            num_items=len(members),
        )
        for name, members in by_set.items()
        if len(members) >= MIN_CALIBRATION_ITEMS
    }


def _even(entries: Sequence[HeldOut]) -> list[list[float]]:
    """Return every row the same width: an item with fewer options has ``-inf`` for the others."""
    width = max(len(entry.logits) for entry in entries)
    return [[*e.logits, *[float("-inf")] * (width - len(e.logits))] for e in entries]
