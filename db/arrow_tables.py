"""Handing many rows to DuckDB at once: an Arrow table that a statement reads by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.errors import InvalidTextError

_KINDS: Final = {
    "texts": pa.list_(pa.string()),
    "doubles": pa.list_(pa.float64()),
    "int32s": pa.list_(pa.int32()),
    "sections": pa.list_(pa.struct([("heading", pa.string()), ("text", pa.string())])),
    "options": pa.list_(pa.struct([("label", pa.string()), ("text", pa.string())])),
}


def schema_of(columns: str) -> pa.Schema:
    """Return columns by their names; what is no text has its kind or Arrow's type after a colon."""
    parts = (column.partition(":") for column in columns.split())
    return pa.schema(
        [(name, _KINDS.get(kind) or pa.type_for_alias(kind or "string")) for name, _, kind in parts]
    )


SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "incoming_item": schema_of(
        "item_id source question context:sections label_set labels:texts options:options "
        "gold_label long_answer split metadata origin content_hash created_at:timestamp[us] "
        "is_several:bool"
    ),
    "incoming_prediction": schema_of(
        "run_id item_id answer answer_label answer_form answer_start:int32 answer_end:int32 "
        "is_finished:bool head_label head_probabilities:doubles head_confidence:double "
        "head_margin:double prompt_tokens:int32 answer_tokens:int32 latency_seconds:double"
    ),
    "incoming_label": schema_of(
        "annotation_id item_id reviewer_id label labels:texts phase verdicts:texts note "
        "duration_seconds:double created_at:timestamp[us] client_at:timestamp[us] action "
        "run_id old_label old_answer answer severity confidence span_text span_start:int32 "
        "span_end:int32 presentation is_flagged:bool is_fast:bool guideline_version "
        "retracted_annotation_id"
    ),
    "incoming_queue_draw": schema_of(
        "stratum stratum_rank:int64 item_id draw_size:double draw_threshold:double "
        "inclusion_probability:double"
    ),
    "incoming_queue_share": schema_of("item_id reviewer_id"),
    "incoming_place": schema_of("item_id place"),
    "incoming_training_record": schema_of(
        "run_id item_id num_shots:int32 option_order:int32 fold shot_item_ids:texts"
    ),
    "incoming_out_of_fold": schema_of("run_id item_id basis probabilities:doubles"),
    "incoming_snapshot_correction": schema_of("snapshot_id correction_id item_id"),
    "incoming_snapshot_item_version": schema_of("snapshot_id item_id version:int32"),
    "incoming_queue_item": schema_of("item_id"),
    "incoming_target": schema_of("item_id label"),
    "incoming_reading": schema_of(
        "run_id item_id label form start_index:int32 end_index:int32 is_finished:bool "
        "reader_version"
    ),
    "incoming_correctness": schema_of("item_id probability:double is_learned:bool seconds:double"),
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
