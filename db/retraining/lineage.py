"""From a correction to the records, snapshots and runs it went into, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming, table_of
from db.content.item_versions import record_seen_versions
from db.records import TrainingState
from db.statements import fetch_records, load_sql
from db.viewer import Viewer

Fold = Literal["train", "dev"]


@dataclass(frozen=True)
class TrainingRecord:
    """One record that a run learned from (fold ``train``) or held out (``dev``).

    ``option_order`` is 0 for the item's own order; others are augmented records of the same item.
    """

    run_id: str
    item_id: str
    num_shots: int
    option_order: int
    fold: Fold
    shot_item_ids: tuple[str, ...]
    item_version: int = 1
    """The version that the run's snapshot held."""


@dataclass(frozen=True)
class Correction:
    """What a person changed in an item: a label, a text, or both.

    ``num_runs`` runs have learned from the item with this correction in it.
    """

    correction_id: str
    kind: Literal["annotation", "adjudication"]
    item_id: str
    question: str
    split: str
    reviewer: str | None
    old_label: str | None
    label: str | None
    has_text: bool
    note: str
    created_at: datetime
    num_runs: int


@dataclass(frozen=True)
class CorrectionRun:
    """One run whose snapshot holds a correction, and what became of the corrected item.

    ``label_before`` is the head's label in the run that this one was started from.
    """

    run_id: str
    preset: str
    state: TrainingState
    snapshot_id: str
    created_at: datetime
    num_train: int
    num_dev: int
    num_as_shot: int
    gold_label: str | None
    label_before: str | None
    label_after: str | None

    @property
    def outcome(self) -> Literal["fixed", "broken", "still right", "still wrong", "unknown"]:
        """Return what the run did to the item."""
        if None in (self.gold_label, self.label_before, self.label_after):
            return "unknown"
        before, after = self.label_before == self.gold_label, self.label_after == self.gold_label
        if before:
            return "still right" if after else "broken"
        return "fixed" if after else "still wrong"


@dataclass(frozen=True)
class RecordCount:
    """How many records with this many shots a run had in a fold, of how many items."""

    fold: Fold
    num_shots: int
    num_records: int
    num_items: int


def training_record_table(records: Iterable[TrainingRecord]) -> pa.Table:
    """Return records as the table that ``add_training_records`` stores."""
    return table_of("incoming_training_record", [asdict(record) for record in records])


def add_training_records(
    cur: DuckDBPyConnection, records: Iterable[TrainingRecord] | pa.Table
) -> None:
    """Store the records of a run, or the table of them. The caller owns the transaction."""
    table = records if isinstance(records, pa.Table) else training_record_table(records)
    record_seen_versions(cur, table)
    with incoming(cur, "incoming_training_record", table):
        cur.execute(load_sql("training_record_insert"))


def list_corrections(
    cur: DuckDBPyConnection,
    viewer: Viewer,
    *,
    item_id: str | None = None,
    run_id: str | None = None,
    limit: int = 500,
) -> list[Correction]:
    """Return corrections, newest first: all, those of one item, or those a run's snapshot holds.

    Those of hidden items are left out.
    """
    return fetch_records(
        cur,
        Correction,
        "lineage_corrections",
        item_id=item_id,
        run_id=run_id,
        limit=limit,
        viewer=viewer.parameter,
    )


def list_correction_runs(
    cur: DuckDBPyConnection, viewer: Viewer, correction_id: str, item_id: str
) -> list[CorrectionRun]:
    """Return the runs whose snapshot holds a correction, newest first; none of a hidden item."""
    return fetch_records(
        cur,
        CorrectionRun,
        "lineage_runs",
        correction_id=correction_id,
        item_id=item_id,
        viewer=viewer.parameter,
    )


def list_training_records(
    cur: DuckDBPyConnection, run_id: str, item_id: str | None = None, limit: int = 200
) -> list[TrainingRecord]:
    """Return the records of a run; with ``item_id`` those made of it, then those that show it."""
    parameters = {"run_id": run_id, "item_id": item_id, "limit": limit}
    rows = cur.execute(load_sql("lineage_records"), parameters).fetchall()
    return [TrainingRecord(run_id, *(*row[:4], tuple(row[4]), row[5])) for row in rows]


def count_training_records(cur: DuckDBPyConnection, run_id: str) -> list[RecordCount]:
    """Count the records of a run by fold and number of shots."""
    return fetch_records(cur, RecordCount, "lineage_record_counts", run_id=run_id)


def count_learned_items(cur: DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Count by run and label set the items that were learned from."""
    rows = cur.execute(load_sql("run_learned_items")).fetchall()
    return {(run_id, label_set): count for run_id, label_set, count in rows}


@dataclass(frozen=True)
class ItemOutcome:
    """An item whose head label a run turned right (``fixed``) or wrong (``broken``)."""

    item_id: str
    question: str
    split: str
    gold_label: str
    label_before: str
    label_after: str
    outcome: Literal["fixed", "broken"]
    is_corrected: bool


def list_item_outcomes(
    cur: DuckDBPyConnection, viewer: Viewer, run_id: str, limit: int = 500
) -> list[ItemOutcome]:
    """Return what a run fixed and broke against the run it was started from, fixed ones first.

    Hidden items are left out.
    """
    return fetch_records(
        cur, ItemOutcome, "lineage_outcomes", run_id=run_id, limit=limit, viewer=viewer.parameter
    )
