"""Counting what a run got right and wrong, for the Errors page; done in DuckDB.

An item counts where it has a gold label and the run has an outcome for it: for the text an answer
that was read (without a readable label it counts as wrong), for the head a head label. Call
``scored_runs.refresh`` for the run first: these functions read the columns that it fills.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.outcomes import scored_runs
from db.outcomes.selection import Gold, OutcomeFilter, select_rows
from db.statements import fetch_column, fetch_records, fetch_row
from db.viewer import Viewer


@dataclass(frozen=True)
class JointCell:
    """How many items have this gold label, label read from the text and label of the head.

    ``text`` is None where the answer had no readable label, or, with ``has_text`` False, where no
    answer was read; ``head`` is None for a run without a head.
    """

    gold: str
    has_text: bool
    text: str | None
    head: str | None
    count: int


@dataclass(frozen=True)
class Bin:
    """The items with a head confidence between ``low`` (included) and ``high``.

    The last bin includes its ``high``. ``accuracy`` is the share whose head label is right;
    ``sum_squared_gaps`` sums the squares of right (1 or 0) less confidence, ``sum_variances``
    confidence times (1 - confidence).
    """

    low: float
    high: float
    count: int
    mean_confidence: float
    accuracy: float
    sum_squared_gaps: float
    sum_variances: float


@dataclass(frozen=True)
class ConfidenceCount:
    """How many items have a head confidence of at least ``low`` and less than the next step."""

    low: float
    is_right: bool
    count: int


@dataclass(frozen=True, eq=False)
class HeadProbabilities:
    """The head's probabilities of some items with a gold label.

    Attributes:
        item_nos: Shape ``(n_items,)``; numbers for ``list_items_by_number``, good until a refresh.
        probabilities: Shape ``(n_items, n_labels)``, float64; 0 where an item lacks a label.
        y: Column of the gold label, shape ``(n_items,)``.
    """

    item_nos: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]
    y: npt.NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table, num_labels: int) -> HeadProbabilities:
        """Build from the columns ``item_no``, ``p`` and ``y`` of an Arrow table."""
        parts = (part.flatten().to_numpy() for part in table["p"].chunks)
        return cls(
            table["item_no"].to_numpy().astype(np.int64),
            np.concatenate([np.empty(0), *parts]).reshape(len(table), num_labels),
            table["y"].to_numpy().astype(np.int64),
        )


@dataclass(frozen=True)
class AnnotatorCell:
    """How many of the items that a person labelled have this gold label and got that label.

    ``origin`` is ``review``, or ``import`` for labels that came with a data set. ``label`` is None
    for a reviewer who accepts several labels, or none.
    """

    name: str
    origin: str
    gold: str
    label: str | None
    count: int


@dataclass(frozen=True)
class ReviewTime:
    """What one annotation took, of those with a measured time of up to ten minutes."""

    num_annotations: int
    mean_seconds: float | None
    sd_seconds: float | None
    median_seconds: float | None


@dataclass(frozen=True)
class FormCount:
    """How the answers of a run give their label, and what they go on to say after it.

    Characters and tokens are of the answers whose label has a known place; tokens past it are
    estimated by the share of the characters, and are of the answers with a token count.
    """

    run_id: str
    form: str
    count: int
    num_placed: int
    sum_characters_past: int
    num_tokens: int
    sum_tokens: int
    sum_tokens_past: float
    sum_squared_tokens_past: float


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
    num_head: int
    head_correct: int


def count_joint(cur: DuckDBPyConnection, flt: OutcomeFilter) -> list[JointCell]:
    """Count the items by gold label, label in the text and label of the head."""
    names = "gold_label, has_text_outcome, text_label, head_label"
    statement, parameters = select_rows(f"{names}, count(*)", flt, "group by all order by all")
    return [JointCell(*row) for row in cur.execute(statement, parameters).fetchall()]


def count_bins(cur: DuckDBPyConnection, flt: OutcomeFilter, num_bins: int = 15) -> list[Bin]:
    """Sort the head's predictions into equally wide bins of confidence; empty ones are left out."""
    statement, parameters = select_rows(
        "least(floor(head_confidence * $num_bins), $num_bins - 1)::integer as bin, count(*), "
        "avg(head_confidence), avg((head_label = gold_label)::integer), "
        "sum(((head_label = gold_label)::integer - head_confidence) ** 2), "
        "sum(head_confidence * (1 - head_confidence))",
        flt,
        "and head_confidence is not null group by bin order by bin",
    )
    rows = cur.execute(statement, {**parameters, "num_bins": num_bins}).fetchall()
    return [Bin(row[0] / num_bins, (row[0] + 1) / num_bins, *row[1:]) for row in rows]


def count_confidences(cur: DuckDBPyConnection, flt: OutcomeFilter) -> list[ConfidenceCount]:
    """Count right and wrong items of the head by confidence, in steps of 0.001."""
    statement, parameters = select_rows(
        "floor(head_confidence * 1000) / 1000 as low, head_label = gold_label, count(*)",
        flt,
        "and head_confidence is not null group by all order by all",
    )
    return [ConfidenceCount(*row) for row in cur.execute(statement, parameters).fetchall()]


