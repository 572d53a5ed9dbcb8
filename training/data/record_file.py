"""The records of a run as a file: which items it learned from, with which shots, and held out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from db.arrow_tables import SCHEMAS
from db.retraining.lineage import Fold, TrainingRecord
from training.data.dataset import Record, TrainingData
from training.run.parquet_files import read_rows, write_rows
from training.run.run_dir import RunDir

_SCHEMA = SCHEMAS["incoming_training_record"]


def write_records(run_dir: RunDir, data: TrainingData) -> None:
    """Write down what a run is about to learn from and to hold out."""
    entries = [*_entries(run_dir.run_id, data.train, "train")]
    write_training_records(run_dir, [*entries, *_entries(run_dir.run_id, data.dev, "dev")])


def write_training_records(run_dir: RunDir, records: Iterable[TrainingRecord]) -> None:
    """Write records as Parquet; the file appears only when it is complete."""
    write_rows(run_dir.records_path, [asdict(record) for record in records], _SCHEMA)


def read_training_records(run_dir: RunDir) -> list[TrainingRecord]:
    """Read the records of a run; none where it left no file, as prediction runs do.

    Raises:
        RunDirError: The file cannot be read.
    """
    rows = read_rows(run_dir.records_path, _SCHEMA)
    return [TrainingRecord(**{**row, "shot_item_ids": tuple(row["shot_item_ids"])}) for row in rows]


def _entries(run_id: str, records: Iterable[Record], fold: Fold) -> Iterable[TrainingRecord]:
    for record in records:
        shown = tuple(shot.question.question_id for shot in record.shots)
        yield TrainingRecord(
            run_id, record.item_id, record.num_shots, record.option_order, fold, shown
        )
