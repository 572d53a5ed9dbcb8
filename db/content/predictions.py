"""Predictions: what a model gave for each item of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from db import search
from db.arrow_tables import incoming, table_of
from db.content.item_versions import record_seen_versions
from db.errors import InvalidPredictionError
from db.records import Prediction
from db.statements import fetch_record, fetch_records, load_sql
from db.viewer import Viewer, is_hidden

_BATCH_SIZE = 10_000
"""Stored in one statement, while which others wait for a core."""
_MAX_NAMED = 5


def prediction_table(predictions: Iterable[Prediction]) -> pa.Table:
    """Return predictions as the table that ``add_predictions`` stores."""
    return table_of("incoming_prediction", [_to_row(prediction) for prediction in predictions])


def add_predictions(cur: DuckDBPyConnection, predictions: Iterable[Prediction] | pa.Table) -> int:
    """Add predictions to runs that exist, in batches. The caller owns the transaction.

    All of a run are added in one transaction: more of them later would be an alteration of the run.

    After it, the caller indexes the words of more than ``search.BATCH`` answers by
    ``Database.complete_index``.

    Args:
        predictions: Or the table that ``prediction_table`` made of them.

    Returns:
        How many were added.

    Raises:
        InvalidPredictionError: An unknown run or item, a label that the item does not allow,
            probabilities that do not fit its labels, or an item predicted twice in a run.
    """
    table = predictions if isinstance(predictions, pa.Table) else prediction_table(predictions)
    record_seen_versions(cur, table)
    for start in range(0, table.num_rows, _BATCH_SIZE):
        batch = table.slice(start, _BATCH_SIZE)
        with incoming(cur, "incoming_prediction", batch):
            cur.execute(load_sql("seen_version_of_import"))
            faults = cur.execute(load_sql("prediction_find_faults")).fetchall()
            if faults:
                raise _describe_faults(faults, batch.num_rows)
            cur.execute(load_sql("prediction_insert"))
            search.index_incoming(cur, "answer", table.num_rows)
    return int(table.num_rows)


def require_same_predictions(
    cur: DuckDBPyConnection, run_id: str, predictions: Iterable[Prediction] | pa.Table
) -> None:
    """Refuse predictions that differ from those of a stored run; its own export is the same.

    Raises:
        InvalidPredictionError: It names each item.
    """
    table = predictions if isinstance(predictions, pa.Table) else prediction_table(predictions)
    with incoming(cur, "incoming_prediction", table):
        rows = cur.execute(load_sql("prediction_find_changed"), {"run_id": run_id}).fetchall()
    if rows:
        named = "; ".join(f"{item_id!r} {fault}" for item_id, fault in rows[:_MAX_NAMED])
        raise InvalidPredictionError(
            f"{len(rows)} predictions differ from those of the stored run {run_id!r}, nothing was "
            f"changed: {named}. Runs never change: use another run_id.",
            rows,
        )


def find_prediction(
    cur: DuckDBPyConnection, run_id: str, item_id: str, viewer: Viewer
) -> Prediction | None:
    """Return the prediction of a run for an item; None where there is none, or it is hidden.

    Its answer label and form are the run's own or, where the run gave none, our reader's.
    """
    if is_hidden(cur, viewer, item_id):
        return None
    return fetch_record(cur, Prediction, "prediction_find", run_id=run_id, item_id=item_id)


def list_predictions(cur: DuckDBPyConnection, run_id: str, viewer: Viewer) -> list[Prediction]:
    """Return the predictions of a run by item id, labels as ``find_prediction`` gives them.

    Those of hidden items are left out.
    """
    return fetch_records(cur, Prediction, "prediction_list", run_id=run_id, viewer=viewer.parameter)


def _to_row(prediction: Prediction) -> dict[str, Any]:
    probabilities = prediction.head_probabilities
    ranked = sorted(probabilities or (), reverse=True)
    return {
        **vars(prediction),
        "head_probabilities": None if probabilities is None else list(probabilities),
        "head_confidence": ranked[0] if ranked else None,
        "head_margin": ranked[0] - ranked[1] if len(ranked) > 1 else None,
    }


def _describe_faults(
    faults: Sequence[tuple[str, str, str]], batch_size: int
) -> InvalidPredictionError:
    named = "; ".join(f"{item_id!r}: {fault}" for _, item_id, fault in faults[:_MAX_NAMED])
    return InvalidPredictionError(
        f"{len(faults)} faults in {batch_size} predictions of run {faults[0][0]!r}, nothing was "
        f"added. First: {named}. Add the run and import its items before its predictions.",
        [(item_id, fault) for _, item_id, fault in faults],
    )
