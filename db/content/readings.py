"""Labels that our own reader found in answers: cached here, filled by code above this package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming, table_of
from db.content.label_sets import set_label
from db.records import LabelSet, Option
from db.statements import load_sql

_BATCH_ROWS: Final = 2_000


@dataclass(frozen=True)
class UnreadAnswer:
    """An answer still to be read, with what its reader needs to know of its labels."""

    run_id: str
    item_id: str
    answer: str
    label_set: str
    labels: tuple[str, ...]
    options: tuple[Option, ...]
    answer_label: str | None
    """The label that the run's own makers read, None where they read none."""
    is_several: bool = False
    """Whether several labels may be right: what is read is a set of labels."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By label, what else gives it, where its label set says so."""


@dataclass(frozen=True)
class AnswerReading:
    """What the reader found: ``answer[start_index:end_index]`` decided the label."""

    run_id: str
    item_id: str
    label: str | None
    form: str
    start_index: int | None
    end_index: int | None
    is_finished: bool
    reader_version: str


def find_unread(
    cur: DuckDBPyConnection, reader_version: str, limit: int | None = None
) -> Iterator[pa.Table]:
    """Yield answers that neither their run nor this version of the reader has read, in tables.

    Each is for :func:`unread_answers`; memory stays flat.

    Args:
        limit: Of all of them.
    """
    parameters = {"reader_version": reader_version, "limit": limit}
    found = cur.sql(load_sql("reading_list_unread"), params=parameters)
    with found.to_arrow_reader(_BATCH_ROWS) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def unread_answers(table: pa.Table) -> list[UnreadAnswer]:
    """Return the answers of a table that ``find_unread`` returned."""
    return [_unread(row) for row in table.to_pylist()]


def reading_table(rows: Iterable[AnswerReading]) -> pa.Table:
    """Return readings as the table that ``add_readings`` stores."""
    return table_of("incoming_reading", [asdict(row) for row in rows])


def add_readings(cur: DuckDBPyConnection, readings: pa.Table) -> int:
    """Store readings, replacing those of an older version. The caller owns the transaction."""
    with incoming(cur, "incoming_reading", readings):
        cur.execute(load_sql("reading_insert"))
    return int(readings.num_rows)


def _unread(row: dict[str, Any]) -> UnreadAnswer:
    known = row.pop("set_labels") or ()
    return UnreadAnswer(
        **{
            **row,
            "labels": tuple(row["labels"]),
            "options": tuple(Option(part["label"], part["text"]) for part in row["options"]),
            "aliases": LabelSet(row["label_set"], tuple(map(set_label, known))).aliases,
        }
    )