def load_probabilities(
    cur: DuckDBPyConnection, flt: OutcomeFilter, labels: Sequence[str], limit: int | None = None
) -> HeadProbabilities:
    """Read the head's probabilities, in the order of ``labels``.

    Args:
        limit: Read at most this many items: a sample that is random, and the same every time.
    """
    usable = "and head_probabilities is not null and list_contains($labels, gold_label)"
    tail, chosen = f"{usable} order by item_no", dict[str, Any]()
    if limit is not None:
        # In two steps: putting probabilities in order costs far more than choosing a few items.
        numbers, parameters = select_rows(
            "item_no", flt, f"{usable} order by hash(item_id) limit $limit"
        )
        parameters |= {"labels": list(labels), "limit": limit}
        found = cur.execute(numbers, parameters).fetchnumpy()
        tail = "and item_no in (select unnest($item_nos::integer[])) order by hash(item_id)"
        chosen["item_nos"] = found["item_no"].tolist()
    table = read_probabilities(
        cur, flt, labels, probabilities="head_probabilities", tail=tail, parameters=chosen
    )
    return HeadProbabilities.of(table, len(labels))


def read_probabilities(
    cur: DuckDBPyConnection,
    flt: OutcomeFilter,
    labels: Sequence[str],
    *,
    probabilities: str,
    tail: str,
    more: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> pa.Table:
    """Read a column of probabilities in the order of ``labels`` as an Arrow table.

    Args:
        probabilities: The column; like ``tail`` and ``more``, further columns, a constant of this
            package, never a value from outside.
        parameters: Of ``tail``, in addition to ``labels``.

    Returns:
        ``item_no``, ``y`` (the gold label's place among ``labels``), ``p`` and what ``more`` names.
    """
    statement, bound = select_rows(
        "item_no, list_position($labels, gold_label) - 1 as y, list_transform($labels, "
        f"lambda label: coalesce({probabilities}[list_position(labels, label)], 0.0)) as p{more}",
        flt,
        tail,
    )
    bound |= {"labels": list(labels), **(parameters or {})}
    cur.complete()  # a result that was not read to its end would stand in the way
    return cur.sql(statement, params=bound).to_arrow_table()


def count_annotators(cur: DuckDBPyConnection, flt: OutcomeFilter) -> list[AnnotatorCell]:
    """Count what people's standing annotations say of the items, against the gold label.

    Brings the annotations up to date itself.
    """
    rows, parameters = select_rows("item_no, gold_label", flt)
    statement = (
        "select annotation.name, annotation.origin, gold_label, annotation.label, count(*) "  # noqa: S608
        f"from ({rows}) as counted "
        "join scratch.annotation as annotation on annotation.item_no = counted.item_no "
        "group by all order by all"
    )
    scored_runs.refresh_annotations(cur)
    return [AnnotatorCell(*row) for row in cur.execute(statement, parameters).fetchall()]


def list_reader_hits(
    cur: DuckDBPyConnection, flt: OutcomeFilter
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_], npt.NDArray[np.int64]]:
    """Return every label that reviewers here gave to the items: whether it is the gold label.

    Brings the annotations up to date itself.

    Returns:
        Number of the item, name of the reviewer, and 1 or 0, each of shape ``(n_labels,)``.
    """
    rows, parameters = select_rows("item_no, gold_label", flt)
    statement = (
        "select item_no, annotation.name as name, "  # noqa: S608
        "coalesce(annotation.label = gold_label, false)::integer as hit "
        f"from ({rows}) as counted join scratch.annotation as annotation using (item_no) "
        "where annotation.origin = 'review'"
    )
    scored_runs.refresh_annotations(cur)
    found = cur.execute(statement, parameters).fetchnumpy()
    return (
        np.asarray(found["item_no"], dtype=np.int64),
        np.asarray(found["name"], dtype=str),
        np.asarray(found["hit"], dtype=np.int64),
    )


def measure_review_time(cur: DuckDBPyConnection) -> ReviewTime:
    """Return the time of labelling one item so far, over all current annotations."""
    scored_runs.refresh_annotations(cur)
    return ReviewTime(*fetch_row(cur, "outcome_review_time"))


def count_forms(
    cur: DuckDBPyConnection,
    viewer: Viewer,
    run_ids: Sequence[str],
    label_set: str,
    source: str | None = None,
    split: str | None = None,
) -> list[FormCount]:
    """Count the forms of the answers of several runs; answers that were not read are left out.

    So are those to hidden items.
    """
    return fetch_records(
        cur,
        FormCount,
        "outcome_forms",
        run_ids=list(run_ids),
        label_set=label_set,
        source=source,
        split=split,
        viewer=viewer.parameter,
    )


def summarise_runs(
    cur: DuckDBPyConnection, viewer: Viewer, gold: Gold, split: str | None = "test"
) -> list[RunSummary]:
    """Summarise every run, one row for each of its label sets, newest run first.

    Hidden items are left out.

    Brings the columns up to date for every run itself.
    """
    scored_runs.refresh(cur, fetch_column(cur, "outcome_run_ids"))
    return fetch_records(
        cur, RunSummary, "outcome_summaries", gold=gold, split=split, viewer=viewer.parameter
    )
