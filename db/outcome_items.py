"""Which items lie behind a count of the Errors page, and what a run covers at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from duckdb import DuckDBPyConnection

from db.outcomes import Gold
from db.statements import load_sql

NO_LABEL: Final = ""
"""Asks for answers from which no label could be read; no label has an empty name."""

PairOutcome = Literal[
    "both_right",
    "text_right",
    "head_right",
    "head_rescued",
    "both_wrong_alike",
    "both_wrong_differently",
    "wrong_and_absent",
]
"""How the label in the text and the head's label of one item fare against its gold label.

``text_right``, ``head_right``: only that one is. ``head_rescued``: the head is right where the
answer had no readable label. ``wrong_and_absent``: the answer had none and the head is wrong.
"""
PAIR_OUTCOMES: Final[tuple[PairOutcome, ...]] = get_args(PairOutcome)


@dataclass(frozen=True)
class Scope:
    """How many predictions of a run belong to one label set, source and split."""

    label_set: str
    source: str
    split: str
    count: int


@dataclass(frozen=True)
class OutcomeFilter:
    """The items of one run and label set to count or list; None stands for any.

    ``text_label`` may be ``NO_LABEL``.
    """

    run_id: str
    gold: Gold
    label_set: str
    source: str | None = None
    split: str | None = None
    gold_label: str | None = None
    text_label: str | None = None
    head_label: str | None = None
    text_form: str | None = None
    pair_outcome: PairOutcome | None = None


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


_EQUALITIES = ("gold_label", "head_label", "text_form", "pair_outcome")


def list_scopes(cur: DuckDBPyConnection, run_id: str) -> list[Scope]:
    """Say which label sets, sources and splits a run has predictions for."""
    rows = cur.execute(load_sql("outcome_scopes"), {"run_id": run_id}).fetchall()
    return [Scope(*row) for row in rows]


def list_labels(cur: DuckDBPyConnection, label_set: str) -> list[str]:
    """Give every label that items of a label set allow, in the items' own order."""
    rows = cur.execute(load_sql("item_label_positions"), {"label_set": label_set}).fetchall()
    return [row[0] for row in rows]


def count_pair_outcomes(cur: DuckDBPyConnection, flt: OutcomeFilter) -> dict[PairOutcome, int]:
    """Count how text and head fare together, over the items that have both."""
    statement, parameters = _select("pair_outcome, count(*)", flt, "group by pair_outcome")
    counts = dict(cur.execute(statement, parameters).fetchall())
    return {outcome: counts.get(outcome, 0) for outcome in PAIR_OUTCOMES}


def count_text_forms(cur: DuckDBPyConnection, flt: OutcomeFilter) -> dict[str, int]:
    """Count the forms in which answers give their label; unread answers are left out."""
    statement, parameters = _select("text_form, count(*)", flt, "group by text_form")
    rows: list[tuple[str | None, int]] = cur.execute(statement, parameters).fetchall()
    return {form: count for form, count in rows if form is not None}


def count_items(cur: DuckDBPyConnection, flt: OutcomeFilter) -> int:
    """Count the items that pass the filter."""
    row = cur.execute(*_select("count(*)", flt)).fetchone()
    return 0 if row is None else int(row[0])


def list_items(
    cur: DuckDBPyConnection, flt: OutcomeFilter, *, limit: int = 50, offset: int = 0
) -> list[OutcomeRow]:
    """Give one page of the items that pass the filter, by item id."""
    columns = ", ".join(OutcomeRow.__dataclass_fields__)
    statement, parameters = _select(columns, flt, "order by item_id limit $limit offset $offset")
    rows = cur.execute(statement, {**parameters, "limit": limit, "offset": offset}).fetchall()
    return [OutcomeRow(*row) for row in rows]


def _select(columns: str, flt: OutcomeFilter, tail: str = "") -> tuple[str, dict[str, Any]]:
    """Give a statement over the filtered items and its parameters."""
    parameters: dict[str, Any] = {
        name: getattr(flt, name) for name in ("run_id", "gold", "label_set", "source", "split")
    }
    conditions = ["true"]
    for name in _EQUALITIES:
        value = getattr(flt, name)
        if value is not None:
            conditions.append(f"{name} = ${name}")
            parameters[name] = value
    if flt.text_label == NO_LABEL:
        conditions.append("has_text_outcome and text_label is null")
    elif flt.text_label is not None:
        conditions.append("text_label = $text_label")
        parameters["text_label"] = flt.text_label
    items, where = load_sql("outcome_items"), " and ".join(conditions)
    # Only constants of this module and of the SQL file are put together; values are bound.
    return f"select {columns} from ({items}) where {where} {tail}", parameters  # noqa: S608
