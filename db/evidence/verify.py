"""Whether a database is as it was stored: its chain, rows, schema, references, counts and search.

Everything is read on a copy, so it can be done while the app has the database open.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from db import migrate, scratch, search
from db.backup import copy_database
from db.chain import BEGIN, CHAINED, JOINED, PREDICTIONS, Head, digest_of, find_head
from db.content.items import REPLACEABLE_ORIGINS
from db.errors import DatabaseOpenError, EvidenceError, MigrationError
from db.evidence.verify_pack import REPLACED
from db.statements import load_sql

_FAULTS: Final = {
    "changed": "was changed after it was stored",
    "missing": "was deleted",
    "unknown": "was added without a link",
    "twice": "is stored twice",
}
_CHECKS: Final = {
    "verify_members": "a batch has other rows than its link says",
    "verify_seals": "a name or an address was changed after it was stored",
    "verify_shown": "the text that was judged is not the one that is stored",
    "verify_references": "it refers to what is not there",
    "verify_counts": "its parts are not as many as they should be",
    "verify_search": "the search index has other words than the text: run `python -m db reindex`",
}


@dataclass(frozen=True)
class Break:
    """One place at which a database is not as it was stored."""

    number: int | None
    """Of the link; None where no link speaks of it."""
    kind: str
    key: str
    fault: str

    def __str__(self) -> str:
        """Return it as one line."""
        link = "" if self.number is None else f"link {self.number}: "
        return f"{link}{self.kind} {self.key!r}: {self.fault}"


@dataclass(frozen=True)
class Verified:
    """What a check has found."""

    head: Head | None
    since: str
    """Since when the chain proves something; empty without one."""
    num_rows: int
    """That the chain speaks of."""
    num_again: int
    """Of them, those that were stored again before ``once_since``: what they were is not known."""
    once_since: str
    """Since when no row is stored again without its earlier content; empty without a chain."""
    num_completed: int
    """Items that a later import completed; what they were before is kept and proved too."""
    breaks: tuple[Break, ...]
    """In the order of the links, those without one last."""


def verify_database(path: Path, against: Sequence[Head] = ()) -> Verified:
    """Check a database, as it is saved at this moment.

    Args:
        against: Ends of the chain that were kept elsewhere.

    Raises:
        DatabaseOpenError: There is no such database, or it cannot be read.
        MigrationError: Its schema is not of this version.
    """
    with copied(path) as cur:
        return verify(cur, against)


def verify_copy(copy: Path) -> Verified | None:
    """Check a complete copy of a database, such as a backup, that nobody has open.

    Returns:
        None for a copy of an earlier version, which can be checked once the app has migrated it.

    Raises:
        DatabaseOpenError: It cannot be read.
    """
    # One thread, so that the other cores stay free for those who save.
    with (
        tempfile.TemporaryDirectory(prefix="llamacare-verify-") as folder,
        _explained(copy),
        duckdb.connect(
            str(copy), read_only=True, config={"temp_directory": folder, "threads": 1}
        ) as connection,
    ):
        return None if migrate.pending(connection) else verify(connection)


def read_head(path: Path) -> Head:
    """Return the end of the chain of a database.

    Raises:
        DatabaseOpenError: There is no such database, or it cannot be read.
        EvidenceError: It has no chain.
    """
    with copied(path) as cur:
        head = find_head(cur)
    if head is None:
        raise EvidenceError(f"The database {path} has no chain: its links were deleted.")
    return head


@contextmanager
def copied(path: Path) -> Iterator[DuckDBPyConnection]:
    """Open a copy of a database of this version for reading, for the length of a block.

    Raises:
        DatabaseOpenError: There is no such database, or it cannot be read.
        MigrationError: Its schema is not of this version.
    """
    with tempfile.TemporaryDirectory(prefix="llamacare-verify-") as folder:
        copy = Path(folder) / "copy.duckdb"
        copy_database(path, copy)
        with duckdb.connect(str(copy), config={"temp_directory": folder}) as connection:
            connection.execute("set enable_progress_bar = false")
            scratch.attach(connection)
            if migrate.pending(connection):
                raise MigrationError(
                    f"The database {path} was written by an earlier version and is not migrated. "
                    "Start the app once, or run `python -m db status`, then try again."
                )
            with _explained(path):
                yield connection


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise DatabaseOpenError(
            f"The database {path} could not be read: {str(error).splitlines()[0]}. It is "
            "damaged or its tables were changed: restore a copy."
        ) from error


def verify(cur: DuckDBPyConnection, against: Sequence[Head] = ()) -> Verified:
    """Check the database of a connection, which gets three temporary tables.

    Args:
        against: Ends of the chain that were kept elsewhere.
    """
    schema = list(_find_schema_breaks(cur))
    if schema:  # the statements below may not run
        return Verified(None, "", 0, 0, "", 0, tuple(schema))
    for table in ("verify_links", "verify_contents", "verify_expected"):
        cur.execute(load_sql(table))
    steps: list[Callable[[], Iterator[Break]]] = [
        lambda: _find_chain_breaks(cur, against),
        lambda: _find_row_breaks(cur),
        *(lambda name=name: _find(cur, name) for name in _CHECKS),
        lambda: _find_unindexed(cur),
    ]
    breaks = [one for step in steps for one in step()]
    breaks.sort(key=lambda one: (one.number is None, one.number or 0))
    kinds = {"begin": BEGIN, "joined": JOINED}
    extent = cur.execute(load_sql("verify_extent"), kinds).fetchone()
    since, num_rows, num_again, once_since, num_completed = extent or ("", 0, 0, "", 0)
    return Verified(
        find_head(cur),
        since or "",
        num_rows,
        num_again,
        once_since or "",
        num_completed,
        tuple(breaks),
    )


def _find_schema_breaks(cur: DuckDBPyConnection) -> Iterator[Break]:
    found = dict(cur.execute(load_sql("verify_schema")).fetchall())
    wanted = _wanted_schema()
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            yield Break(None, "schema", name, "is missing")
        elif name not in wanted:
            yield Break(None, "schema", name, "is not of this version")
        elif found[name] != wanted[name]:
            yield Break(None, "schema", name, "is not as this version makes it")


@cache
def _wanted_schema() -> dict[str, str]:
    with duckdb.connect() as empty:
        for migration in migrate.pending(empty):
            migrate.apply(empty, migration)
        return dict(empty.execute(load_sql("verify_schema")).fetchall())


def _find_chain_breaks(cur: DuckDBPyConnection, against: Sequence[Head]) -> Iterator[Break]:
    for number, kind, key in cur.execute(load_sql("verify_chain")).fetchall():
        fault = "it does not follow the link before it: one was changed, deleted or added"
        yield Break(number, kind or "link", key or "", fault)
    again = {"replaced": list(REPLACED), "origins": list(REPLACEABLE_ORIGINS), "joined": JOINED}
    for number, kind, key in cur.execute(load_sql("verify_again"), again).fetchall():
        fault = "was changed after it was stored, and its new content has a later link"
        yield Break(number, kind, key, fault)
    if find_head(cur) is None:
        yield Break(0, "link", "", "all links were deleted")
    numbers = {"numbers": [head.number for head in against]}
    lines = dict(cur.execute(load_sql("verify_lines"), numbers).fetchall())
    for head in sorted(against, key=lambda one: one.number):
        if head.number not in lines:
            fault = "the head that was kept is of a later link: links were deleted"
        elif digest_of(lines[head.number]) != head.digest:
            fault = "it is another one than when the head was kept: links were rewritten"
        else:
            continue
        yield Break(head.number, "link", head.digest, fault)
        return


def _find_row_breaks(cur: DuckDBPyConnection) -> Iterator[Break]:
    for kind in (*CHAINED, PREDICTIONS):
        name = "verify_runs" if kind == PREDICTIONS else "verify_rows"
        statement = load_sql(name).replace("evidence_annotation", f"evidence_{kind}")
        for number, key, fault in cur.execute(statement, {"kind": kind}).fetchall():
            yield Break(number, kind, key, _FAULTS[fault])


def _find(cur: DuckDBPyConnection, name: str) -> Iterator[Break]:
    for number, kind, key in cur.execute(load_sql(name)).fetchall():
        yield Break(number, kind, key, _CHECKS[name])


def _find_unindexed(cur: DuckDBPyConnection) -> Iterator[Break]:
    if search.is_behind(cur):
        yield Break(None, "search index", "", "not all texts are in it; open the database once")
