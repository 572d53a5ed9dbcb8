"""Rows of a run as Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from db.atomic_files import replaced_file
from training.run.json_files import unusable


def write_rows(path: Path, rows: Sequence[dict[str, Any]], schema: pa.Schema) -> None:
    """Write rows; the file appears only when it is complete."""
    with replaced_file(path) as beside:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), beside)


def read_rows(path: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    """Read rows; none where there is no file.

    Raises:
        RunDirError: The file cannot be read.
    """
    if not path.exists():
        return []
    try:
        rows: list[dict[str, Any]] = pq.read_table(path, schema=schema).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise unusable(path, f"cannot be read: {' '.join(str(error).split())}") from error
    return rows
