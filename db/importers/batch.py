"""What an importer hands over: everything of one file, checked as far as the file alone allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from db.arrow_tables import SCHEMAS, open_table, save_table
from db.content.imported_labels import ImportedLabel
from db.content.items import item_table
from db.content.predictions import prediction_table
from db.records import Item, LabelSet, Prediction, Run

_PLACES, _ITEMS, _PREDICTIONS = "places.arrow", "items.arrow", "predictions.arrow"
_HINTS = "hints.arrow"


@dataclass(frozen=True)
class ImportBatch:
    """The content of one file as records, or staged as tables in files.

    ``places`` maps an item id to its place in the file; ``unread`` are fields that it also has.
    """

    origin: str
    items: Sequence[Item] | pa.Table = ()
    runs: tuple[Run, ...] = ()
    predictions: Sequence[Prediction] | pa.Table = ()
    labels: tuple[ImportedLabel, ...] = ()
    places: Mapping[str, str] | pa.Table = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    hints: Mapping[str, str] | pa.Table = field(default_factory=dict)
    """Item id to a text that contains its question, of answers without the item itself."""
    description: str = ""
    """What the file is, in words."""
    label_sets: tuple[LabelSet, ...] = ()
    """Of its items, to be stored where they are not."""
    notes: tuple[str, ...] = ()
    """What was noticed in it, in words."""

    @property
    def run(self) -> Run | None:
        """Return the first run of the file."""
        return self.runs[0] if self.runs else None

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
        save_table(folder / _PLACES, text_table(self.places))
        save_table(folder / _HINTS, text_table(self.hints))
        save_table(folder / _ITEMS, item_table(self.items, origin=self.origin))
        save_table(folder / _PREDICTIONS, prediction_table(self.predictions))
        return replace(self, items=(), predictions=(), places={}, hints={})

    def staged(self, folder: Path) -> ImportBatch:
        """Return the batch with the tables that :meth:`stage` wrote, which stay on the disk."""
        return replace(
            self,
            items=open_table(folder / _ITEMS),
            predictions=open_table(folder / _PREDICTIONS),
            places=open_table(folder / _PLACES),
            hints=open_table(folder / _HINTS),
        )


def text_table(texts: Mapping[str, str] | pa.Table) -> pa.Table:
    """Return texts by item id as a table."""
    if isinstance(texts, pa.Table):
        return texts
    columns = {"item_id": list(texts), "place": list(texts.values())}
    return pa.table(columns, schema=SCHEMAS["incoming_place"])
