"""Two runs on the items they share, for the Compare page; counted in DuckDB.

Call ``scored_runs.refresh`` for both runs first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from duckdb import DuckDBPyConnection

from db.outcomes.item_lists import find_questions
from db.outcomes.selection import By, Gold
from db.statements import load_sql
from db.viewer import Viewer

Change = Literal["fixed", "broken", "both_right", "both_wrong"]
"""``fixed``: wrong in run A, right in run B; ``broken``: the other way round."""


@dataclass(frozen=True)
class PairFilter:
    """The items that two runs share and on which both have an outcome, but hidden ones.

    ``by_a`` and ``by_b`` say which label of each run is judged; ``source``, ``split`` None: all.
    """

    viewer: Viewer
    run_a: str
    run_b: str
    by_a: By
    by_b: By
    gold: Gold
    label_set: str
    source: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class PairCell:
    """How many shared items have this gold label and these labels of run A and run B."""

    gold: str
    label_a: str | None
    label_b: str | None
    count: int


@dataclass(frozen=True)
class PairRow:
    """One shared item."""

    item_id: str
    question: str
    gold: str
    label_a: str | None
    label_b: str | None
    change: Change


def count_pairs(cur: DuckDBPyConnection, flt: PairFilter) -> list[PairCell]:
    """Count the shared items by gold label and both runs' labels."""
    rows = cur.execute(
        f"select gold_label, label_a, label_b, count(*) from ({load_sql('run_pair_items')}) "  # noqa: S608
        "where gold_label is not null group by all order by all",
        pair_parameters(flt),
    ).fetchall()
    return [PairCell(*row) for row in rows]


def list_pairs(
    cur: DuckDBPyConnection,
    flt: PairFilter,
    change: Change | None = None,
    *,
    limit: int = 50,
    offset: int = 0,
) -> list[PairRow]:
    """Return one page of the shared items, by item id; of one kind of change, or all (None)."""
    parameters = {**pair_parameters(flt), "change": change, "limit": limit, "offset": offset}
    rows = cur.execute(
        "select item_id, gold_label, label_a, label_b, change "  # noqa: S608
        f"from ({load_sql('run_pair_items')}) "
        "where gold_label is not null and ($change::varchar is null or change = $change) "
        "order by item_id limit $limit offset $offset",
        parameters,
    ).fetchall()
    questions = find_questions(cur, [row[0] for row in rows])
    return [PairRow(row[0], questions[row[0]], *row[1:]) for row in rows]


def list_labels_of(cur: DuckDBPyConnection, run_id: str) -> tuple[By, ...]:
    """Return which labels a run has: read from its texts, of its head, or both."""
    row = cur.execute(load_sql("run_labels"), {"run_id": run_id}).fetchone() or (False, False)
    names: tuple[By, ...] = ("text", "head")
    return tuple(by for by, has in zip(names, row, strict=True) if has)


def pair_parameters(flt: PairFilter) -> dict[str, Any]:
    """Return what ``run_pair_items.sql`` asks for."""
    named = {name: getattr(flt, name) for name in PairFilter.__dataclass_fields__}
    return {**named, "viewer": flt.viewer.parameter}


def count_corrections(cur: DuckDBPyConnection) -> dict[str, int]:
    """Return, for each training run, how many items of its snapshot people had corrected."""
    return dict(cur.execute(load_sql("run_corrections")).fetchall())
