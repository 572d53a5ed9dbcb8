"""Items and their answers read many at once, for those who go through a list one by one.

One by one, item and answer cost a save more than everything else. They change only with an import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from duckdb import DuckDBPyConnection

from db.content.items import item_from_row, without_answers
from db.records import Item, Prediction
from db.statements import execute_for, record_of


@dataclass(frozen=True)
class Content:
    """An item and what a run says of it, whole; a screen gets it through :meth:`seen`."""

    item: Item
    prediction: Prediction | None

    def seen(self, *, is_hidden: bool) -> Content:
        """Return what a viewer may see, to whom the item is hidden or not."""
        return Content(without_answers(self.item), None) if is_hidden else self


def read_contents(
    cur: DuckDBPyConnection, run_id: str | None, item_ids: Sequence[str]
) -> Mapping[str, Content]:
    """Return items with their predictions in a run, by id; those that do not exist are left out."""
    rows = sorted(execute_for(cur, "content_items", item_ids), key=itemgetter(-1))
    items = {row[0]: item_from_row(row) for row in rows}  # of each the latest version
    predictions: dict[str, Prediction] = {}
    if run_id is not None:
        found = execute_for(cur, "content_predictions", item_ids, run_id=run_id)
        predictions = {row[1]: record_of(Prediction, row) for row in found}
    return {item_id: Content(item, predictions.get(item_id)) for item_id, item in items.items()}
