"""What an importer hands over: everything of one file, checked as far as the file alone allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from db.content.imported_labels import ImportedLabel
from db.records import Item, Prediction, Run


@dataclass(frozen=True)
class ImportBatch:
    """The content of one file as records.

    ``places`` maps an item id to its place in the file; ``unread`` are fields that it also has.
    """

    origin: str
    items: tuple[Item, ...] = ()
    run: Run | None = None
    predictions: tuple[Prediction, ...] = ()
    labels: tuple[ImportedLabel, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
