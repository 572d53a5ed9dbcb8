"""The one connection to the database file.

DuckDB lets one process open a file. Inside it, one ``Database`` is shared and every caller takes
its own cursor: one connection used by several threads mixes up their results.

Never open the database file with plain Python (to copy or hash it) while it is connected: closing
that handle drops the operating system's lock, and a second process could then write.
"""

from __future__ import annotations

import atexit
import errno
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from db import migrate, open_mark, scratch, search
from db.atomic_files import replaced_file
from db.backup import copy_database
from db.chain import Chain
from db.errors import (
    DatabaseDamagedError,
    DatabaseLockedError,
    DatabaseOpenError,
    MigrationError,
    SaveError,
)
from db.known import Known
from db.paths import database_path

# Conflicts, a full disk or memory, keys that are there twice where an index is damaged. After a
# fatal one DuckDB takes nothing until it is opened again.
_STORE_FAILURES = (duckdb.OperationalError, duckdb.FatalException, duckdb.IntegrityError)

_READ_FAILURES = (duckdb.Error, UnicodeDecodeError)
# Of the values, not of the file: faults of the program.
_OTHER_FAILURES = (duckdb.DataError, duckdb.IntegrityError)
_FULL = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))

_log = logging.getLogger(__name__)

_LONGEST_LOG: Final = "256MB"
"""What a log may grow to before the next commit moves it into the file while all others wait."""
_LONG_LOG_BYTES: Final = 16 * 2**20
"""From here on it is worth while to move it when nobody waits."""

IN_MEMORY = Path(":memory:")
"""Opens a private database that lives as long as its ``Database``; for tests."""


