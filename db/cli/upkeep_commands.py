"""``python -m db reindex``: looking after the database file."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from db import search
from db.cli.frame import opened


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


COMMANDS = (reindex,)
