"""The Parquet tables of a run directory: predictions, training records, out-of-fold rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from db.arrow_tables import SCHEMAS
from db.atomic_files import replaced_file
from db.records import Prediction
from db.retraining.lineage import TrainingRecord
from db.retraining.out_of_fold import OutOfFold
from training.run.json_files import invalid, unusable

Row = TypeVar("Row")


@dataclass(frozen=True)
class ResultTable(Generic[Row]):
    """One table of a run: a dataclass whose instances are its rows, and its columns.

    Attributes:
        is_required: Without its file the run is damaged; otherwise it has no rows then.
    """

    row_type: type[Row]
    schema: pa.Schema
    is_required: bool = False

    def write(self, path: Path, rows: Iterable[Row]) -> None:
        """Write rows; the file appears only when it is complete."""
        table = pa.Table.from_pylist([vars(row) for row in rows], schema=self.schema)
        with replaced_file(path) as partial:
            pq.write_table(table, partial)

    def read(self, path: Path) -> list[Row]:
        """Read the rows of the run whose directory holds the file.

        Raises:
            RunDirError: The file is missing though it is required, cannot be read, or holds a row
                that is not valid or belongs to another run.
        """
        if not self.is_required and not path.exists():
            return []
        if path.exists() and not path.is_file():
            raise unusable(path, "is no ordinary file")
        try:
            table = pq.read_table(path).select(self.schema.names).cast(self.schema)
            rows = TypeAdapter(list[self.row_type]).validate_python(table.to_pylist())  # type: ignore[name-defined]
        except FileNotFoundError as error:
            raise unusable(path, "is missing") from error
        except ValidationError as error:
            raise invalid(path, error) from error
        except (pa.ArrowException, OSError, KeyError, ValueError, MemoryError) as error:
            raise unusable(path, f"cannot be read: {' '.join(str(error).split())}") from error
        if "run_id" in self.schema.names:
            foreign = set(table["run_id"].to_pylist()) - {path.parent.name}
            if foreign:
                raise unusable(path, f"holds {path.stem} of {sorted(foreign)[:3]}")
        return rows


_PREDICTION_COLUMNS: Final = {entry.name for entry in fields(Prediction)}
PREDICTIONS: Final = ResultTable(
    Prediction,
    pa.schema([c for c in SCHEMAS["incoming_prediction"] if c.name in _PREDICTION_COLUMNS]),
    is_required=True,
)
RECORDS: Final = ResultTable(TrainingRecord, SCHEMAS["incoming_training_record"])
OUT_OF_FOLD: Final = ResultTable(OutOfFold, SCHEMAS["incoming_out_of_fold"])