class Database:
    """One open database file, migrated to the schema of this version."""

    def __init__(self, connection: DuckDBPyConnection, path: Path) -> None:
        """Wrap an open connection; use ``Database.open`` instead."""
        self._connection = connection
        self.path = path
        self._is_marked = path == IN_MEMORY
        self._marking = threading.Lock()
        self.known = Known()
        """Each save depends on people and their roles, queues, settings, guidelines, items and
        answers, which rarely change, and on what reviewers did with its item."""
        self.is_shared = False
        """Whether others save meanwhile: then batches of work give way between their parts."""
        self._chain = _chain_of(path)
        self._indexing = threading.Lock()
        self._written_at = time.monotonic()
        if path != IN_MEMORY:
            atexit.register(self.close)

    @classmethod
    def open(cls, path: Path | None = None) -> Database:
        """Open the file, creating it if needed, and apply pending migrations.

        Before migrations change a database that has some already, the file is copied next to
        itself as ``<name>.before-<number>``.

        Args:
            path: The file; ``database_path()`` when None.

        Raises:
            DatabaseLockedError: Another process has it open.
            DatabaseOpenError: It is no DuckDB file, or cannot be read.
            MigrationError: Its schema does not fit.
        """
        path = database_path() if path is None else path
        had_log = open_mark.has_log(path)
        connection = _connect(path)
        try:
            if not open_mark.check(connection, path, had_log=had_log):
                _log.warning("%s was not closed, and its log %s.wal is missing.", path, path.name)
            waiting = migrate.pending(connection)
            if waiting and path != IN_MEMORY and migrate.applied(connection):
                open_mark.clear(connection)
                # Copied while closed: copying an open file would drop its lock.
                connection.close()
                _copy_aside(path, waiting[0].number)
                connection = _connect(path)
            for migration in waiting:
                migrate.apply(connection, migration)
            _chain_of(path).begin(connection)
            search.catch_up(connection)
            scratch.attach(connection)
            _restrict(connection)
        except _READ_FAILURES as error:
            connection.close()
            raise _describe_damage(error, path) from error
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    def cursor(self) -> DuckDBPyConnection:
        """Return a cursor of its own to one caller or thread; closing it is optional."""
        return self._connection.cursor()

    @contextmanager
    def transaction(
        self, *, only_labels: bool = False, item_id: str | None = None
    ) -> Iterator[DuckDBPyConnection]:
        """Return a cursor inside a transaction: committed at the end, undone on any exception.

        Args:
            only_labels: Whether it writes nothing but what reviewers do with items: what
                :attr:`known` holds stays true, but for that of ``item_id``.
            item_id: With ``only_labels``: the one item whose annotations, drafts or flags it
                writes, if any. No two such transactions on one item run at once.

        Raises:
            SaveError: Another transaction wrote the same rows at the same time, disk or memory are
                full, or rows cannot be stored next to those of a damaged file; nothing was written.
        """
        with explained_damage(self.path), self._refused(OSError):
            self._mark_once()
        with nullcontext() if item_id is None else self.known.writing(item_id):
            cur = self.cursor()
            try:
                with (
                    explained_damage(self.path),
                    self._refused(),
                    self._chain.writing(cur) as noted,
                ):
                    yield noted
            finally:
                self._written_at = time.monotonic()
                if not only_labels:
                    self.known.forget()
                cur.close()

    def in_parts(self, do_part: Callable[[DuckDBPyConnection], int]) -> int:
        """Execute a batch of work in transactions of its own, until a part finds nothing to do.

        Where the database is shared, as long as a part took is left to others after it.

        Args:
            do_part: Executes one part, of a size that takes a fraction of a second, and returns how
                much that was.

        Returns:
            How much was done in all.

        Raises:
            SaveError: As of :meth:`transaction`, of one part; those before it stay.
        """
        num_done = 0
        try:
            while True:
                begun = time.monotonic()
                with self.transaction(only_labels=True) as cur:
                    num_part = do_part(cur)
                if not num_part:
                    return num_done
                num_done += num_part
                if self.is_shared:
                    time.sleep(time.monotonic() - begun)
        finally:
            self.known.forget()

    def complete_index(self) -> None:
        """Index the words of what large transactions have stored.

        Raises:
            SaveError: Not all can be found by its words yet; the next call or opening goes on.
        """
        with self._indexing:
            if not search.is_behind(self.cursor()):
                return
            try:
                self.in_parts(search.index_some)
            except SaveError as error:
                raise SaveError(
                    "Everything is stored, but not all of it can be found by its words yet: "
                    f"{error.__cause__}. Free space on the disk that holds {self.path}; the next "
                    "import, or opening the app again, goes on."
                ) from error

    def fold_log(self, quiet_seconds: float) -> bool:
        """Move a long log into the file, which makes all who save wait, if nobody does.

        Args:
            quiet_seconds: How long nothing was written, at least.

        Returns:
            Whether it was moved.
        """
        log = open_mark.log_paths(self.path)[0]
        is_long = log.exists() and log.stat().st_size > _LONG_LOG_BYTES
        if not is_long or time.monotonic() - self._written_at < quiet_seconds:
            return False
        with explained_damage(self.path):
            try:
                self.cursor().execute("checkpoint")
            except duckdb.TransactionException:  # a transaction began meanwhile
                return False
        return True

    @contextmanager
    def _refused(self, *errors: type[OSError]) -> Iterator[None]:
        try:
            yield
        except _STORE_FAILURES + errors as error:
            raise SaveError(
                f"Nothing was saved: {error}. Try again; if it stays, look whether the disk that "
                f"holds {self.path} is full or the file damaged, and restart the app."
            ) from error

    def close(self) -> None:
        """Close the file; cursors given out stop working."""
        atexit.unregister(self.close)
        try:
            open_mark.clear(self._connection)
            is_clear = self.path != IN_MEMORY
        except duckdb.Error:
            is_clear = False  # on a full disk; the next session finds the name of this one
        self._connection.close()
        if is_clear:
            open_mark.end(self.path)

    def _mark_once(self) -> None:
        with self._marking:
            if not self._is_marked:
                open_mark.begin(self.cursor(), self.path)
                self._is_marked = True


