"""Commands that bring something into the database: files of any kind, and the demo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, get_args

import click

from db import child_process
from db.cli.asking import asked_now
from db.cli.frame import can_prompt, echo, opened, reported_errors
from db.cli.label_check import differing_labels
from db.demo import load_demo
from db.importers import (
    FORMATS,
    Asked,
    Format,
    ImportReport,
    known_to,
    read_file,
    store_batch,
    try_batch,
)
from db.importers.batch import ImportBatch
from db.importers.checks import without_given_labels
from db.importers.choices import Choices
from db.importers.mapping import Mapping, mapping_of, save_mapping
from db.records import Split

_NUM_NAMED: Final = 20


def _with_whole_path(_: Any, __: Any, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words with a file that is found from anywhere: another process may read it."""
    return (*words[:-1], str(Path(words[-1]).absolute())) if words else words


@click.command("import")
@click.argument(
    "words", nargs=-1, required=True, metavar="[FORMAT] FILE", callback=_with_whole_path
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="NAME|FIELD=PATH",
    help="Where a field is: question=doc.text, options=A,B,C,D, gold=answer, letters.1=yes, "
    "model==gpt-4o (a text itself); or the name of a saved mapping. Can be given several times.",
)
@click.option("--save-map", metavar="NAME", help="Save the mapping under this name.")
@click.option("--dry-run", is_flag=True, help="Report what would be imported; store nothing.")
@click.option("--labels", help="The labels of all items, in order: urgent,soon,routine.")
@click.option("--source", help="Where the items are from. Default: what the file or its name says.")
@click.option(
    "--labels-from",
    type=click.Choice(["file", "text"]),
    help="Whether the labels of answers are those of the file or those that their texts state. "
    "Where they differ you are asked; the file's labels are used where no one can answer.",
)
@click.option(
    "--test-split",
    type=click.Path(path_type=Path),
    help="PubMedQA: the file that maps each test item's PMID to its gold label. "
    "Default: test_ground_truth.json next to FILE.",
)
@click.option(
    "--split",
    type=click.Choice(get_args(Split)),
    help="The split of all items of the file. Default: what the file or its name says; test for "
    "benchmarks and answers, else train.",
)
@click.option("--model", help="Who answered. Default: what the file or its name says.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def import_command(
    words: tuple[str, ...],
    mapping: tuple[str, ...],
    save_map: str | None,
    dry_run: bool,
    labels: str | None,
    source: str | None,
    labels_from: str | None,
    test_split: Path | None,
    split: Split | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Import FILE, completely or not at all. The same file again adds nothing.

    FILE is a table (CSV, TSV, Excel, Parquet), JSON, or the folder of a data set. What it is is
    recognised: benchmarks, logs of evaluation harnesses, outputs of batches, exports of annotation
    tools, exports of this product, and tables of your own.

    \b
    FORMAT, where given, is what it has to be:
      pubmedqa       PubMedQA's ori_pqal.json
      medqa          MedQA (USMLE), one question a line
      model_answers  answers of a model to a benchmark
      clinician_reviews  ratings of MedQA by clinicians, blind and after the gold label was shown
      items          your own questions, as this product exports them
      predictions    your own run: a line about the run, then one answer a line
    """
    format_, file = _format_and_file(words)
    with reported_errors():
        given = mapping_of(mapping)
        if save_map:
            save_mapping(save_map, given)
    asked = Asked(
        format=format_,
        mapping=given if given != Mapping() else None,
        choices=Choices(
            source=source or "", split=split, model=model or "", labels=_listed(labels)
        ),
        test_split=test_split,
    )
    with opened() as database, _read(file, known_to(database, asked), labels_from) as batch:
        report = (try_batch if dry_run else store_batch)(database, batch, file)
    _print_report(report, as_json, is_tried=dry_run)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def demo(as_json: bool) -> None:
    """Load the bundled demo; what is there already stays as it is."""
    with opened() as database:
        report = load_demo(database)
    _print_report(report, as_json)


COMMANDS: Final = (import_command, demo)


def _format_and_file(words: tuple[str, ...]) -> tuple[Format | None, Path]:
    if len(words) == 1:
        return None, Path(words[0])
    if len(words) > 2 or words[0] not in FORMATS:
        raise click.UsageError(
            f"Found {' '.join(words)!r}: give a file, or a format and a file. A format is one of "
            f"{', '.join(FORMATS)}."
        )
    return words[0], Path(words[1])


@contextmanager
def _read(file: Path, asked: Asked, labels_from: str | None) -> Iterator[ImportBatch]:
    """Read a file; where others save meanwhile, a large one in a child process."""
    num_bytes = file.stat().st_size if asked_now() and file.is_file() else 0
    if num_bytes < child_process.SMALL_BYTES and not (asked_now() and file.is_dir()):
        yield _checked(read_file(file, asked), labels_from)
        return
    with TemporaryDirectory(prefix="llamacare-import-") as name:
        folder = Path(name)
        with child_process.child_process() as call:
            batch = call(_stage, file, folder, asked, labels_from)
        yield batch.staged(folder)


def _stage(file: Path, folder: Path, asked: Asked, labels_from: str | None) -> ImportBatch:
    return _checked(read_file(file, asked), labels_from).stage(folder)


def _checked(batch: ImportBatch, labels_from: str | None) -> ImportBatch:
    """Return a batch with the labels that were asked for; ask where they differ from the texts."""
    if labels_from is None:
        differing, compared = differing_labels(batch)
        if not differing:
            return batch
        fact = (
            f"{differing:,} of {compared:,} labels differ from what the texts of the answers state"
        )
        if not can_prompt():
            note = f"{fact}; the file's are used (--labels-from text uses the texts')"
            return replace(batch, notes=(*batch.notes, note))
        labels_from = click.prompt(
            f"{fact}. Use those of the", type=click.Choice(["file", "text"]), err=True
        )
    return without_given_labels(batch) if labels_from == "text" else batch


def _listed(labels: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (labels or "").split(",") if part.strip())


def _print_report(report: ImportReport, as_json: bool, *, is_tried: bool = False) -> None:
    if as_json:
        echo(json.dumps(asdict(report)))
        return
    for line in _describe(report, is_tried=is_tried):
        echo(line)
    if report.unread:
        echo(f"Fields that are not read: {', '.join(report.unread[:_NUM_NAMED])}.", err=True)


def _describe(report: ImportReport, *, is_tried: bool) -> Iterator[str]:
    if report.description:
        yield f"Recognised as {report.description}."
    items = report.items
    parts = [
        f"{items.added} items added",
        f"{items.enriched} completed",
        f"{items.unchanged} unchanged",
        f"{report.num_predictions} predictions added",
        f"{report.num_annotations} annotations added",
    ]
    yield f"{report.file}: {', '.join(parts)}."
    if is_tried:
        yield "Nothing was stored: this was a dry run."
    if report.match.num_by_text:
        yield f"{report.match.num_by_text} items were found in the database by their text."
    for note in report.notes:
        yield f"Note: {note}."
