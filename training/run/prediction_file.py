"""``predictions.parquet`` of a run directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from db.arrow_tables import SCHEMAS
from db.atomic_files import replaced_file
from db.records import Prediction
from training.run.json_files import unusable
from training.run.run_dir import RunDir

PREDICTIONS_SCHEMA = pa.schema(
    [
        column
        for column in SCHEMAS["incoming_prediction"]
        if column.name in {entry.name for entry in fields(Prediction)}
    ]
)
"""The columns of ``predictions.parquet``: those of ``db.records.Prediction``."""


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write predictions as Parquet; the file appears only when it is complete."""
    table = pa.Table.from_pylist([asdict(p) for p in predictions], schema=PREDICTIONS_SCHEMA)
    with replaced_file(path) as beside:
        pq.write_table(table, beside)


def read_predictions(run_dir: RunDir) -> list[Prediction]:
    """Read the predictions of a run.

    Raises:
        RunDirError: The file is missing, damaged, or holds predictions of another run.
    """
    path = run_dir.predictions_path
    try:
        table = pq.read_table(path)
        rows = table.select(PREDICTIONS_SCHEMA.names).cast(PREDICTIONS_SCHEMA).to_pylist()
    except FileNotFoundError as error:
        raise unusable(path, "is missing") from error
    except (pa.ArrowException, OSError, KeyError) as error:
        raise unusable(path, f"cannot be read: {' '.join(str(error).split())}") from error
    foreign = {row["run_id"] for row in rows} - {run_dir.run_id}
    if foreign:
        raise unusable(path, f"holds predictions of {sorted(map(str, foreign))[:3]}")
    return [_to_prediction(row) for row in rows]


def _to_prediction(row: dict[str, Any]) -> Prediction:
    probabilities = row.pop("head_probabilities")
    return Prediction(
        **row, head_probabilities=None if probabilities is None else tuple(probabilities)
    )
