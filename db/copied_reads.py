"""Long reads for a batch, done on a copy of the database by a child process of low priority.

DuckDB's threads in this process would compete with every save for the same cores for as long as
the read takes. A copy takes a moment, and what is read from it is what was saved at that moment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from db import child_process, scratch
from db.backup import copy_files
from db.errors import DatabaseOpenError
from db.statements import load_sql

_ROW_BYTES: Final = 1_000
"""About what an item, an answer or an annotation takes."""

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def read_aside(
    cur: DuckDBPyConnection,
    function: Callable[Concatenate[DuckDBPyConnection, _Parameters], _Result],
    *arguments: _Parameters.args,
    **named: _Parameters.kwargs,
) -> _Result:
    """Execute a function that only reads the database, with a connection to a copy of it.

    A database with little in it, or in memory, is read at once through the cursor that is given.

    Args:
        cur: Of the database. What its transaction has written itself is not in a copy.
        function: Of a module; called in the child process. What it is given and what it returns
            are pickled, and should be small.

    Raises:
        ChildProcessFailedError: The child ended before it answered.
        DatabaseOpenError: The copy could not be made, or not be read.
        OSError: There is no space for the copy.
    """
    path, is_read_at_once = _describe(cur)
    if path is None or is_read_at_once:
        return function(cur, *arguments, **named)
    with (
        tempfile.TemporaryDirectory(prefix="llamacare-copy-") as folder,
        child_process.child_process() as call,
    ):
        result: _Result = call(_read_copy, path, Path(folder), function, *arguments, **named)
        return result


def is_small(cur: DuckDBPyConnection) -> bool:
    """Return whether :func:`read_aside` reads at once: there is little, or it is in memory."""
    return _describe(cur)[1]


def _describe(cur: DuckDBPyConnection) -> tuple[Path | None, bool]:
    # All of it is fetched: a result that is left open would lock the cursor.
    ((path, num_rows),) = cur.execute(load_sql("store_size")).fetchall()
    is_little = num_rows * _ROW_BYTES < child_process.SMALL_BYTES
    return (None, True) if path is None else (Path(path), is_little)


def _read_copy(
    path: Path, folder: Path, function: Callable[..., Any], *arguments: Any, **named: Any
) -> Any:
    copy = folder / path.name
    copy_files(path, copy)
    # One thread, so that the other cores stay free; not closed, for the process ends with it.
    connection = duckdb.connect(config={"threads": 1, "temp_directory": str(folder)})
    try:
        quoted = str(copy).replace("'", "''")
        connection.execute(f"attach '{quoted}' as copied (read_only)")
        connection.execute("use copied")
        scratch.attach(connection)
        connection.execute("set enable_progress_bar = false")
        connection.execute("set enable_external_access = false")
        return function(connection, *arguments, **named)
    except duckdb.Error as error:
        raise DatabaseOpenError(
            f"A copy of the database {path} could not be read: {str(error).splitlines()[0]}. If "
            f"the disk that holds {folder.parent} is full, free space there; else the database is "
            "damaged: restore an earlier copy."
        ) from error
