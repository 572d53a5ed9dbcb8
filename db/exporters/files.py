"""Writing rows to a file as JSON lines, CSV or Parquet, batch by batch."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from db.conversions import from_json
from db.records import LABEL_END, is_label_set, labels_in
from db.spreadsheets import inert_text

JSON_COLUMNS = frozenset({"metadata", "settings", "metrics"})
"""Columns that hold a JSON object as text: nested in JSON lines, left as text elsewhere."""
_LABEL_COLUMNS: Final = frozenset(
    [
        "gold_label",
        "imported_label",
        "label_of_record",
        "label",
        "old_label",
        "answer_label",
        "head_label",
    ]
)
"""Columns of labels: a set of labels is a list in JSON lines, and its JSON text elsewhere."""


def write_jsonl(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write one JSON object a line and give their number; times are ISO 8601 in UTC."""
    num_rows = 0
    with path.open("w", encoding="utf-8") as file:
        for batch in reader:
            for row in batch.to_pylist():
                file.write(json.dumps(_nested(row), ensure_ascii=False, default=_to_text) + "\n")
            num_rows += batch.num_rows
    return num_rows


def write_csv(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write a header and one line a row and give their number; lists are written as JSON.

    No text in it is run by a spreadsheet, see :func:`inert_text`.
    """
    num_rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(reader.schema.names)
        for batch in reader:
            rows = with_label_lists(batch).to_pylist()
            writer.writerows([_cell(value) for value in row.values()] for row in rows)
            num_rows += batch.num_rows
    return num_rows


def write_parquet(reader: pa.RecordBatchReader, path: Path) -> int:
    """Write a Parquet file with the store's own types and give the number of rows."""
    num_rows = 0
    with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(with_label_lists(batch))
            num_rows += batch.num_rows
    return num_rows


def with_label_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows with each set of labels as the JSON text of a list."""
    for place, name in enumerate(batch.schema.names):
        column = batch.column(place)
        if name == "annotated_labels":
            texts: list[Any] = [[_listed(one) for one in row] for row in column.to_pylist()]
        elif name in _LABEL_COLUMNS and pc.any(pc.match_substring(column, LABEL_END)).as_py():
            texts = [_listed(label) for label in column.to_pylist()]
        else:
            continue
        batch = batch.set_column(place, batch.schema.field(place), pa.array(texts, column.type))
    return batch


def _listed(label: str | None) -> str | None:
    return json.dumps(labels_in(label), ensure_ascii=False) if is_label_set(label) else label


def _to_text(value: Any) -> str:
    if isinstance(value, datetime):
        # The store holds UTC without a zone; a reader of the file must not have to know that.
        return value.isoformat() + "Z"
    raise TypeError(f"Cannot write {value!r} of type {type(value).__name__} as JSON.")


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: from_json(value)
        if name in JSON_COLUMNS and value is not None
        else [*labels_in(value)]
        if name in _LABEL_COLUMNS and is_label_set(value)
        else value
        for name, value in row.items()
    }


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return inert_text(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_to_text)
    return _to_text(value) if isinstance(value, datetime) else value
