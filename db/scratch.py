"""Tables in memory, next to the database file, for as long as it is open."""

from __future__ import annotations

from importlib.resources import files

from duckdb import DuckDBPyConnection


def attach(connection: DuckDBPyConnection) -> None:
    """Return a connection the empty tables; all its cursors share them and they end with it."""
    connection.execute("attach if not exists ':memory:' as scratch (compress)")
    connection.execute(files("db").joinpath("scratch.sql").read_text(encoding="utf-8"))
