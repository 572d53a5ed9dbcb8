"""Taking files in: one format a module; a file is checked in full and stored in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.imported_labels import add_imported_labels
from db.content.items import AddReport, add_items
from db.content.predictions import add_predictions, require_same_predictions
from db.content.runs import add_run, find_run, require_same_run
from db.conversions import replace_lone_surrogates
from db.errors import (
    DuplicateRunError,
    ImportFileError,
    InvalidReviewerError,
    RejectedRowsError,
)
from db.importers.batch import ImportBatch
from db.importers.clinician_reviews import parse_clinician_reviews
from db.importers.faults import FaultList
from db.importers.items import parse_items
from db.importers.medqa import parse_medqa
from db.importers.model_answers import parse_model_answers
from db.importers.predictions import parse_predictions
from db.importers.pubmedqa import parse_pubmedqa
from db.records import Split

Format = Literal["pubmedqa", "medqa", "model_answers", "clinician_reviews", "items", "predictions"]
FORMATS: tuple[Format, ...] = get_args(Format)

_EXPECTED = (
    "items that agree with those stored, and predictions for stored items with labels they allow"
)


@dataclass(frozen=True)
class ImportReport:
    """What an import changed; ``num_`` counts are of what is new in the store."""

    file: str
    items: AddReport
    run_id: str | None = None
    """The run that the file holds, whether or not it was there already."""
    num_predictions: int = 0
    num_annotations: int = 0
    unread: tuple[str, ...] = ()
    """Fields of the file that were left out."""

    @property
    def is_unchanged(self) -> bool:
        """Return whether everything was there already."""
        new = self.items.added + self.items.enriched + self.num_predictions + self.num_annotations
        return new == 0


def import_file(
    database: Database,
    format: Format,  # noqa: A002 - the word users type
    path: Path,
    *,
    test_split: Path | None = None,
    split: Split = "test",
    model: str | None = None,
) -> ImportReport:
    """Import one file, completely or not at all; the same file again adds nothing.

    Args:
        test_split: For ``pubmedqa``: the file that names the test items; by default the
            ``test_ground_truth.json`` next to the file.
        split: For ``medqa``: the split of all its items.
        model: For ``model_answers``: who answered; by default taken from the file name.

    Raises:
        ImportFileError: The file has faults or contradicts the store; the message names each.
    """
    batch = parse_file(format, path, test_split=test_split, split=split, model=model)
    return store_batch(database, batch, path)


def store_batch(database: Database, batch: ImportBatch, path: Path) -> ImportReport:
    """Store what a file holds in one transaction.

    Raises:
        ImportFileError: It contradicts the store; the message names each place.
    """
    with _explained(batch, path), database.transaction() as cur:
        return _store(cur, batch, path)


def stage_file(
    format_: Format, path: Path, folder: Path, *, test_split: Path | None, split: Split
) -> ImportBatch:
    """Read a file and write what it holds into a folder; see :meth:`ImportBatch.stage`.

    Raises:
        ImportFileError: The file has faults; the message names each.
    """
    batch = parse_file(format_, path, test_split=test_split, split=split)
    with _explained(batch, path):
        return batch.stage(folder)


@contextmanager
def _explained(batch: ImportBatch, path: Path) -> Iterator[None]:
    try:
        yield
    except RejectedRowsError as error:
        faults = FaultList(path, _EXPECTED)
        for item_id, fault in error.faults:
            faults.add(batch.place_of(item_id), f"{item_id!r} {fault}")
        faults.raise_if_any()
        raise
    except (DuplicateRunError, InvalidReviewerError) as error:
        raise ImportFileError(f"{path.name} was not imported. {error}") from error


def parse_file(
    format_: Format,
    path: Path,
    *,
    test_split: Path | None = None,
    split: Split = "test",
    model: str | None = None,
) -> ImportBatch:
    """Read a file completely, without touching the store; arguments as of ``import_file``.

    Raises:
        ImportFileError: The file has faults; the message names each.
    """
    match format_:
        case "pubmedqa":
            return parse_pubmedqa(path, test_split=test_split)
        case "medqa":
            return parse_medqa(path, split=split)
        case "model_answers":
            return parse_model_answers(path, model=model)
        case "clinician_reviews":
            return parse_clinician_reviews(path)
        case "items":
            return parse_items(path)
        case "predictions":
            return parse_predictions(path)
    raise ImportFileError(f"The format {format_!r} is unknown: use one of {', '.join(FORMATS)}.")


def _store(cur: DuckDBPyConnection, batch: ImportBatch, path: Path) -> ImportReport:
    items = add_items(cur, batch.items, origin=batch.origin) if len(batch.items) else AddReport()
    num_predictions = 0
    if batch.run is not None:
        stored = find_run(cur, batch.run.run_id)
        if stored is None:
            add_run(cur, batch.run)
            num_predictions = add_predictions(cur, batch.predictions)
        else:
            require_same_run(stored, batch.run)
            require_same_predictions(cur, stored.run_id, batch.predictions)
    return ImportReport(
        file=replace_lone_surrogates(path.name),
        items=items,
        run_id=None if batch.run is None else batch.run.run_id,
        num_predictions=num_predictions,
        num_annotations=add_imported_labels(cur, batch.labels) if batch.labels else 0,
        unread=batch.unread,
    )
