"""``python -m training report``: methods and results of a review, model cards, data cards."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from db.cli.frame import reached_database
from db.exporters.targets import file_target
from db.records import AnnotationOrigin
from db.review.agreement import Gold, RatingFilter
from db.viewer import EVERYTHING
from training.evaluation.reporting.report_text import render_html
from training.evaluation.reporting.reports import data_card, model_card, review_report

_FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group("report")
def report_command() -> None:
    """Write a report from the store to FILE: Markdown, or HTML where the name ends in .html."""


@report_command.command("review")
@_FILE
@click.option("--labels", required=True, help="Label set, such as pubmedqa or options.")
@click.option("--source", help="Only items of this source.")
@click.option("--origin", type=click.Choice(get_args(AnnotationOrigin)), default="review")
@click.option("--gold", type=click.Choice(get_args(Gold)), default="imported")
def report_review(
    file: Path, labels: str, source: str | None, origin: AnnotationOrigin, gold: Gold
) -> None:
    """Write methods and results of a review."""
    with reached_database(only_reads=True) as database:
        flt = RatingFilter(EVERYTHING, labels, origin, source, gold)
        _write(file, review_report(database.cursor(), flt))


@report_command.command("model")
@click.argument("run_id")
@_FILE
def report_model(run_id: str, file: Path) -> None:
    """Write the model card of RUN_ID."""
    with reached_database(only_reads=True) as database:
        _write(file, model_card(database.cursor(), run_id))


@report_command.command("data")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_FILE
def report_data(folder: Path, file: Path) -> None:
    """Write the data card of the build in FOLDER."""
    _write(file, data_card(folder))


def _write(file: Path, markdown: str) -> None:
    is_html = file.suffix.lower() in (".html", ".htm")
    text = render_html(markdown, file.stem) if is_html else markdown
    with file_target(file) as partial:
        partial.write_text(text, encoding="utf-8")
    click.echo(f"{click.format_filename(file)}: {len(text):,} characters.")
