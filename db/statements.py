"""SQL statements, one a file in ``db/sql``, and several that hold together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files

import duckdb
from duckdb import DuckDBPyConnection


@cache
def load_sql(name: str) -> str:
    """Return the statement in ``sql/<name>.sql``."""
    return files("db").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def whole(cur: DuckDBPyConnection) -> Iterator[None]:
    """Run a block in one transaction: committed at the end, undone on any exception."""
    try:
        cur.begin()
        yield
        cur.commit()
    except BaseException:
        # DuckDB has already rolled back where the commit failed, or lost the file.
        with suppress(duckdb.TransactionException, duckdb.FatalException):
            cur.rollback()
        raise
