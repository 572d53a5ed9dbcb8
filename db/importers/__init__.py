"""Importing files: what a file is and holds, checked in full and stored in one transaction.

``any_file`` recognises a format by a table of signatures; ``readers`` make entries of its rows, and
``assembly`` records of the entries. Formats with rules of their own have a module each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.imported_labels import add_imported_labels
from db.content.items import AddReport, add_items, item_table
from db.content.label_sets import ensure_label_set, known_label_sets
from db.content.predictions import add_predictions, require_same_predictions
from db.content.runs import add_run, find_run, require_same_run
from db.conversions import replace_lone_surrogates
from db.copied_reads import read_aside
from db.errors import (
    DuplicateRunError,
    ImportFileError,
    InvalidReviewerError,
    RejectedRowsError,
)
from db.importers.any_file import parse_any
from db.importers.batch import ImportBatch
from db.importers.checks import Match, match_batch
from db.importers.choices import Choices
from db.importers.clinician_reviews import parse_clinician_reviews
from db.importers.faults import FaultList
from db.importers.items import parse_items
from db.importers.mapping import Mapping as FieldMapping
from db.importers.predictions import parse_predictions
from db.importers.pubmedqa import parse_pubmedqa
from db.records import Run, Split

Format = Literal["pubmedqa", "medqa", "model_answers", "clinician_reviews", "items", "predictions"]
FORMATS: tuple[Format, ...] = get_args(Format)

_FEW: Final = 1_000
"""Items and answers that are looked up at once: a process takes longer to start."""
_EXPECTED = (
    "items that agree with those stored, and answers and annotations of items that are in the file "
    "or stored, with labels they allow; import the questions first where this file has none"
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
    description: str = ""
    """What the file is, in words."""
    notes: tuple[str, ...] = ()
    match: Match = field(default_factory=Match)

    @property
    def is_unchanged(self) -> bool:
        """Return whether everything was there already."""
        new = self.items.added + self.items.enriched + self.num_predictions + self.num_annotations
        return new == 0


@dataclass(frozen=True)
class Asked:
    """What the person who imports a file says of it; all can be left to the file.

    Attributes:
        format: What the file has to be; None recognises it.
        mapping: Where the fields are.
        choices: What counts for the whole file: split, model, source, labels.
        test_split: For PubMedQA: the file that names the test items; by default the
            ``test_ground_truth.json`` next to the file.
    """

    format: Format | None = None
    mapping: FieldMapping | None = None
    choices: Choices = field(default_factory=Choices)
    test_split: Path | None = None


def import_file(
    database: Database,
    format: Format | None,  # noqa: A002 - the word users type
    path: Path,
    *,
    test_split: Path | None = None,
    split: Split | None = None,
    model: str | None = None,
) -> ImportReport:
    """Import one file, completely or not at all; the same file again adds nothing.

    Args:
        format: What the file has to be; None recognises it.
        test_split: As of :class:`Asked`.
        split: Of all its items; by default what the file or its name says.
        model: Who answered; by default what the file or its name says.

    Raises:
        ImportFileError: The file has faults or contradicts the store; the message names each.
    """
    choices = Choices(split=split, model=model or "")
    asked = Asked(format=format, choices=choices, test_split=test_split)
    return import_as_asked(database, path, asked)


def import_as_asked(database: Database, path: Path, asked: Asked) -> ImportReport:
    """Import one file as asked for; see :func:`import_file`."""
    return store_batch(database, read_file(path, known_to(database, asked)), path)


def known_to(database: Database, asked: Asked) -> Asked:
    """Return what is asked for with the label sets that the store knows."""
    sets = known_label_sets(database.cursor())
    return replace(asked, choices=replace(asked.choices, known_sets=sets))


def read_file(path: Path, asked: Asked) -> ImportBatch:
    """Read a file completely, without touching the store.

    Raises:
        ImportFileError: The file has faults; the message names each.
    """
    match asked.format:
        case "pubmedqa":
            return parse_pubmedqa(path, test_split=asked.test_split)
        case "clinician_reviews":
            return parse_clinician_reviews(path)
        case "items":
            return parse_items(path)
        case "predictions":
            return parse_predictions(path)
        case "medqa" | "model_answers" | None:
            return parse_any(
                path, asked.choices, mapping=asked.mapping, test_split=asked.test_split
            )
    raise ImportFileError(
        f"The format {asked.format!r} is unknown: use one of {', '.join(FORMATS)}, or none."
    )


def store_batch(database: Database, batch: ImportBatch, path: Path) -> ImportReport:
    """Store what a file holds in one transaction, and index its words.

    Raises:
        ImportFileError: It contradicts the store; the message names each place.
        SaveError: The store took nothing, or takes no words at this moment.
    """
    with _explained(batch, path):
        is_long = database.is_shared and len(batch.items) + len(batch.predictions) > _FEW
        matched = read_aside(database.cursor(), match_batch, batch) if is_long else None
        with database.transaction() as cur:
            report = _store(cur, matched or match_batch(cur, batch), path)
    database.complete_index()
    return report


def try_batch(database: Database, batch: ImportBatch, path: Path) -> ImportReport:
    """Return what storing would report, and store nothing.

    Raises:
        ImportFileError: As of :func:`store_batch`.
    """
    report = None
    with suppress(_NotStoredError), _explained(batch, path), database.transaction() as cur:
        report = _store(cur, match_batch(cur, batch), path)
        raise _NotStoredError
    if report is None:
        raise AssertionError("only a stored batch is undone")
    return report


class _NotStoredError(Exception):
    """Undoes the transaction of an import that was only tried."""


def stage_file(path: Path, folder: Path, asked: Asked) -> ImportBatch:
    """Read a file and write what it holds into a folder; see :meth:`ImportBatch.stage`.

    Raises:
        ImportFileError: The file has faults; the message names each.
    """
    batch = read_file(path, asked)
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


def _store(
    cur: DuckDBPyConnection, matched: tuple[ImportBatch, pa.Table, Match], path: Path
) -> ImportReport:
    batch, predictions, match = matched
    new = (
        batch.items
        if isinstance(batch.items, pa.Table)
        else item_table(batch.items, origin=batch.origin)
    )
    used = set(new["label_set"].to_pylist())
    for label_set in batch.label_sets:
        if label_set.name in used:
            ensure_label_set(cur, label_set)
    items = add_items(cur, batch.items, origin=batch.origin) if len(batch.items) else AddReport()
    items = replace(items, unchanged=items.unchanged + match.num_left_out)
    num_predictions = 0
    for run in batch.runs:
        of_run = predictions.filter(pc.equal(predictions["run_id"], run.run_id))
        num_predictions += _store_run(cur, run, of_run)
    return ImportReport(
        file=replace_lone_surrogates(path.name),
        items=items,
        run_id=None if batch.run is None else batch.run.run_id,
        num_predictions=num_predictions,
        num_annotations=add_imported_labels(cur, batch.labels) if batch.labels else 0,
        unread=batch.unread,
        description=batch.description,
        notes=batch.notes,
        match=match,
    )


def _store_run(cur: DuckDBPyConnection, run: Run, predictions: pa.Table) -> int:
    stored = find_run(cur, run.run_id)
    if stored is None:
        add_run(cur, run)
        return add_predictions(cur, predictions)
    # What a file does not say contradicts nothing.
    run = replace(
        run,
        metrics=run.metrics or stored.metrics,
        base_run_id=run.base_run_id or stored.base_run_id,
    )
    require_same_run(stored, run)
    require_same_predictions(cur, stored.run_id, predictions)
    return 0
