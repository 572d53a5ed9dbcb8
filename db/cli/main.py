"""``python -m db``: import files, load the demo, say what the database holds; review, export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from db.cli import (
    evidence_commands,
    import_commands,
    item_commands,
    label_commands,
    people_commands,
    review_commands,
    token_commands,
    upkeep_commands,
)
from db.cli.frame import echo, opened
from db.content.overview import count_items_by_label, count_reviews
from db.content.runs import list_runs
from db.exporters.run_file import export_run
from db.paths import database_path
from db.viewer import EVERYTHING


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Manage the review database: $LLAMACARE_HOME/review.duckdb.

    While the app has the database open, commands that write are executed by the app, and those that
    only read do so on a copy of what is saved.
    """


for _command in (
    *evidence_commands.COMMANDS,
    *import_commands.COMMANDS,
    *item_commands.COMMANDS,
    *label_commands.COMMANDS,
    *people_commands.COMMANDS,
    *review_commands.COMMANDS,
    *token_commands.COMMANDS,
    *upkeep_commands.COMMANDS,
):
    main.add_command(_command)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the status as one JSON object.")
def status(as_json: bool) -> None:
    """Print where the database is and what it contains."""
    with opened(only_reads=True) as database:
        cur = database.cursor()
        found = {
            "path": str(database_path()),
            "items": [asdict(count) for count in count_items_by_label(cur, EVERYTHING)],
            "runs": [
                {"run_id": run.run_id, "name": run.name, "model": run.model, "kind": run.kind}
                for run in list_runs(cur)
            ],
            "reviews": asdict(count_reviews(cur, EVERYTHING)),
        }
    echo(json.dumps(found) if as_json else "\n".join(_describe_status(found)))


@main.command("export-run")
@click.argument("run_id")
@click.argument("file", type=click.Path(path_type=Path))
def export_run_command(run_id: str, file: Path) -> None:
    """Write a run and its predictions to FILE, in the form that `import predictions` reads."""
    with opened(only_reads=True) as database:
        num_predictions = export_run(database.cursor(), run_id, file, EVERYTHING)
    echo(f"{click.format_filename(file)}: {num_predictions} predictions of run {run_id}.")


def _describe_status(found: dict[str, Any]) -> Iterator[str]:
    num_items = sum(count["count"] for count in found["items"])
    yield f"Database {found['path']}"
    yield f"{num_items} items"
    groups = groupby(found["items"], lambda count: (count["source"], count["split"]))
    for (source, split), counts in groups:
        labels = ", ".join(f"{count['label'] or 'no label'} {count['count']}" for count in counts)
        yield f"  {source}, {split}: {labels}"
    yield f"{len(found['runs'])} runs"
    for run in found["runs"]:
        yield f"  {run['name']} ({run['kind']}, {run['model']}): {run['run_id']}"
    reviews = found["reviews"]
    yield (
        f"{reviews['num_annotations']} standing annotations by reviewers, "
        f"{reviews['num_changed']} of them change the imported label"
    )
