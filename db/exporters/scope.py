"""Which rows an export is about: some items, a queue, a person, a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from db.conversions import to_timestamp
from db.errors import ExportError

_OF_PEOPLE: Final = ("annotations", "corrections")
"""The kinds whose rows have a person, a time and a queue of their own."""


@dataclass(frozen=True)
class ExportScope:
    """Limits that each row of an export passes; None sets none."""

    item_ids: Sequence[str] | pa.StringArray | None = None
    queue_id: str | None = None
    """Annotations and corrections that were made in it; of other kinds its items."""
    reviewer: str | None = None
    """Of this name; rows whose name is hidden from the viewer are left out."""
    since: datetime | None = None
    """Made at this aware time or later."""
    until: datetime | None = None
    """Made before this aware time."""

    def narrow(self, kind: str, statement: str) -> tuple[str, dict[str, Any]]:
        """Return a statement with the conditions, in its order, and their parameters.

        Args:
            kind: What is exported: an ``ExportKind`` or ``label_studio``.
            statement: One of ours.

        Raises:
            ExportError: The kind has no persons or times.
        """
        conditions: dict[str, Any] = {}
        if self.item_ids is not None:
            ids = self.item_ids
            given = ids.to_pylist() if isinstance(ids, pa.Array) else list(ids)
            conditions["item_id in (select unnest($item_ids::varchar[]))"] = ("item_ids", given)
        is_of_people = kind in _OF_PEOPLE
        if self.queue_id is not None:
            items = "item_id in (select item_id from queue_item where queue_id = $queue_id)"
            condition = "queue_id = $queue_id" if is_of_people else items
            conditions[condition] = ("queue_id", self.queue_id)
        if self.reviewer is not None:
            conditions["reviewer = $reviewer"] = ("reviewer", self.reviewer)
        for name, sign, moment in (("since", ">=", self.since), ("until", "<", self.until)):
            if moment is not None:
                condition = f"created_at {sign} ${name}::timestamp"
                conditions[condition] = (name, to_timestamp(moment))
        if not is_of_people and (self.reviewer or self.since or self.until):
            raise ExportError(
                f"{kind!r} cannot be narrowed to a person or a time: it has neither. Export "
                f"{' or '.join(_OF_PEOPLE)}, or narrow it to a queue."
            )
        if not conditions:
            return statement, {}
        narrowed = (
            "select * exclude (place) "  # noqa: S608 - only texts of this module
            f"from (select *, row_number() over () as place from ({statement})) "
            f"where {' and '.join(conditions)} order by place"
        )
        return narrowed, dict(conditions.values())
