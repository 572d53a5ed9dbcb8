"""Which items lie behind a count of the Errors page, and what a run covers at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from duckdb import DuckDBPyConnection

from db.outcomes.selection import OutcomeFilter, select_rows
from db.statements import fetch_column, fetch_records, load_sql

ItemOrder = Literal["item_id", "least_sure", "most_sure"]
_ORDERS: dict[ItemOrder, str] = {
    "item_id": "item_id",
    "least_sure": "head_confidence nulls last, item_id",
    "most_sure": "head_confidence desc nulls last, item_id",
}


@dataclass(frozen=True)
class Scope:
    """How many predictions of a run belong to one label set, source and split."""

    label_set: str
    source: str
    split: str
    count: int


@dataclass(frozen=True)
class OutcomeRow:
    """One item with its gold label and what the run said; ``text_label`` None: not readable."""

    item_id: str
    question: str
    gold_label: str
    text_label: str | None
    text_form: str | None
    head_label: str | None
    head_confidence: float | None


def list_scopes(cur: DuckDBPyConnection, run_id: str) -> list[Scope]:
    """Return the label sets, sources and splits that a run has predictions for."""
    return fetch_records(cur, Scope, "outcome_scopes", run_id=run_id)


def list_labels(cur: DuckDBPyConnection, label_set: str) -> list[str]:
    """Return every label that items of a label set allow, in the items' own order."""
    return fetch_column(cur, "outcome_labels", label_set=label_set)


def count_items(cur: DuckDBPyConnection, flt: OutcomeFilter) -> int:
    """Count the items that pass the filter."""
    row = cur.execute(*select_rows("count(*)", flt)).fetchone()
    return 0 if row is None else int(row[0])


def list_items(
    cur: DuckDBPyConnection,
    flt: OutcomeFilter,
    *,
    limit: int = 50,
    offset: int = 0,
    order: ItemOrder = "item_id",
) -> list[OutcomeRow]:
    """Return one page of the items that pass the filter."""
    columns = ", ".join(name for name in OutcomeRow.__dataclass_fields__ if name != "question")
    statement, parameters = select_rows(
        columns, flt, f"order by {_ORDERS[order]} limit $limit offset $offset"
    )
    rows = cur.execute(statement, {**parameters, "limit": limit, "offset": offset}).fetchall()
    questions = find_questions(cur, [row[0] for row in rows])
    return [OutcomeRow(row[0], questions[row[0]], *row[1:]) for row in rows]


def list_item_ids(
    cur: DuckDBPyConnection, flt: OutcomeFilter, *, order: ItemOrder = "item_id"
) -> list[str]:
    """Return the ids of all items that pass the filter."""
    statement, parameters = select_rows("item_id", flt, f"order by {_ORDERS[order]}")
    return [row[0] for row in cur.execute(statement, parameters).fetchall()]


def list_items_by_number(
    cur: DuckDBPyConnection, flt: OutcomeFilter, item_nos: Sequence[int]
) -> list[OutcomeRow]:
    """Return the items with these numbers, in the order of the numbers."""
    columns = ", ".join(name for name in OutcomeRow.__dataclass_fields__ if name != "question")
    statement, parameters = select_rows(
        f"item_no, {columns}", flt, "and item_no in (select unnest($item_nos::integer[]))"
    )
    found = cur.execute(statement, {**parameters, "item_nos": list(item_nos)}).fetchall()
    by_number = {row[0]: row[1:] for row in found}
    rows = [by_number[number] for number in item_nos if number in by_number]
    questions = find_questions(cur, [row[0] for row in rows])
    return [OutcomeRow(row[0], questions[row[0]], *row[1:]) for row in rows]


def list_ids_by_number(
    cur: DuckDBPyConnection, flt: OutcomeFilter, item_nos: Sequence[int]
) -> list[str]:
    """Return the ids of the items with these numbers, in the order of the numbers."""
    statement, parameters = select_rows(
        "item_no, item_id", flt, "and item_no in (select unnest($item_nos::integer[]))"
    )
    found = cur.execute(statement, {**parameters, "item_nos": list(item_nos)}).fetchall()
    ids = dict(found)
    return [ids[number] for number in item_nos if number in ids]


def find_questions(cur: DuckDBPyConnection, item_ids: Sequence[str]) -> dict[str, str]:
    """Return the questions of a page of items."""
    parameters = {"item_ids": list(item_ids)}
    return dict(cur.execute(load_sql("outcome_questions"), parameters).fetchall())
