"""What the store holds, in a few counts: for Home, Settings and Training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from duckdb import DuckDBPyConnection

from db.conversions import to_timestamp
from db.statements import fetch_records, fetch_row, fetch_value
from db.viewer import Viewer


@dataclass(frozen=True)
class ItemCount:
    """How many items of one source and split have one label of record; None for no label."""

    source: str
    split: str
    label_set: str
    label: str | None
    count: int


@dataclass(frozen=True)
class ReviewCount:
    """Standing annotations by reviewers.

    ``num_changed`` of the ``num_annotations`` differ from the imported label; ``num_train`` and
    ``num_changed_train`` are those on items of the training split, which alone reach a run.
    """

    num_annotations: int
    num_changed: int
    num_train: int
    num_changed_train: int


@dataclass(frozen=True)
class Funnel:
    """How many items have come how far; the labels are those of reviewers.

    Attributes:
        num_answered: Items to which at least one run gave an answer or a label.
        num_unreviewed: Of these, items that no reviewer labelled.
        num_agreed: Items that two people or more labelled alike, or that were adjudicated.
        num_corrected: Items whose imported label or answer a reviewer or adjudicator changed.
        num_learned: Of these, items whose correction a finished training run learned from.
        num_disputed: Items that people labelled differently and nobody has adjudicated.
    """

    num_imported: int
    num_answered: int
    num_unreviewed: int
    num_reviewed: int
    num_agreed: int
    num_corrected: int
    num_learned: int
    num_disputed: int


def count_funnel(cur: DuckDBPyConnection, viewer: Viewer) -> Funnel:
    """Count how many items have come how far, but hidden ones."""
    return Funnel(*fetch_row(cur, "overview_funnel", viewer=viewer.parameter))


def count_items_by_label(cur: DuckDBPyConnection, viewer: Viewer) -> list[ItemCount]:
    """Count the items of each source, split, label set and label of record, but hidden ones."""
    return fetch_records(cur, ItemCount, "overview_items", viewer=viewer.parameter)


def count_reviews(
    cur: DuckDBPyConnection, viewer: Viewer, since: datetime | None = None
) -> ReviewCount:
    """Count what reviewers have said since an aware time, or at all, but of hidden items."""
    moment = None if since is None else to_timestamp(since)
    return ReviewCount(*fetch_row(cur, "overview_reviews", since=moment, viewer=viewer.parameter))


def measure_review_seconds(cur: DuckDBPyConnection) -> float | None:
    """Return the median time of labelling one item so far; None where nothing was timed."""
    return fetch_value(cur, float, "review_seconds")
