"""What the promotion gate reads: two runs on the test split, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from db.statements import fetch_records, load_sql
from db.viewer import Viewer


@dataclass(frozen=True)
class GatePair:
    """One test item with its label of record and what the heads of two runs say.

    ``label_a`` and ``probabilities_a`` are None where there is no first run. Where ``is_several``,
    every label is a set and each label has a probability of its own.
    """

    item_id: str
    label_set: str
    labels: tuple[str, ...]
    gold_label: str
    label_a: str | None
    label_b: str
    probabilities_a: tuple[float, ...] | None
    probabilities_b: tuple[float, ...]
    is_several: bool = False


def list_gate_pairs(
    cur: DuckDBPyConnection, viewer: Viewer, run_a: str | None, run_b: str
) -> list[GatePair]:
    """Pair two runs on the test items that both classified; by label set, then item id.

    Hidden items are left out.
    """
    return fetch_records(
        cur, GatePair, "gate_pairs", run_a=run_a, run_b=run_b, viewer=viewer.parameter
    )


def count_test_items(
    cur: DuckDBPyConnection, viewer: Viewer, run_a: str | None, run_b: str
) -> dict[str, int]:
    """Count the test items that both runs classified, by label set; labelled or not."""
    parameters = {"run_a": run_a, "run_b": run_b, "viewer": viewer.parameter}
    return dict(cur.execute(load_sql("gate_population"), parameters).fetchall())
