"""Numbered, forward-only migrations: which are pending, which are applied, and applying them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

from db.conversions import to_timestamp, utc_now
from db.errors import MigrationError
from db.statements import whole

_CREATE_RECORD_TABLE = """
create table if not exists migration (
    number integer primary key, name varchar not null, checksum varchar not null,
    applied_at timestamp not null
)
"""
_HAS_RECORD_TABLE = "select count(*) from duckdb_tables() where table_name = 'migration'"


@dataclass(frozen=True)
class Migration:
    """One migration file; ``checksum`` is the SHA-256 of its text."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@cache
def shipped_migrations() -> tuple[Migration, ...]:
    """Return the migrations of this version of the package, in order."""
    found = [
        Migration(int(entry.name[:4]), entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in files("db").joinpath("migrations").iterdir()
        if entry.name.endswith(".sql")
    ]
    return tuple(sorted(found, key=lambda migration: migration.number))


def applied(cur: DuckDBPyConnection) -> dict[int, tuple[str, str]]:
    """Return the applied migrations: number to name and checksum. Empty for a new database."""
    row = cur.execute(_HAS_RECORD_TABLE).fetchone()
    if row is None or row[0] == 0:
        return {}
    rows = cur.execute("select number, name, checksum from migration").fetchall()
    return {number: (name, checksum) for number, name, checksum in rows}


def pending(
    cur: DuckDBPyConnection, migrations: tuple[Migration, ...] | None = None
) -> list[Migration]:
    """Return the migrations still to apply, in order.

    Raises:
        MigrationError: The database was written by a newer version, or an applied file was edited.
    """
    shipped = shipped_migrations() if migrations is None else migrations
    done = applied(cur)
    known = {migration.number for migration in shipped}
    unknown = sorted(set(done) - known)
    if unknown:
        raise MigrationError(
            f"The database has migration {done[unknown[-1]][0]!r}, which this version of the "
            f"package does not know (it knows up to {max(known, default=0):04d}): a newer version "
            "was started on it. Start that version again. To stay with this one, restore a copy "
            f"from before with `python -m db restore`: `<name>.before-{unknown[0]:04d}` next to "
            "the file, or a backup; what was saved since then is not in it."
        )
    for migration in shipped:
        recorded = done.get(migration.number)
        if recorded is not None and recorded[1] != migration.checksum:
            raise MigrationError(
                f"Migration {migration.name!r} was edited after it was applied (recorded checksum "
                f"{recorded[1][:12]}, file {migration.checksum[:12]}). Restore the file and put "
                "the change into a new migration."
            )
    return [migration for migration in shipped if migration.number not in done]


def apply(cur: DuckDBPyConnection, migration: Migration) -> None:
    """Apply one migration in one transaction with its record; a failed one leaves no trace.

    Raises:
        MigrationError: A statement of the file failed; it was rolled back and stays pending.
    """
    try:
        with whole(cur):
            cur.execute(_CREATE_RECORD_TABLE)
            cur.execute(migration.sql)
            cur.execute(
                "insert into migration values (?, ?, ?, ?)",
                [migration.number, migration.name, migration.checksum, to_timestamp(utc_now())],
            )
    except DuckDBError as error:
        raise MigrationError(
            f"Migration {migration.name!r} failed and was rolled back: {error}. "
            "The data is as it was before; report this with the message."
        ) from error
