"""What every command of this package does the same way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from db.connection import Database, opened_database
from db.errors import DbError
from db.people.sign_in import sign_in_by_name
from db.records import Reviewer


@contextmanager
def reported_errors() -> Iterator[None]:
    """Report an error of ours as one message and exit status 1."""
    try:
        yield
    except DbError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


@contextmanager
def opened() -> Iterator[Database]:
    """Open the database; an error of ours becomes one message and exit status 1."""
    with reported_errors(), opened_database() as database:
        yield database


def person_named(database: Database, name: str) -> Reviewer:
    """Return the person in whose name a command acts; on a file without an admin they become it.

    Raises:
        DbError: The name cannot be used, or an admin has taken the person's access away.
    """
    with database.transaction() as cur:
        return sign_in_by_name(cur, name)
