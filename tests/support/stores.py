"""Empty stores: migrated once in a process, a copy of that file for each test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from db.connection import Database
from db.paths import database_path


def lay_store(path: Path | None = None) -> Path:
    """Write the file of an empty store: that of the app's home where none is named."""
    path = path or database_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_migrated_file())
    return path


def open_store(path: Path | None = None) -> Database:
    """Return an open, empty store in a new file: that of the app's home where none is named."""
    return Database.open(lay_store(path))


@cache
def _migrated_file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.duckdb"
        Database.open(path).close()
        return path.read_bytes()
