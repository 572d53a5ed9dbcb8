"""What the Review and Items pages read: filtered, searched and paged lists of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db import search
from db.review.item_columns import source_of, tells
from db.statements import fetch_records, fetch_row
from db.viewer import EVERYTHING, Viewer

Show = Literal[
    "all",
    "unreviewed",
    "reviewed",
    "text_wrong",
    "head_wrong",
    "text_head_differ",
    "conflicting",
    "no_label",
    "flagged",
    "fast",
    "accepted",
    "set_aside",
]
Order = Literal["item_id", "confidence"]


@dataclass(frozen=True)
class ReviewFilter:
    """Which items to show, and seen with which run and by which reviewer.

    ``unreviewed`` and ``reviewed`` speak of the reviewer where one is given, else of anybody.
    Right and wrong are meant against the label of record. ``no_label``: an answer from which no
    label could be read. ``flagged`` and ``fast``: the reviewer, or anybody, flagged the item, or
    has a standing label on it that was saved in less time than reading takes. ``accepted``: a
    rule accepted the run's answer without review. ``set_aside``: the items that are in no other
    list. ``search``: every word must occur in the item's id, question,
    context or options, in the run's answer or in a note; see ``db/search.py``.
    """

    run_id: str | None = None
    source: str | None = None
    split: str | None = None
    show: Show = "all"
    gold_label: str | None = None
    answer_label: str | None = None
    head_label: str | None = None
    answer_form: str | None = None
    search: str = ""
    reviewer_id: str | None = None
    only_predicted: bool = False
    """Leave out items for which the run has no prediction; without a run that is all of them."""
    item_ids: tuple[str, ...] | None = None
    """Only these items; None for any. A queue of chosen items has (): it takes in no others."""


@dataclass(frozen=True)
class ReviewRow:
    """One line of a list: an item with what the run and the reviewers say of it."""

    item_id: str
    source: str
    split: str
    question: str
    gold_label: str | None
    gold_origin: str | None
    answer_label: str | None
    answer_form: str | None
    head_label: str | None
    head_confidence: float | None
    my_label: str | None
    num_annotations: int
    """Standing annotations by reviewers; those that came with a data set are not counted."""
    conflicting: bool
    is_hidden: bool = False
    """The viewer is to label it blind: all but the item itself and their own label is left out."""
    num_agreeing: int = 0
    """How many of those reviewers gave the label that was given most often."""


_EQUALITIES = ("source", "split", "gold_label", "answer_label", "head_label", "answer_form")

_SHOW_CONDITIONS = {
    "text_wrong": (
        "has_text_outcome and gold_label is not null and answer_label is distinct from gold_label"
    ),
    "head_wrong": "head_label <> gold_label",
    "text_head_differ": (
        "has_text_outcome and head_label is not null and answer_label is distinct from head_label"
    ),
    "conflicting": "conflicting",
    "no_label": "has_text_outcome and answer_label is null",
    "flagged": "is_flagged",
    "fast": "is_fast",
    "accepted": "is_accepted",
    "set_aside": "is_set_aside",
}

_ORDERS = {"item_id": "item_id", "confidence": "confidence_rank, item_id"}


def get_rows(
    cur: DuckDBPyConnection,
    item_ids: Sequence[str],
    viewer: Viewer,
    *,
    run_id: str | None = None,
    reviewer_id: str | None = None,
) -> list[ReviewRow]:
    """Return what a list shows of some items, in the order of their ids given.

    Of a hidden one it shows the item itself and the reviewer's own label.
    """
    return fetch_records(
        cur,
        ReviewRow,
        "review_page",
        item_ids=list(item_ids),
        run_id=run_id,
        reviewer_id=reviewer_id,
        viewer=viewer.parameter,
    )


def list_item_ids(
    cur: DuckDBPyConnection, flt: ReviewFilter, viewer: Viewer, order: Order = "item_id"
) -> list[str]:
    """Return the ids of all items that pass the filter, in order: the review queue."""
    statement, parameters = _build("item_id", flt, viewer, order)
    statement += f" order by {_ORDERS[order]}"
    return [row[0] for row in cur.execute(statement, parameters).fetchall()]


def item_id_array(
    cur: DuckDBPyConnection, flt: ReviewFilter, viewer: Viewer, order: Order = "item_id"
) -> pa.StringArray:
    """Return the same ids as :func:`list_item_ids`, in a tenth of the memory: 200,000 take 5 MB."""
    statement, parameters = _build("item_id", flt, viewer, order)
    statement += f" order by {_ORDERS[order]}"
    cur.complete()  # a result that was not read to its end would stand in the way
    table = cur.sql(statement, params=parameters).to_arrow_table()
    return table["item_id"].combine_chunks()


def data_version(cur: DuckDBPyConnection) -> tuple[int, ...]:
    """Return a value that differs whenever a list of items may have become another."""
    return fetch_row(cur, "review_version")


def viewer_of_list(flt: ReviewFilter, viewer: Viewer, order: Order = "item_id") -> Viewer:
    """Return for whom a list of ids is made: for all viewers if nothing hidden can shape it.

    Lists that are the same for all are shared.
    """
    if not viewer.is_held_back:
        return EVERYTHING
    where, _ = _conditions(flt)
    is_shaped = bool(flt.search.strip()) or tells(f"{where} {_ORDERS[order]}")
    return viewer if is_shaped else EVERYTHING


def select_items(columns: str, flt: ReviewFilter, viewer: Viewer) -> tuple[str, dict[str, Any]]:
    """Return the statement that selects columns of the items that pass the filter, unordered.

    What a hidden item says is null in it, see ``item_columns.py``.

    Args:
        columns: Columns of ``item_columns`` or expressions over them; never from input.

    Returns:
        The statement and its parameters.
    """
    return _build(columns, flt, viewer)


def _build(
    columns: str, flt: ReviewFilter, viewer: Viewer, order: Order = "item_id"
) -> tuple[str, dict[str, Any]]:
    """Return the statement and its parameters; only constants of this module go into the text."""
    where, parameters = _conditions(flt)
    source = source_of(f"item_id {columns} {_ORDERS[order]} {where}", viewer)
    statement = f"select {columns} from {source} where {where}"  # noqa: S608
    # DuckDB takes no parameter that a statement does not name.
    seen_with = {
        "run_id": flt.run_id,
        "reviewer_id": flt.reviewer_id,
        "viewer": viewer.parameter,
    }
    parameters |= {name: value for name, value in seen_with.items() if f"${name}" in statement}
    return statement, parameters


def _conditions(flt: ReviewFilter) -> tuple[str, dict[str, Any]]:
    """Return what a filter asks for, and its parameters.

    Filters that are off are left out rather than compared with null, so that DuckDB does not read
    the texts that no filter needs.
    """
    parameters: dict[str, Any] = {}
    conditions = []
    for name in _EQUALITIES:
        value = getattr(flt, name)
        if value is not None:
            conditions.append(f"{name} = ${name}")
            parameters[name] = value
    if flt.show != "all":
        conditions.append(_show_condition(flt))
    if flt.only_predicted:
        conditions.append("is_predicted")
    if flt.search.strip():
        found, words = search.condition(flt.search, "item_id")
        conditions.append(found)
        parameters |= words
    if flt.item_ids is not None:
        conditions.append("item_id in (select unnest($item_ids::varchar[]))")
        parameters["item_ids"] = list(flt.item_ids)
    return " and ".join(conditions) or "true", parameters


def _show_condition(flt: ReviewFilter) -> str:
    if flt.show in ("unreviewed", "reviewed"):
        reviewed = "num_annotations > 0" if flt.reviewer_id is None else "my_label is not null"
        return reviewed if flt.show == "reviewed" else f"not ({reviewed})"
    return _SHOW_CONDITIONS[flt.show]
