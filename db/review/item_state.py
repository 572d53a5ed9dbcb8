"""What counts for one reviewer on an item: all that was said of it, their draft, their flag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_json
from db.records import Annotation, Phase
from db.review.annotation_rows import list_histories
from db.statements import execute_for


@dataclass(frozen=True)
class ItemState:
    """What a label depends on but for the texts; for screens, ``view_history`` hides of it."""

    history: tuple[Annotation, ...] = ()
    """All that was said of it, by anyone, oldest first."""
    draft_phase: str | None = None
    draft_body: str = ""
    is_flagged: bool = False
    decision: str | None = None
    """The label that an adjudicator decided on, of the item as it is now."""
    sense_version: int = 1
    """The version that last changed the item's sense."""
    set_aside: str | None = None
    """Why the item was set aside; None where it is in use."""

    def has_draft(self, phase: Phase) -> bool:
        """Return whether there is a draft for a phase."""
        return self.draft_phase == phase and bool(self.draft_body)

    def draft(self, phase: Phase) -> dict[str, Any]:
        """Return the draft for a phase; empty where there is none."""
        return from_json(self.draft_body) if self.has_draft(phase) else {}


def read_item_states(
    cur: DuckDBPyConnection, item_ids: Sequence[str], reviewer_id: str
) -> dict[str, ItemState]:
    """Return the state of items for a reviewer, in two statements."""
    histories = list_histories(cur, item_ids)
    facts: dict[str, dict[str, tuple[str, str]]] = {item_id: {} for item_id in item_ids}
    rows = execute_for(cur, "item_state", item_ids, reviewer_id=reviewer_id)
    for item_id, kind, name, value in rows:
        facts[item_id][kind] = name, value
    return {item_id: _make_state(histories[item_id], facts[item_id]) for item_id in item_ids}


def _make_state(history: tuple[Annotation, ...], facts: dict[str, tuple[str, str]]) -> ItemState:
    nothing = (None, None)
    draft_phase, draft_body = facts.get("draft", nothing)
    decision, decided_version = facts.get("decision", nothing)
    sense_version = int(facts.get("sense", ("1", ""))[0])
    is_decided = decided_version is not None and int(decided_version) >= sense_version
    return ItemState(
        history=history,
        draft_phase=draft_phase,
        draft_body=draft_body or "",
        is_flagged=facts.get("flag", nothing)[0] == "flag",
        decision=decision if is_decided else None,
        sense_version=sense_version,
        set_aside=facts.get("aside", nothing)[0],
    )
