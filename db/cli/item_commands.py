"""``python -m db item``: the versions of an item, correcting it, and setting items aside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, TextIO

import click

from db.cli.frame import acting_as, as_json_option, by_option, echo, opened
from db.content.item_versions import (
    CORRECTABLE,
    ItemVersion,
    apply_changes,
    correct_item,
    list_set_aside,
    list_versions,
    set_items_aside,
)
from db.content.items import get_item
from db.conversions import parse_json
from db.people.reviewers import list_reviewers
from db.records import labels_text
from db.viewer import EVERYTHING

reason_option = click.option("--reason", required=True, help="Why; kept with the change.")


@click.group()
def item() -> None:
    """Correct items after their import, and set items aside."""


@item.command("show")
@click.argument("item_id")
@as_json_option
def show(item_id: str, as_json: bool) -> None:
    """Show the versions of ITEM_ID, who made them and why, and what refers to each."""
    with opened(only_reads=True) as database:
        cur = database.cursor()
        versions = list_versions(cur, item_id)
        aside = list_set_aside(cur, item_id)
        names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
    if as_json:
        found = {
            "versions": [asdict(version) for version in versions],
            "set_aside": aside[0].reason if aside else None,
        }
        echo(json.dumps(found, default=str, ensure_ascii=False))
        return
    for version in versions:
        for line in _describe(version, names.get(version.reviewer_id or "", "the import")):
            echo(line)
    for entry in aside:
        who = names.get(entry.reviewer_id, entry.reviewer_id)
        echo(f"Set aside {entry.created_at:%Y-%m-%d %H:%M} UTC by {who}: {entry.reason}")


def _read_changes(_: click.Context, __: click.Parameter, file: TextIO) -> dict[str, Any]:
    try:
        given = parse_json(file.read())
    except ValueError as error:
        raise click.UsageError(f"{file.name} is no JSON ({error}).") from error
    if not isinstance(given, dict):
        raise click.UsageError(
            f"{file.name} holds a {type(given).__name__}, expected a JSON object with any of "
            f"{', '.join(CORRECTABLE)}."
        )
    return given


@item.command("correct")
@click.argument("item_id")
@click.argument("changes", type=click.File(encoding="utf-8"), callback=_read_changes)
@by_option
@reason_option
@click.option(
    "--changes-sense",
    is_flag=True,
    help="Judgements of the version before may not hold: ask for new ones. Other labels always do.",
)
def correct(
    item_id: str, changes: dict[str, Any], by: str, reason: str, changes_sense: bool
) -> None:
    """Store the next version of ITEM_ID with the CHANGES, a JSON object (- for standard input).

    \b
    Its fields are any of question, context, label_set, labels, options, gold_label, long_answer
    and split, each as in a file of items; options also as {"A": "text", ...}.
    """
    with acting_as(by) as (cur, reviewer_id):
        made = correct_item(
            cur,
            apply_changes(get_item(cur, item_id, EVERYTHING), changes),
            reviewer_id=reviewer_id,
            reason=reason,
            changes_sense=changes_sense,
        )
    echo(f"{item_id} is at version {made.version}.")


@item.command("set-aside")
@click.argument("item_ids", nargs=-1, required=True)
@by_option
@reason_option
def set_aside_command(item_ids: Sequence[str], by: str, reason: str) -> None:
    """Set ITEM_IDS aside: in no queue, metric or training set until they are restored."""
    with acting_as(by) as (cur, reviewer_id):
        done = set_items_aside(cur, item_ids, reviewer_id=reviewer_id, reason=reason)
    echo(f"{len(done)} of {len(item_ids)} items were set aside.")


@item.command("restore")
@click.argument("item_ids", nargs=-1, required=True)
@by_option
@reason_option
def restore_command(item_ids: Sequence[str], by: str, reason: str) -> None:
    """Restore ITEM_IDS that were set aside."""
    with acting_as(by) as (cur, reviewer_id):
        done = set_items_aside(
            cur, item_ids, reviewer_id=reviewer_id, reason=reason, is_aside=False
        )
    echo(f"{len(done)} of {len(item_ids)} items were restored.")


def _describe(version: ItemVersion, who: str) -> Iterator[str]:
    when = "" if version.created_at is None else f", {version.created_at:%Y-%m-%d %H:%M} UTC"
    sense = ", another sense" if version.changes_sense else ""
    why = f": {version.reason}" if version.reason else ""
    yield f"Version {version.item.version}, {who}{when}{sense}{why}"
    yield f"  {version.item.question}"
    yield f"  gold label {labels_text(version.item.gold_label, 'none')}, split {version.item.split}"
    yield (
        f"  {version.num_annotations} annotations, {version.num_predictions} predictions, "
        f"{version.num_training_runs} training runs"
    )


COMMANDS = (item,)
