"""``python -m db queue | export | guideline``: reviewing from the command line."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click
from duckdb import DuckDBPyConnection

from db.cli.frame import acting_as, as_json_option, by_option, echo, opened
from db.errors import ExportError
from db.exporters import EXPORT_FORMATS, EXPORT_KINDS, ExportFormat, ExportKind, export_file
from db.exporters.scope import ExportScope
from db.people.reviewers import list_reviewers
from db.review.draws import FLOOR, QueueDesign, Strata, count_drawn
from db.review.guidelines import ALL_LABEL_SETS, add_guideline, list_guidelines
from db.review.item_list import ReviewFilter, Show, item_id_array
from db.review.queue_changes import close_queue
from db.review.queue_progress import list_progress, queue_progress
from db.review.queues import (
    MAX_REPEAT_SHARE,
    MAX_REVIEWERS,
    ORDERS,
    Queue,
    QueueOrder,
    QueueSettings,
    add_queue,
    get_queue,
    list_queues,
)
from db.review.settings import ReviewMode
from db.viewer import EVERYTHING


@click.command()
@click.argument("kind", type=click.Choice(EXPORT_KINDS))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(EXPORT_FORMATS),
    help="Default: from the ending of FILE, .jsonl, .csv or .parquet.",
)
@click.option("--run", "run_id", help="predictions, label_studio: of this run.")
@click.option("--queue", "queue_id", help="Only its items, or what was judged in it.")
@click.option("--show", type=click.Choice(get_args(Show)), help="Only such items, seen with --run.")
@click.option("--person", metavar="NAME", help="annotations, corrections: of this person.")
@click.option("--since", type=click.DateTime(), help="annotations, corrections: from then on, UTC.")
@click.option("--until", type=click.DateTime(), help="annotations, corrections: before then, UTC.")
def export(kind: ExportKind, file: Path, file_format: ExportFormat | None, **limits: Any) -> None:
    """Write items, labels of record, annotations, corrections or predictions to FILE.

    \b
    Annotations also as
      huggingface    a dataset folder that load_dataset(FILE) reads
      label_studio   JSON tasks that Label Studio imports

    Training data for other tools: `python -m training build --help`.
    """
    chosen = file_format or file.suffix.removeprefix(".")
    if chosen not in EXPORT_FORMATS:
        raise click.UsageError(
            f"The ending of {file.name!r} names no format. Give --format, one of "
            f"{', '.join(EXPORT_FORMATS)}."
        )
    with opened(only_reads=True) as database:
        cur = database.cursor()
        scope = _scope(cur, **limits)
        run_id = limits["run_id"]
        num_rows = export_file(cur, kind, chosen, file, EVERYTHING, run_id=run_id, scope=scope)
    noun = "tasks" if chosen == "label_studio" else "rows"
    echo(f"{click.format_filename(file)}: {num_rows} {noun}.")


def _scope(
    cur: DuckDBPyConnection,
    *,
    run_id: str | None,
    queue_id: str | None,
    show: Show | None,
    person: str | None,
    since: datetime | None,
    until: datetime | None,
) -> ExportScope:
    if queue_id is not None:
        get_queue(cur, queue_id)
    if person is not None and person not in {one.name for one in list_reviewers(cur)}:
        raise ExportError(f"There is no person {person!r}. `python -m db people list` names all.")
    item_ids = None
    if show is not None:
        item_ids = item_id_array(cur, ReviewFilter(run_id=run_id, show=show), EVERYTHING)
    moments = (None if one is None else one.replace(tzinfo=UTC) for one in (since, until))
    return ExportScope(item_ids, queue_id, person, *moments)


@click.group()
def queue() -> None:
    """Make, list and close queues: saved lists of items that people work through."""


@queue.command("list")
@as_json_option
def queue_list(as_json: bool) -> None:
    """List the queues with how far they are, and each person in them."""
    with opened(only_reads=True) as database:
        cur = database.cursor()
        names = {reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)}
        found = [
            (
                one,
                queue_progress(cur, one),
                list_progress(cur, one),
                count_drawn(cur, one.queue_id)[1],
            )
            for one in list_queues(cur)
        ]
    if as_json:
        rows = [
            {
                "queue": _describe(one),
                "num_drawn_from": num_drawn_from or None,
                "all": asdict(total),
                "people": [{"name": names[p.reviewer_id or ""], **asdict(p)} for p in people],
            }
            for one, total, people, num_drawn_from in found
        ]
        echo(json.dumps(rows))
        return
    for one, total, people, num_drawn_from in found:
        state = ", closed" if one.is_closed else ""
        drawn = (
            f"drawn from {num_drawn_from} items"
            if num_drawn_from
            else "without inclusion probabilities: what is found in it speaks for no other items"
        )
        echo(f"{one.queue_id}  {one.settings.name}: {total.num_done} of {total.num_items}{state}")
        echo(f"  {drawn}")
        for person in people:
            seconds = person.median_seconds
            median = "" if seconds is None else f", median {seconds:.0f} s"
            done = f"{person.num_done} of {person.num_items}"
            name = names[person.reviewer_id or ""]
            echo(f"  {name}: {done}{median}, {person.num_fast} fast")


@queue.command("add")
@click.argument("name")
@by_option
@click.option("--run", "run_id", help="The run whose answers are shown.")
@click.option("--source", help="Only items of this source.")
@click.option("--split", help="Only items of this split.")
@click.option("--show", type=click.Choice(get_args(Show)), default="all")
@click.option(
    "--search", default="", show_default=False, help="Only items in which these words occur."
)
@click.option("--order", type=click.Choice(ORDERS), default="item_id")
@click.option(
    "--reviewers",
    "num_reviewers",
    type=click.IntRange(1, MAX_REVIEWERS),
    default=1,
    help="For each item.",
)
@click.option(
    "--mode",
    type=click.Choice(get_args(ReviewMode)),
    default="blind",
    help="open costs independence: who sees the model's answer first tends to agree with it.",
)
@click.option(
    "--repeat-share",
    type=click.FloatRange(0, MAX_REPEAT_SHARE),
    default=0.0,
    help="Shown again, unannounced.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Of the draw and of repeats."
)
@click.option(
    "--floor",
    type=click.FloatRange(0, 1),
    default=FLOOR,
    help="Prioritised orders: share of a random order's chance that each item keeps; 0 is strict.",
)
@click.option(
    "--items", "num_items", type=click.IntRange(1, 10**7), help="Places. Default: all that pass."
)
@click.option("--strata", type=click.Choice(get_args(Strata)), help="Draw each value separately.")
@click.option(
    "--share",
    "shares",
    type=(str, click.FloatRange(0, 1)),
    multiple=True,
    metavar="VALUE SHARE",
    help="Of the places, for a value of --strata; the others share the rest equally.",
)
def queue_add(
    name: str,
    by: str,
    run_id: str | None,
    source: str | None,
    split: str | None,
    show: Show,
    search: str,
    order: QueueOrder,
    num_reviewers: int,
    mode: ReviewMode,
    repeat_share: float,
    seed: int,
    floor: float,
    num_items: int | None,
    strata: Strata | None,
    shares: tuple[tuple[str, float], ...],
) -> None:
    """Make a queue called NAME of the items that pass the filter now."""
    flt = ReviewFilter(
        run_id=run_id,
        source=source,
        split=split,
        show=show,
        search=search,
        only_predicted=run_id is not None,
    )
    settings = QueueSettings(
        name,
        flt,
        order=order,
        seed=seed,
        num_reviewers=num_reviewers,
        mode=mode,
        repeat_share=repeat_share,
        design=QueueDesign(floor, num_items, strata, shares),
    )
    with acting_as(by) as (cur, reviewer_id):
        made = add_queue(cur, settings, queue_id=str(uuid.uuid4()), created_by=reviewer_id)
        total = queue_progress(cur, made).num_items
    echo(f"{made.queue_id}  {made.settings.name}: {total} places.")


@queue.command("close")
@click.argument("queue_id")
@by_option
def queue_close(queue_id: str, by: str) -> None:
    """Close a queue for all reviewers; judgements made in it are kept."""
    with acting_as(by) as (cur, reviewer_id):
        close_queue(cur, queue_id, reviewer_id)
    echo(f"{queue_id} is closed.")


@click.group()
def guideline() -> None:
    """Write the next version of the guidelines, or list all versions."""


@guideline.command("add")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@by_option
@click.option("--label-set", default=ALL_LABEL_SETS)
def guideline_add(file: Path, by: str, label_set: str) -> None:
    """Store FILE, Markdown in UTF-8, as the version that counts from now on."""
    try:
        body = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"{file} is not UTF-8 ({error.reason}). Save it as UTF-8."
        ) from error
    with acting_as(by) as (cur, reviewer_id):
        made = add_guideline(cur, body, reviewer_id=reviewer_id, label_set=label_set)
    echo(f"Version {made.version} counts for {made.label_set}.")


@guideline.command("list")
@as_json_option
def guideline_list(as_json: bool) -> None:
    """List all versions, the newest first."""
    with opened(only_reads=True) as database:
        found = list_guidelines(database.cursor())
    if as_json:
        echo(json.dumps([asdict(one) for one in found], default=str))
        return
    for one in found:
        first = one.body.splitlines()[0]
        echo(f"{one.version}, {one.created_at:%Y-%m-%d %H:%M} UTC, {one.label_set}: {first}")


def _describe(one: Queue) -> dict[str, object]:
    return {
        "queue_id": one.queue_id,
        "name": one.settings.name,
        "order": one.settings.order,
        "num_reviewers": one.settings.num_reviewers,
        "mode": one.settings.mode,
        "is_closed": one.is_closed,
    }


COMMANDS = (export, queue, guideline)
