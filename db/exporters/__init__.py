"""Files out of the store: items, labels of record, annotations, predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, get_args

from duckdb import DuckDBPyConnection

from db.exporters.files import WRITERS
from db.statements import load_sql

ExportKind = Literal["items", "labels", "annotations", "predictions"]
ExportFormat = Literal["jsonl", "csv", "parquet"]
EXPORT_KINDS: Final[tuple[ExportKind, ...]] = get_args(ExportKind)
EXPORT_FORMATS: Final[tuple[ExportFormat, ...]] = get_args(ExportFormat)

_BATCH_ROWS = 2_000


def export_file(
    cur: DuckDBPyConnection,
    kind: ExportKind,
    file_format: ExportFormat,
    path: Path,
    *,
    run_id: str | None = None,
) -> int:
    """Write all rows of one kind to a file and give their number.

    Rows leave DuckDB in batches, so that memory stays flat however large the store is. DuckDB's own
    COPY is not used: the connection has no access to files.

    Args:
        cur: A cursor of its own; the rows are those of one moment.
        kind: ``"items"`` can be imported again; ``"labels"`` are the labels of record with what
            reviewers say; ``"annotations"`` is the whole history with names, retractions too.
        file_format: JSON lines and Parquet keep lists; CSV writes them as JSON text.
        path: Replaced where it exists.
        run_id: For predictions: only those of this run; all runs when None.
    """
    parameters = {"run_id": run_id} if kind == "predictions" else {}
    rows = cur.sql(load_sql(f"export_{kind}"), params=parameters)
    return WRITERS[file_format](rows.to_arrow_reader(_BATCH_ROWS), path)
