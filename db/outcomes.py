"""Counting what runs got right and wrong, for the Errors and Compare pages; done in DuckDB.

An item counts where it has a gold label and the run has an outcome for it: for the text an answer
that was read (without a readable label it counts as wrong), for the head a head label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from duckdb import DuckDBPyConnection

from db.statements import load_sql

By = Literal["text", "head"]
"""Which of a run's two labels is judged: the one read from the answer, or the head's."""
Gold = Literal["imported", "record"]
"""What it is judged against: the label the item came with, or the label of record."""
Outcome = Literal["fixed", "broken", "both_right", "both_wrong"]


@dataclass(frozen=True)
class Cell:
    """One cell of a confusion matrix; ``predicted`` is None for an answer without a label."""

    gold: str
    predicted: str | None
    count: int


@dataclass(frozen=True)
class Bin:
    """The items of which the head was between ``low`` (included) and ``high`` sure.

    The last bin includes its ``high``. ``accuracy`` is the share whose head label is right.
    """

    low: float
    high: float
    count: int
    mean_confidence: float
    accuracy: float


@dataclass(frozen=True)
class PairedOutcome:
    """One item that two runs have in common; ``fixed``: wrong in the first, right in the second."""

    item_id: str
    question: str
    gold: str
    label_a: str | None
    label_b: str | None
    outcome: Outcome


@dataclass(frozen=True)
class RunSummary:
    """How many items of one label set a run got right.

    ``n`` items have a prediction and a gold label; of these ``num_text`` have an answer that was
    read and ``num_head`` a head label.
    """

    run_id: str
    label_set: str
    n: int
    num_text: int
    text_correct: int
    num_unreadable: int
    num_head: int
    head_correct: int


def confusion(
    cur: DuckDBPyConnection,
    run_id: str,
    by: By,
    gold: Gold,
    label_set: str,
    source: str | None = None,
    split: str | None = None,
) -> list[Cell]:
    """Count each pair of gold and predicted label that occurs."""
    parameters = {
        "run_id": run_id,
        "by": by,
        "gold": gold,
        "label_set": label_set,
        "source": source,
        "split": split,
    }
    return [Cell(*row) for row in cur.execute(load_sql("outcome_confusion"), parameters).fetchall()]


def reliability_bins(
    cur: DuckDBPyConnection,
    run_id: str,
    gold: Gold,
    label_set: str,
    split: str | None = None,
    num_bins: int = 15,
    source: str | None = None,
) -> list[Bin]:
    """Sort the head's predictions into equally wide bins of confidence; empty ones are left out."""
    parameters = {
        "run_id": run_id,
        "gold": gold,
        "label_set": label_set,
        "source": source,
        "split": split,
        "num_bins": num_bins,
    }
    rows = cur.execute(load_sql("outcome_reliability"), parameters).fetchall()
    return [Bin(row[0] / num_bins, (row[0] + 1) / num_bins, *row[1:]) for row in rows]


def answer_forms(cur: DuckDBPyConnection, run_id: str) -> dict[str, int]:
    """Count the forms in which a run's answers give their label; unread answers are left out."""
    rows = cur.execute(load_sql("outcome_answer_forms"), {"run_id": run_id}).fetchall()
    return dict(rows)


def compare_runs(
    cur: DuckDBPyConnection,
    run_a: str,
    run_b: str,
    by: By,
    gold: Gold,
    split: str | None = None,
    label_set: str | None = None,
) -> list[PairedOutcome]:
    """Pair the outcomes of two runs on the items that count in both, by item id."""
    parameters = {
        "run_a": run_a,
        "run_b": run_b,
        "by": by,
        "gold": gold,
        "split": split,
        "label_set": label_set,
    }
    rows = cur.execute(load_sql("outcome_compare"), parameters).fetchall()
    return [PairedOutcome(*row) for row in rows]


def summarise_runs(
    cur: DuckDBPyConnection, gold: Gold, split: str | None = "test"
) -> list[RunSummary]:
    """Summarise every run, one row for each of its label sets, newest run first."""
    rows = cur.execute(load_sql("outcome_summaries"), {"gold": gold, "split": split}).fetchall()
    return [RunSummary(*row) for row in rows]
