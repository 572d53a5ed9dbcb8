"""SQL statements, one a file in ``db/sql``, and several that hold together or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeVar

import duckdb
from cachetools import LRUCache
from duckdb import DuckDBPyConnection

from db.conversions import from_timestamp, to_timestamp, utc_now

_Record = TypeVar("_Record")
BEGIN_TRANSACTION: Final = "begin transaction"
COMMIT: Final = "commit"
_MAX_BOUND: Final = 64
_PARSED: Final[LRUCache[str, Any]] = LRUCache(1_000)
_PARSING: Final = threading.Lock()


@cache
def load_sql(name: str) -> str:
    """Return the statement in ``sql/<name>.sql``."""
    return files("db").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def execute_parsed(cur: DuckDBPyConnection, sql: str, parameters: Any = None) -> None:
    """Execute a statement, parsing it the first time only: a fifth of the time of a small one.

    The cursor of a transaction does so itself, once it has seen what the statement writes.
    """
    if not isinstance(cur, DuckDBPyConnection):
        cur.execute(sql, parameters)
        return
    with _PARSING:
        if sql not in _PARSED:
            _PARSED[sql] = cur.extract_statements(sql)[0]
        statement = _PARSED[sql]
    cur.execute(statement, parameters)


@contextmanager
def whole(cur: DuckDBPyConnection) -> Iterator[None]:
    """Run a block in one transaction: committed at the end, undone on any exception."""
    with rolled_back_on_error(cur):
        execute_parsed(cur, BEGIN_TRANSACTION)
        yield
        execute_parsed(cur, COMMIT)


@contextmanager
def rolled_back_on_error(cur: DuckDBPyConnection) -> Iterator[None]:
    """Undo the transaction of a block that ends with an exception."""
    try:
        yield
    except BaseException:
        # DuckDB has already rolled back where the commit failed, or lost the file.
        with suppress(duckdb.TransactionException, duckdb.FatalException):
            cur.rollback()
        raise


def append_row(cur: DuckDBPyConnection, statement: str, /, **values: object) -> None:
    """Run a statement that stores values as of this moment, which it names ``created_at``."""
    execute_parsed(cur, load_sql(statement), {**values, "created_at": to_timestamp(utc_now())})


def fetch_records(
    cur: DuckDBPyConnection, kind: Callable[..., _Record], statement: str, /, **bound: object
) -> list[_Record]:
    """Run a statement and make a record of each row; see :func:`record_of`."""
    execute_parsed(cur, load_sql(statement), bound)
    return [record_of(kind, row) for row in cur.fetchall()]


def fetch_record(
    cur: DuckDBPyConnection, kind: Callable[..., _Record], statement: str, /, **bound: object
) -> _Record | None:
    """Run a statement and make a record of its first row; None where there is none."""
    row = fetch_row(cur, statement, **bound)
    return record_of(kind, row) if row else None


def fetch_column(cur: DuckDBPyConnection, statement: str, /, **bound: object) -> list[Any]:
    """Run a statement and return the first value of each row."""
    execute_parsed(cur, load_sql(statement), bound)
    return [row[0] for row in cur.fetchall()]


def fetch_row(cur: DuckDBPyConnection, statement: str, /, **bound: object) -> tuple[Any, ...]:
    """Run a statement and return its first row, empty where there is none."""
    execute_parsed(cur, load_sql(statement), bound)
    return cur.fetchone() or ()


def fetch_value(
    cur: DuckDBPyConnection, kind: Callable[[Any], _Record], statement: str, /, **bound: object
) -> _Record | None:
    """Run a statement and convert its first value; None where it is null or there is no row."""
    (value, *_) = fetch_row(cur, statement, **bound) or (None,)
    return None if value is None else kind(value)


def record_of(kind: Callable[..., _Record], row: Sequence[Any]) -> _Record:
    """Make a record of a row, by the order of its columns.

    Moments come as aware UTC times, lists as tuples.
    """
    return kind(*map(_from_column, row))


def _from_column(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_from_column, value))
    return from_timestamp(value) if isinstance(value, datetime) else value


def execute_for(
    cur: DuckDBPyConnection, name: str, item_ids: Sequence[str], **bound: object
) -> Iterator[tuple[Any, ...]]:
    """Run a statement that says ``in ($item_ids)`` and yield its rows, for some items at a time.

    Each item is a parameter of its own: DuckDB looks such values up in an index, and scans the
    whole table for those of a list.
    """
    for start in range(0, len(item_ids), _MAX_BOUND):
        named = {f"item_{at}": one for at, one in enumerate(item_ids[start : start + _MAX_BOUND])}
        execute_parsed(cur, _load_sql_for(name, len(named)), {**bound, **named})
        yield from cur.fetchall()


@cache
def _load_sql_for(name: str, num_items: int) -> str:
    each = ", ".join(f"$item_{at}" for at in range(num_items))
    return load_sql(name).replace("in ($item_ids)", f"in ({each})")
