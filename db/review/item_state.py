"""What counts for one reviewer on one item beyond its annotations, read in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_json
from db.records import Phase
from db.statements import load_sql


@dataclass(frozen=True)
class ItemState:
    """A reviewer's draft and flag, and the label that an adjudicator decided on."""

    draft_phase: str | None
    draft_body: str
    is_flagged: bool
    decision: str | None

    def has_draft(self, phase: Phase) -> bool:
        """Return whether there is a draft for a phase."""
        return self.draft_phase == phase and bool(self.draft_body)

    def draft(self, phase: Phase) -> dict[str, Any]:
        """Return the draft for a phase; empty where there is none."""
        return from_json(self.draft_body) if self.has_draft(phase) else {}


def read_item_state(cur: DuckDBPyConnection, item_id: str, reviewer_id: str) -> ItemState:
    """Return the state of an item for a reviewer; the reviewer's own and the decision alone."""
    parameters = {"item_id": item_id, "reviewer_id": reviewer_id}
    draft, flag, decision = cur.execute(load_sql("item_state"), parameters).fetchall()
    return ItemState(draft[0], draft[1] or "", flag[0] == "flag", decision[0])
