"""``python -m db backup | restore | accept | reindex``: looking after the database file."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from db import search
from db.backup import copy_database, restore_database
from db.cli.frame import echo, opened, reported_errors
from db.connection import accept_without_log
from db.errors import RestoreError
from db.evidence.backup_folder import BackupPolicy, add_backup
from db.evidence.last_check import check_copy, save_check
from db.evidence.verify import Verified, verify_copy
from db.exporters.targets import file_target
from db.paths import database_path


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def backup(file: Path | None) -> None:
    """Write a verified copy of the database to FILE, also while the app has it open.

    An earlier copy there is replaced once the new one is complete. Without FILE the copy is one of
    the folder of backups, of which old ones are deleted as the environment says: see
    docs/running/settings.md. `restore` puts a copy back. The copy is checked as by `verify`; where
    the database is not as it was stored, it is written all the same, no old one is deleted, and the
    command exits with 1.
    """
    with reported_errors():
        if file is None:
            made, breaks = add_backup(database_path(), BackupPolicy.read(), datetime.now(UTC))
            file = made.path
        else:
            with file_target(file) as partial:
                copy_database(database_path(), partial)
                breaks = check_copy(partial, database_path())
    if breaks:
        echo(f"Error: {file} was written, but is not as it was stored: {breaks[0]}.", err=True)
        raise click.exceptions.Exit(1)
    echo(f"{file}: {file.stat().st_size:,} bytes, verified.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--altered", is_flag=True, help="Restore FILE even if it is not as it was stored.")
def restore(file: Path, altered: bool) -> None:
    """Write a verified copy of FILE, a backup, to where the database is to be.

    Nothing is overwritten: where a database is, stop the app and move it away first. FILE stays.
    """
    path = database_path()
    found: list[Verified | None] = []

    def check(copy: Path) -> None:
        found.append(verify_copy(copy))
        breaks = found[0].breaks if found[0] else ()
        if breaks and not altered:
            raise RestoreError(
                f"{file} was not restored: it is not as it was stored: {breaks[0]}. Restore an "
                "earlier backup, or this one all the same with --altered."
            )

    with reported_errors():
        restore_database(file, path, check)
    save_check(path, found[0])
    echo(f"{path}: {path.stat().st_size:,} bytes, verified.")


@click.command()
def accept() -> None:
    """Open a database file that was copied without its log, from now on and as it is.

    What was saved after the last checkpoint of the original is not in it.
    """
    with reported_errors():
        accept_without_log(database_path())
    echo(f"{database_path()} is accepted as it is.")


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
        echo(json.dumps(asdict(counts)))
        return
    echo(f"Indexed {counts.items} items and {counts.answers} answers: {counts.words} words.")


COMMANDS = (backup, restore, accept, reindex)
