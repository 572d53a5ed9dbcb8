"""Files out of the store: items, labels of record, annotations, predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.content.runs import get_run
from db.copied_reads import read_aside
from db.errors import ExportError
from db.exporters.files import write_csv, write_jsonl, write_parquet
from db.exporters.huggingface import is_unchanged_export, write_huggingface
from db.exporters.label_studio import write_label_studio
from db.exporters.scope import ExportScope
from db.exporters.targets import file_target, folder_target
from db.statements import load_sql
from db.viewer import Viewer

ExportKind = Literal["items", "labels", "annotations", "corrections", "predictions"]
TableFormat = Literal["jsonl", "csv", "parquet"]
ExportFormat = Literal["jsonl", "csv", "parquet", "huggingface", "label_studio"]
EXPORT_KINDS: Final[tuple[ExportKind, ...]] = get_args(ExportKind)
TABLE_FORMATS: Final[tuple[TableFormat, ...]] = get_args(TableFormat)
EXPORT_FORMATS: Final[tuple[ExportFormat, ...]] = get_args(ExportFormat)

_BATCH_ROWS = 2_000
_EVERYTHING: Final = ExportScope()


def export_file(
    cur: DuckDBPyConnection,
    kind: ExportKind,
    file_format: ExportFormat,
    path: Path,
    viewer: Viewer,
    *,
    run_id: str | None = None,
    scope: ExportScope = _EVERYTHING,
    is_shared: bool = False,
) -> int:
    """Write the rows of one kind to a file and give their number; but those of hidden items.

    Rows leave DuckDB in batches, so that memory stays flat however large the store is. DuckDB's own
    COPY is not used: the connection has no access to files.

    Args:
        cur: A cursor of its own; the rows are those of one moment.
        kind: ``"items"`` can be imported again; ``"labels"`` are the labels of record with what
            reviewers say; ``"annotations"`` is the whole history with names, retractions too;
            ``"corrections"`` what people changed and what stands of it.
        file_format: JSON lines and Parquet keep lists; CSV writes them as JSON text, and puts an
            apostrophe before texts that a spreadsheet would take for a formula. Annotations also as
            ``"huggingface"``, a dataset folder, and ``"label_studio"``, one task an item with what
            stands of each reviewer and phase.
        path: An ordinary file there is replaced once the new one is complete. For
            ``"huggingface"`` a folder, which replaces an earlier export that nobody changed.
        run_id: For predictions: only those of this run; all runs when None. For Label Studio: the
            run whose labels are the tasks' predictions; none when None.
        scope: Which rows; all that are not hidden by default.
        is_shared: Others work in this process meanwhile: a child process reads a copy of the store
            and writes the file.

    Returns:
        Rows, for Label Studio tasks.

    Raises:
        ExportError: The kind has no such format, or nothing can be written there; what was
            there is unchanged.
        RunNotFoundError: There is no such run.
    """
    if file_format not in formats_of(kind):
        raise ExportError(
            f"{kind!r} cannot be exported as {file_format!r}: it can be one of "
            f"{list(formats_of(kind))}. Annotations have every format."
        )
    statement = file_format if file_format == "label_studio" else kind
    needs_run = kind == "predictions" or file_format == "label_studio"
    parameters: dict[str, Any] = {"viewer": viewer.parameter}
    if run_id is not None:
        get_run(cur, run_id)
    if needs_run:
        parameters["run_id"] = run_id
    narrowed, limits = scope.narrow(statement, load_sql(f"export_{statement}"))
    target = (
        folder_target(path, cur, is_earlier=is_unchanged_export)
        if file_format == "huggingface"
        else file_target(path, cur)
    )
    with target as partial:
        asked = (narrowed, parameters | limits, file_format, partial)
        return read_aside(cur, _write_rows, *asked) if is_shared else _write_rows(cur, *asked)


def formats_of(kind: ExportKind) -> tuple[ExportFormat, ...]:
    """Return the formats that a kind can be exported in."""
    return EXPORT_FORMATS if kind == "annotations" else TABLE_FORMATS


def _write_rows(
    cur: DuckDBPyConnection,
    statement: str,
    parameters: Mapping[str, Any],
    file_format: ExportFormat,
    path: Path,
) -> int:
    rows = cur.sql(statement, params=dict(parameters))
    # Closed after an error too: the file could not be opened again while it is being read.
    with rows.to_arrow_reader(_BATCH_ROWS) as reader:
        return _WRITERS[file_format](reader, path)


_WRITERS: Final[Mapping[ExportFormat, Callable[[pa.RecordBatchReader, Path], int]]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
    "huggingface": write_huggingface,
    "label_studio": write_label_studio,
}
