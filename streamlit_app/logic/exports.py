"""Files for download, built when they are asked for."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from db.connection import Database
from db.exporters import ExportFormat, ExportKind, export_file
from db.exporters.scope import ExportScope
from db.people.permissions import require
from db.review.visibility import view_as

_EVERYTHING: Final = ExportScope()
_MIME_TYPES: Final[dict[str, str]] = {
    "jsonl": "application/jsonl",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
    "json": "application/json",
}
_ENDINGS: Final[dict[ExportFormat, str]] = {"huggingface": "zip", "label_studio": "json"}


def file_name(kind: ExportKind, file_format: ExportFormat) -> str:
    """Return the name of the file for download; a dataset folder comes as a zip file."""
    return f"llamacare-{kind}.{_ending(file_format)}"


def mime_type(file_format: ExportFormat) -> str:
    """Return the MIME type of the file for download."""
    return _MIME_TYPES[_ending(file_format)]


def build_export(
    database: Database,
    kind: ExportKind,
    file_format: ExportFormat,
    run_id: str | None,
    *,
    reviewer_id: str,
    scope: ExportScope = _EVERYTHING,
) -> bytes:
    """Write an export to a temporary file, row by row, and give its content.

    Items that await the blind label of the person who asks are left out.

    Args:
        reviewer_id: Who asks for it.
        scope: What it is narrowed to.

    Raises:
        NotPermittedError: Their role is not open to exports.
    """
    cur = database.cursor()
    require(cur, reviewer_id, "export")
    with tempfile.TemporaryDirectory(prefix="llamacare-export-") as folder:
        path = Path(folder) / f"llamacare-{kind}"
        viewer = view_as(cur, reviewer_id)
        export_file(
            cur, kind, file_format, path, viewer, run_id=run_id, scope=scope, is_shared=True
        )
        if path.is_dir():
            path = Path(shutil.make_archive(str(path), "zip", folder, path.name))
        return path.read_bytes()


def _ending(file_format: ExportFormat) -> str:
    return _ENDINGS.get(file_format, file_format)
