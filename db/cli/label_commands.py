"""``python -m db labels``: label sets of one's own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from db.cli.frame import acting_as, as_json_option, by_option, echo, opened, reported_errors
from db.content.label_moves import change_labels
from db.content.label_sets import add_label_set, list_label_sets, read_label_set


@click.group()
def labels() -> None:
    """Add, change and list label sets: the labels that many items share."""


@labels.command("add")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@by_option
@click.option("--reason", default="", show_default=False, help="Why; kept with the version.")
def labels_add(file: Path, by: str, reason: str) -> None:
    """Store FILE, TOML or JSON, as a label set or as the next version of one."""
    with reported_errors():
        label_set = read_label_set(file)
    with acting_as(by) as (cur, reviewer_id):
        made = add_label_set(cur, label_set, reviewer_id=reviewer_id, reason=reason)
    echo(f"{made.name}, version {made.version}: {', '.join(made.names)}")


@labels.command("change")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--move", "moves", multiple=True, metavar="OLD=NEW", help="A label and its new name.")
@click.option("--retire", "retired", multiple=True, metavar="OLD", help="A label without one.")
@by_option
@click.option("--reason", required=True, help="Why; kept with the version.")
def labels_change(
    file: Path, moves: Sequence[str], retired: Sequence[str], by: str, reason: str
) -> None:
    """Store FILE as the next version of a label set with other labels.

    What was judged is kept as it was said and carried over to the new labels; two may become one.
    """
    pairs = [move.partition("=")[::2] for move in moves]
    if not all(new for _, new in pairs):
        raise click.UsageError("--move is OLD=NEW, such as --move 'grade I=grade 1'.")
    with reported_errors():
        label_set = read_label_set(file)
    wanted: dict[str, str | None] = {**dict(pairs), **dict.fromkeys(retired)}
    with acting_as(by) as (cur, reviewer_id):
        made = change_labels(cur, label_set, wanted, reviewer_id=reviewer_id, reason=reason)
    echo(f"{made.name}, version {made.version}: {', '.join(made.names)}")


@labels.command("list")
@as_json_option
def labels_list(as_json: bool) -> None:
    """List the stored label sets with their labels."""
    with opened(only_reads=True) as database:
        found = list_label_sets(database.cursor())
    if as_json:
        echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        echo(f"{one.name} ({one.kind}, version {one.version}): {', '.join(one.names)}")


COMMANDS = (labels,)
