"""What every command of this package does the same way.

One process has the database file open. Where that is the app, a command that only reads does so on
a copy, and any other is executed by the app itself, see ``db/cli/asking.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from duckdb import DuckDBPyConnection

from db.backup import copy_files
from db.cli.asking import ask_owner, asked_now
from db.connection import Database, accept_without_log, opened_database
from db.errors import DatabaseLockedError, DatabaseOpenError, DbError
from db.paths import database_path
from db.people.sign_in import sign_in_by_name

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
by_option = click.option("--by", required=True, metavar="NAME", help="In whose name; see `people`.")


def echo(message: str, *, err: bool = False) -> None:
    """Print a line where the person who gave the command reads it."""
    asked = asked_now()
    if asked is None:
        click.echo(message, err=err)
    else:
        asked.say(f"{message}\n", err)


def can_prompt() -> bool:
    """Return whether a person can answer a question."""
    return asked_now() is None and sys.stdin.isatty()


@contextmanager
def reported_errors() -> Iterator[None]:
    """Report an error of ours as one message and exit status 1."""
    try:
        yield
    except DbError as error:
        echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(1) from error


@contextmanager
def opened(*, only_reads: bool = False) -> Iterator[Database]:
    """Open the database; an error of ours becomes one message and exit status 1."""
    with reported_errors(), reached_database(only_reads=only_reads) as database:
        yield database


@contextmanager
def reached_database(*, only_reads: bool = False) -> Iterator[Database]:
    """Open the database, or reach it by way of the app that has it open.

    Where more is done than reading, the app executes the whole command, and this process ends it
    with the same exit status: before this block a command only looks at its options.

    Raises:
        DbError: It cannot be opened, or the app did not answer.
    """
    asked = asked_now()
    if asked is not None:
        yield asked.database
        return
    with ExitStack() as stack:
        try:
            database = stack.enter_context(opened_database())
        except DatabaseLockedError as error:
            if not only_reads:
                ask_owner(error)
            database = stack.enter_context(_opened_copy())
        yield database


@contextmanager
def _opened_copy() -> Iterator[Database]:
    """Open a copy of what is saved at this moment; it ends with the block."""
    path = database_path()
    with TemporaryDirectory(prefix="llamacare-copy-") as folder:
        copy = Path(folder) / path.name
        try:
            copy_files(path, copy)
        except OSError as error:
            raise DatabaseOpenError(
                f"The open database {path} was not copied to {folder}, where it is read: {error}. "
                "Free space there, or name another folder in TMPDIR."
            ) from error
        accept_without_log(copy)  # its mark is that of the session which has the original open
        with opened_database(copy) as database:
            yield database


@contextmanager
def acting_as(name: str) -> Iterator[tuple[DuckDBPyConnection, str]]:
    """Yield a cursor in a transaction, and the id of the person in whose name a command acts.

    On a file without an admin they become it. An error of ours, such as that an admin has taken the
    person's access away, becomes one message and exit status 1.
    """
    with opened() as database:
        with database.transaction() as cur:
            reviewer_id = sign_in_by_name(cur, name).reviewer_id
        with database.transaction() as cur:
            yield cur, reviewer_id
