"""A digest of what was on screen when a label was given, which is stored with it."""

from __future__ import annotations

from typing import Final

from db.chain import canonical, digest_of
from db.records import Encounter, Item

_HIDDEN_BLIND: Final = ["answer", "gold_label", "judgements"]


def shown_digest(item: Item, answer: str | None, encounter: Encounter) -> str:
    """Return the SHA-256 of what a reviewer was shown, as the view ``shown`` makes it again.

    Args:
        item: In the version that was shown.
        answer: The run's, where it was shown.
    """
    found = {
        "answer": None if answer is None else digest_of(answer),
        "context": [{"heading": part.heading, "text": part.text} for part in item.context],
        "guideline_version": encounter.guideline_version,
        "hidden": _HIDDEN_BLIND if encounter.phase == "blind" else [],
        "item_id": item.item_id,
        "item_version": item.version,
        "labels": list(item.labels),
        "options": [{"label": part.label, "text": part.text} for part in item.options],
        "phase": encounter.phase,
        "presentation": encounter.presentation,
        "question": item.question,
    }
    return digest_of(canonical({name: part for name, part in found.items() if part is not None}))
