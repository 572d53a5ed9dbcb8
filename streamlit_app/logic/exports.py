"""Files for download, built when they are asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path

from db.connection import Database
from db.exporters import ExportFormat, ExportKind, export_file

KIND_WORDS: dict[ExportKind, str] = {
    "annotations": "Annotations: who said what, when, and what stood before",
    "labels": "Labels of record, with the imported label and what reviewers say",
    "predictions": "Predictions: answers, labels read from them, head labels and probabilities",
    "items": "Items as they were imported (can be imported again)",
}
FORMAT_WORDS: dict[ExportFormat, str] = {
    "jsonl": "JSON lines",
    "csv": "CSV",
    "parquet": "Parquet",
}
MIME_TYPES: dict[ExportFormat, str] = {
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}


def build_export(
    database: Database, kind: ExportKind, file_format: ExportFormat, run_id: str | None
) -> bytes:
    """Write an export to a temporary file, row by row, and give its content."""
    with tempfile.TemporaryDirectory(prefix="llamacare-export-") as folder:
        path = Path(folder) / f"export.{file_format}"
        export_file(database.cursor(), kind, file_format, path, run_id=run_id)
        return path.read_bytes()
