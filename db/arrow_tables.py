"""Handing many rows to DuckDB at once: an Arrow table that a statement reads by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.errors import InvalidTextError

_PAIRS = {
    "context": pa.list_(pa.struct([("heading", pa.string()), ("text", pa.string())])),
    "options": pa.list_(pa.struct([("label", pa.string()), ("text", pa.string())])),
}
_TIMESTAMP = pa.timestamp("us")

SCHEMAS: Mapping[str, pa.Schema] = {
    "incoming_item": pa.schema(
        [
            ("item_id", pa.string()),
            ("source", pa.string()),
            ("question", pa.string()),
            ("context", _PAIRS["context"]),
            ("label_set", pa.string()),
            ("labels", pa.list_(pa.string())),
            ("options", _PAIRS["options"]),
            ("gold_label", pa.string()),
            ("long_answer", pa.string()),
            ("split", pa.string()),
            ("metadata", pa.string()),
            ("origin", pa.string()),
            ("content_hash", pa.string()),
            ("created_at", _TIMESTAMP),
            ("is_several", pa.bool_()),
        ]
    ),
    "incoming_prediction": pa.schema(
        [
            ("run_id", pa.string()),
            ("item_id", pa.string()),
            ("answer", pa.string()),
            ("answer_label", pa.string()),
            ("answer_form", pa.string()),
            ("answer_start", pa.int32()),
            ("answer_end", pa.int32()),
            ("is_finished", pa.bool_()),
            ("head_label", pa.string()),
            ("head_probabilities", pa.list_(pa.float64())),
            ("head_confidence", pa.float64()),
            ("head_margin", pa.float64()),
            ("prompt_tokens", pa.int32()),
            ("answer_tokens", pa.int32()),
            ("latency_seconds", pa.float64()),
        ]
    ),
    "incoming_label": pa.schema(
        [
            ("annotation_id", pa.string()),
            ("item_id", pa.string()),
            ("reviewer_id", pa.string()),
            ("label", pa.string()),
            ("labels", pa.list_(pa.string())),
            ("phase", pa.string()),
            ("verdicts", pa.list_(pa.string())),
            ("note", pa.string()),
            ("duration_seconds", pa.float64()),
            ("created_at", _TIMESTAMP),
            ("client_at", _TIMESTAMP),
            ("action", pa.string()),
            ("run_id", pa.string()),
            ("old_label", pa.string()),
            ("old_answer", pa.string()),
            ("answer", pa.string()),
            ("severity", pa.string()),
            ("confidence", pa.string()),
            ("span_text", pa.string()),
            ("span_start", pa.int32()),
            ("span_end", pa.int32()),
            ("presentation", pa.string()),
            ("is_flagged", pa.bool_()),
            ("is_fast", pa.bool_()),
            ("guideline_version", pa.string()),
            ("retracted_annotation_id", pa.string()),
        ]
    ),
    "incoming_queue_draw": pa.schema(
        [
            ("stratum", pa.string()),
            ("stratum_rank", pa.int64()),
            ("item_id", pa.string()),
            ("draw_size", pa.float64()),
            ("draw_threshold", pa.float64()),
            ("inclusion_probability", pa.float64()),
        ]
    ),
    "incoming_queue_share": pa.schema([("item_id", pa.string()), ("reviewer_id", pa.string())]),
    "incoming_place": pa.schema([("item_id", pa.string()), ("place", pa.string())]),
    "incoming_training_record": pa.schema(
        [
            ("run_id", pa.string()),
            ("item_id", pa.string()),
            ("num_shots", pa.int32()),
            ("option_order", pa.int32()),
            ("fold", pa.string()),
            ("shot_item_ids", pa.list_(pa.string())),
        ]
    ),
    "incoming_out_of_fold": pa.schema(
        [
            ("run_id", pa.string()),
            ("item_id", pa.string()),
            ("basis", pa.string()),
            ("probabilities", pa.list_(pa.float64())),
        ]
    ),
    "incoming_snapshot_correction": pa.schema(
        [("snapshot_id", pa.string()), ("correction_id", pa.string()), ("item_id", pa.string())]
    ),
    "incoming_snapshot_item_version": pa.schema(
        [("snapshot_id", pa.string()), ("item_id", pa.string()), ("version", pa.int32())]
    ),
    "incoming_queue_item": pa.schema([("item_id", pa.string())]),
    "incoming_target": pa.schema([("item_id", pa.string()), ("label", pa.string())]),
    "incoming_reading": pa.schema(
        [
            ("run_id", pa.string()),
            ("item_id", pa.string()),
            ("label", pa.string()),
            ("form", pa.string()),
            ("start_index", pa.int32()),
            ("end_index", pa.int32()),
            ("is_finished", pa.bool_()),
            ("reader_version", pa.string()),
        ]
    ),
    "incoming_correctness": pa.schema(
        [
            ("item_id", pa.string()),
            ("probability", pa.float64()),
            ("is_learned", pa.bool_()),
            ("seconds", pa.float64()),
        ]
    ),
}
"""What each table that a statement may read by name looks like."""


def table_of(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as the table ``name`` of ``SCHEMAS``.

    Raises:
        InvalidTextError: A text holds half of a surrogate pair.
    """
    schema = SCHEMAS[name]
    try:
        columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
    except UnicodeEncodeError as error:
        raise InvalidTextError(
            f"Nothing was stored: the text {ascii(error.object)[:80]} holds half of an emoji or of "
            "another rare character. Remove it and try again."
        ) from error
    return pa.Table.from_arrays(columns, schema=schema)


def save_table(path: Path, table: pa.Table) -> None:
    """Write a table to a file for :func:`open_table`."""
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)


def open_table(path: Path) -> pa.Table:
    """Return a table that :func:`save_table` wrote; its rows stay in the file until read."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


@contextmanager
def incoming(
    cur: DuckDBPyConnection, name: str, rows: Sequence[Mapping[str, Any]] | pa.Table
) -> Iterator[None]:
    """Make rows readable to the cursor's statements as the table ``name`` of ``SCHEMAS``.

    Raises:
        InvalidTextError: A text holds half of a surrogate pair.
    """
    table = rows if isinstance(rows, pa.Table) else table_of(name, rows)
    with incoming_table(cur, name, table):
        yield


@contextmanager
def incoming_table(cur: DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Make an Arrow table readable to the cursor's statements as the table ``name``."""
    # DuckDB refuses to register a table while an earlier result was not read to its end.
    cur.complete()
    cur.register(name, table)
    try:
        yield
    finally:
        cur.complete()
        cur.unregister(name)
