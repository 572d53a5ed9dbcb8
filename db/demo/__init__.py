"""The bundled demo: invented items, and the answers that a real model gave to them."""

from __future__ import annotations

from importlib.resources import as_file, files

from db.connection import Database
from db.content.items import DEMO_ORIGIN, AddReport
from db.importers import ImportReport, store_batch
from db.importers.items import parse_items
from db.importers.predictions import parse_predictions

_ITEM_FILES = ("pubmedqa_style.jsonl", "usmle_style.jsonl")
_ANSWER_FILE = "answers.jsonl"


def load_demo(database: Database) -> ImportReport:
    """Load the demo into a database; a second time adds nothing.

    Raises:
        ImportFileError: The database holds demo items with other labels than this version's.
    """
    reports = []
    with as_file(files("db").joinpath("demo")) as folder:
        for name in _ITEM_FILES:
            path = folder / name
            reports.append(store_batch(database, parse_items(path, origin=DEMO_ORIGIN), path))
        answers = folder / _ANSWER_FILE
        if answers.exists():
            reports.append(store_batch(database, parse_predictions(answers), answers))
    return ImportReport(
        file="demo",
        items=AddReport(
            sum(report.items.added for report in reports),
            sum(report.items.unchanged for report in reports),
            sum(report.items.enriched for report in reports),
        ),
        run_id=reports[-1].run_id,
        num_predictions=sum(report.num_predictions for report in reports),
    )
