"""A complete copy of the database file, made while it is closed, or open in another process.

A copy is verified after it was written: closed, opened again, its schema compared with that of this
version, and every row read and compared with what was read of it before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from db import migrate, open_mark
from db.atomic_files import placed_file
from db.errors import DatabaseOpenError, RestoreError

_HEADERS_BYTES: Final = 3 * 4096
"""DuckDB's file begins with three headers; the newer of the last two names what is in use."""
_TRIES: Final = 20


def copy_database(path: Path, target: Path) -> None:
    """Write what is saved in a database to a new file, as of one moment, and verify it.

    Never of a file that this process has open: see ``db/connection.py``.

    Args:
        target: Replaced if it exists; incomplete after an error.

    Raises:
        DatabaseOpenError: There is no such database, it cannot be read, or the copy is not what was
            written.
        MigrationError: It is of a newer version of this package.
        OSError: The copy cannot be written.
    """
    try:
        with _explained(path):
            copy_files(path, target)
            written = _fold_log(target, path)
        if verify(target) != written:
            raise DatabaseOpenError(
                f"The copy of {path} is not what was written to it, so it is no backup. Look at "
                "the disk that it was written to, and copy to another one."
            )
    finally:
        for log in open_mark.log_paths(target):
            log.unlink(missing_ok=True)


def verify(path: Path) -> dict[str, object]:
    """Read all of a database file that nobody has open, and return a digest of each table.

    Raises:
        DatabaseOpenError: A part of it cannot be read, or it is no database of this product.
        MigrationError: Its schema does not fit: it is of a newer version, for example.
    """
    with _explained(path), duckdb.connect(str(path), read_only=True) as connection:
        migrate.pending(connection)
        if not migrate.applied(connection):
            raise DatabaseOpenError(
                f"{path} is no database of this product: no migration was ever applied to it. Name "
                "a file that `python -m db backup` wrote."
            )
        return _digest(connection)


def restore_database(backup: Path, path: Path, check: Callable[[Path], None]) -> None:
    """Write a verified copy of a backup to where the database is to be; nothing is replaced.

    Args:
        backup: Made by :func:`copy_database`, or copied by hand with its log; stays as it is.
        check: Called with the copy before it is in its place; raises to refuse it.

    Raises:
        DatabaseOpenError: It cannot be read, or lacks its log.
        MigrationError: It is of a newer version of this package.
        RestoreError: A database is there, or a part of one, or the disk refused.
    """
    _refuse_where_occupied(backup, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with placed_file(path) as partial:
            copy_database(backup, partial)
            check(partial)
    except OSError as error:
        _refuse_where_occupied(backup, path)  # which it may be by now
        raise RestoreError(
            f"{backup} was not restored: {os.strerror(error.errno or 0)}. Free space, or give "
            f"access, in {path.parent}, and try again."
        ) from error


def _refuse_where_occupied(backup: Path, path: Path) -> None:
    parts = (path, *open_mark.log_paths(path), open_mark.sessions_path(path))
    if found := [part.name for part in parts if part.exists()]:
        raise RestoreError(
            f"{backup} was not restored: {path.parent} has {', '.join(found)}, and nothing is "
            "overwritten. Stop the app, move what is named to another folder, and try again."
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise DatabaseOpenError(
            f"The database {path} was not copied: {str(error).splitlines()[0]}. If the disk of the "
            "copy is full, free space there; else the database is damaged: restore an earlier copy."
        ) from error


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
        "Try again when less is imported."
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


def _fold_log(copy: Path, path: Path) -> dict[str, object]:
    """Move the log of a copy into it, and return a digest of each table."""
    had_log = open_mark.has_log(copy)
    with duckdb.connect(str(copy)) as connection:
        open_mark.check(connection, path, had_log=had_log)
        open_mark.clear(connection)
        written = _digest(connection)
        connection.execute("force checkpoint")
    return written


def _digest(connection: DuckDBPyConnection) -> dict[str, object]:
    """Read every row: DuckDB compares the checksum of each block on the way."""
    tables = connection.execute("select table_name from duckdb_tables()").fetchall()
    return {
        table: connection.execute(
            f'select count(*), bit_xor(hash(copied)) from "{table}" as copied'  # noqa: S608
        ).fetchone()
        for (table,) in tables
    }
