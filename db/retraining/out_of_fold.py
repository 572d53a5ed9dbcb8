"""Probabilities of training items from a head that was fitted without them, by run.

The views ``learned_item`` and ``unseen_prediction`` read them: what a run says of items that it has
learned from repeats their labels, right or wrong, and cannot speak against them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming, table_of
from db.errors import InvalidPredictionError
from db.statements import load_sql

Basis = Literal["held_out", "base_model"]
"""``held_out``: the run's own head, fitted without the item's fold, on a model that had not seen
the item either. ``base_model``: its adapter had, so a head on the base model alone."""

_MAX_NAMED = 5


@dataclass(frozen=True)
class OutOfFold:
    """What a head that was fitted without an item gives each of the item's labels."""

    run_id: str
    item_id: str
    basis: Basis
    probabilities: tuple[float, ...]


def out_of_fold_table(rows: Iterable[OutOfFold]) -> pa.Table:
    """Return rows as the table that ``add_out_of_fold`` stores."""
    return table_of("incoming_out_of_fold", [asdict(row) for row in rows])


def add_out_of_fold(cur: DuckDBPyConnection, rows: Iterable[OutOfFold] | pa.Table) -> None:
    """Store what the heads of one run say out of fold. The caller owns the transaction.

    Args:
        rows: Or the table that ``out_of_fold_table`` made of them.

    Raises:
        InvalidPredictionError: An unknown item, one given twice, or probabilities that do not fit
            its labels.
    """
    table = rows if isinstance(rows, pa.Table) else out_of_fold_table(rows)
    with incoming(cur, "incoming_out_of_fold", table):
        faults = cur.execute(load_sql("out_of_fold_find_faults")).fetchall()
        if faults:
            named = "; ".join(f"{item_id}: {fault}" for _, item_id, fault in faults[:_MAX_NAMED])
            raise InvalidPredictionError(
                f"{len(faults)} of {table.num_rows} probabilities out of fold do not fit the "
                f"stored items: {named}. Train the run again on a snapshot of this store.",
                [(item_id, fault) for _, item_id, fault in faults],
            )
        cur.execute(load_sql("out_of_fold_insert"))
