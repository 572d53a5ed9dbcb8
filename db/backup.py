"""A complete copy of the database file, made while it is closed, or open in another process."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

import duckdb

from db import open_mark
from db.errors import DatabaseOpenError

_HEADERS_BYTES: Final = 3 * 4096
"""DuckDB's file begins with three headers; the newer of the last two names what is in use."""
_TRIES: Final = 20


def copy_database(path: Path, target: Path) -> None:
    """Write what is saved in a database to a new file, as of one moment.

    Never of a file that this process has open: see ``db/connection.py``.

    Args:
        target: Replaced if it exists; incomplete after an error.

    Raises:
        DatabaseOpenError: There is no such database, or it cannot be read.
        OSError: The copy cannot be written.
    """
    try:
        copy_files(path, target)
        _fold_log(target, path)
    except duckdb.Error as error:
        raise DatabaseOpenError(
            f"The database {path} was not copied: {str(error).splitlines()[0]}. If the disk of the "
            "copy is full, free space there; else the database is damaged: restore an earlier copy."
        ) from error
    finally:
        for log in open_mark.log_paths(target):
            log.unlink(missing_ok=True)


def copy_files(path: Path, target: Path) -> None:
    """Copy a database with its logs, as of one moment; they lie next to the copy.

    The log is copied first, then the file, which is written to in place only at a checkpoint, and
    this changes a header: then both are copied again.

    Raises:
        DatabaseOpenError: There is no such database, or it is written to all the time.
        OSError: The copy cannot be written.
    """
    if not path.is_file():
        raise DatabaseOpenError(
            f"There is no database {path} to copy. Set LLAMACARE_HOME to the folder that holds it."
        )
    for _ in range(_TRIES):
        if _copy_both(path, target):
            return
    raise DatabaseOpenError(
        f"The database {path} was not copied in {_TRIES} tries: it was written to all the time. "
        "Try again when less is imported, or close the app first."
    )


def _copy_both(path: Path, target: Path) -> bool:
    """Copy logs and file, and return whether they belong together."""
    before = _read_state(path)
    for log, copy in zip(open_mark.log_paths(path), open_mark.log_paths(target), strict=True):
        with suppress(FileNotFoundError):
            shutil.copyfile(log, copy)
    shutil.copyfile(path, target)
    return _read_state(path) == before


def _read_state(path: Path) -> tuple[bytes, list[int | None]]:
    """Read what every checkpoint changes: the headers, and which files the logs are."""
    with path.open("rb") as file:
        headers = file.read(_HEADERS_BYTES)
    logs = open_mark.log_paths(path)
    return headers, [log.stat().st_ino if log.exists() else None for log in logs]


def _fold_log(copy: Path, path: Path) -> None:
    """Move the log of a copy into it, and read all of it once: a damaged one is no backup."""
    had_log = open_mark.has_log(copy)
    with duckdb.connect(str(copy)) as connection:
        open_mark.check(connection, path, had_log=had_log)
        open_mark.clear(connection)
        connection.execute("force checkpoint")
        for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
            connection.execute(f'select bit_xor(hash(copied)) from "{table}" as copied')  # noqa: S608
