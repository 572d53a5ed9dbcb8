"""``python -m db backup | accept | reindex``: looking after the database file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from db import search
from db.backup import copy_database
from db.cli.frame import opened, reported_errors
from db.connection import accept_without_log
from db.exporters.targets import file_target
from db.paths import database_path


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write a complete copy of the database to FILE, also while the app has it open.

    An earlier copy there is replaced once the new one is complete. To restore a copy, stop the app
    and move the copy to where `status` says that the database is.
    """
    with reported_errors(), file_target(file) as partial:
        copy_database(database_path(), partial)
    click.echo(f"{file}: {file.stat().st_size:,} bytes.")


@click.command()
def accept() -> None:
    """Open a database file that was copied without its log, from now on and as it is.

    What was saved after the last checkpoint of the original is not in it.
    """
    with reported_errors():
        accept_without_log(database_path())
    click.echo(f"{database_path()} is accepted as it is.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def reindex(as_json: bool) -> None:
    """Index the words of all stored texts again, completely or not at all.

    For a search that misses an item that is there. Opening the database indexes what is new, so
    this is seldom needed. About a minute for a million texts.
    """
    with opened() as database, database.transaction() as cur:
        counts = search.rebuild(cur)
    if as_json:
        click.echo(json.dumps(asdict(counts)))
        return
    click.echo(f"Indexed {counts.items} items and {counts.answers} answers: {counts.words} words.")


COMMANDS = (backup, accept, reindex)