_CHAINS: Final[dict[Path, Chain]] = {}


def _chain_of(path: Path) -> Chain:
    """Return the chain of a file, one for all who have it open in this process."""
    return Chain() if path == IN_MEMORY else _CHAINS.setdefault(path.resolve(), Chain())


def accept_without_log(path: Path) -> None:
    """Delete the mark of a file that was copied while it was open, so that it can be opened.

    Raises:
        DatabaseOpenError: There is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise DatabaseOpenError(f"There is no database {path} to accept. Copy one there first.")
    with closing(_connect(path)) as connection, explained_damage(path):
        open_mark.clear(connection)


def _connect(path: Path) -> DuckDBPyConnection:
    try:
        if path != IN_MEMORY:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(path))
        connection.execute("set enable_progress_bar = false")  # it would mix into what we print
        connection.execute(f"set checkpoint_threshold = '{_LONGEST_LOG}'")
        return connection
    except (duckdb.Error, OSError) as error:
        raise _explain(error, path) from error


def _copy_aside(path: Path, number: int) -> None:
    copy = path.with_name(f"{path.name}.before-{number:04d}")
    try:
        with replaced_file(copy) as partial:
            copy_database(path, partial)
    except OSError as error:
        raise MigrationError(
            f"The database {path} was not migrated: it could not be copied to {copy.name} first "
            f"({error.strerror}). Free {path.stat().st_size:,} bytes there and try again."
        ) from error


@contextmanager
def opened_database(path: Path | None = None) -> Iterator[Database]:
    """Open a database for a block of reads and writes, as ``Database.open``.

    Raises:
        DatabaseDamagedError: A part of the file could not be read.
    """
    with closing(Database.open(path)) as database, explained_damage(database.path):
        yield database


@contextmanager
def explained_damage(path: Path) -> Iterator[None]:
    """Report what DuckDB cannot read in a file that it has opened.

    Every statement fits the schema of this version, so one that does not is damage too.

    Raises:
        DatabaseDamagedError: It could not read a part of it.
        DatabaseOpenError: Disk or memory are full.
    """
    try:
        yield
    except _OTHER_FAILURES:
        raise
    except _READ_FAILURES as error:
        raise _describe_damage(error, path) from error


def _describe_damage(error: Exception, path: Path) -> DatabaseOpenError:
    message = str(error).splitlines()[0]
    is_full = isinstance(error, duckdb.OutOfMemoryException) or any(why in message for why in _FULL)
    if is_full:
        return DatabaseOpenError(
            f"The database {path} could not be used: {message}. Free space on its disk, or memory, "
            "and try again."
        )
    return DatabaseDamagedError(
        f"The database {path} is damaged; a part of it cannot be read: {message}. Close the app, "
        "keep the file, and put a copy in its place: one made by `python -m db backup`, or the "
        f"newest {path.name}.before-<number>. `python -m db export` writes what can be read."
    )


def _explain(error: Exception, path: Path) -> DatabaseOpenError:
    message = str(error)
    if "Could not set lock" in message:
        holder = re.search(r"\(PID (\d+)\)", message)
        who = f"the process with PID {holder[1]}" if holder else "another process"
        return DatabaseLockedError(
            f"The database {path} is open in {who}; only one process can have it open. "
            "Close that process (usually the running app) and try again, or do this inside the app."
        )
    return DatabaseOpenError(
        f"The database {path} could not be opened: {message.splitlines()[0]}. Put a copy in its "
        f"place: one made by `python -m db backup`, or the newest {path.name}.before-<number>. "
        "Move the file away to start with an empty one, or point LLAMACARE_HOME at another folder."
    )


def _restrict(connection: DuckDBPyConnection) -> None:
    """Deny SQL access to files, the network and extensions for the rest of this process."""
    row = connection.execute("select current_setting('lock_configuration')").fetchone()
    if row is not None and row[0]:
        return  # a second Database on a file that this process has open already
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
