"""What an importer hands over: everything of one file, checked as far as the file alone allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from db.arrow_tables import open_table, save_table
from db.content.imported_labels import ImportedLabel
from db.content.items import item_table
from db.content.predictions import prediction_table
from db.records import Item, Prediction, Run

_PLACES, _ITEMS, _PREDICTIONS = "places.arrow", "items.arrow", "predictions.arrow"
_PLACE_SCHEMA = pa.schema([("item_id", pa.string()), ("place", pa.string())])


@dataclass(frozen=True)
class ImportBatch:
    """The content of one file as records, or staged as tables in files.

    ``places`` maps an item id to its place in the file; ``unread`` are fields that it also has.
    """

    origin: str
    items: Sequence[Item] | pa.Table = ()
    run: Run | None = None
    predictions: Sequence[Prediction] | pa.Table = ()
    labels: tuple[ImportedLabel, ...] = ()
    places: Mapping[str, str] | pa.Table = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    def place_of(self, item_id: str) -> str:
        """Return where in the file an item is."""
        if isinstance(self.places, pa.Table):
            rows = self.places.filter(pc.equal(self.places["item_id"], item_id))
            return str(rows["place"][0]) if rows.num_rows else "item"
        return self.places.get(item_id, "item")

    def stage(self, folder: Path) -> ImportBatch:
        """Write what may be large into a folder, and return the rest, for :meth:`staged`.

        Raises:
            InvalidItemError: Items that contradict themselves, or two of one id.
        """
        places = {"item_id": list(self.places), "place": list(self.places.values())}
        save_table(folder / _PLACES, pa.table(places, schema=_PLACE_SCHEMA))
        save_table(folder / _ITEMS, item_table(self.items, origin=self.origin))
        save_table(folder / _PREDICTIONS, prediction_table(self.predictions))
        return replace(self, items=(), predictions=(), places={})

    def staged(self, folder: Path) -> ImportBatch:
        """Return the batch with the tables that :meth:`stage` wrote, which stay on the disk."""
        return replace(
            self,
            items=open_table(folder / _ITEMS),
            predictions=open_table(folder / _PREDICTIONS),
            places=open_table(folder / _PLACES),
        )
