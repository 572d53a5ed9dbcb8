"""Which phase of an item a reviewer is in: open, blind, or after the reveal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from db.records import Annotation, Phase
from db.review.annotations import kept_annotations
from db.review.settings import ReviewMode


def next_phase(mode: ReviewMode, kept: Iterable[Annotation]) -> Phase:
    """Return the phase in which an item is shown.

    Args:
        mode: What the queue or the project asks for.
        kept: The reviewer's annotations on the item that were not taken back; where a queue asks,
            those made in it.
    """
    if mode == "open":
        return "open"
    phases = [annotation.encounter.phase for annotation in kept]
    if "blind" in phases:
        return "revealed"
    return "open" if "open" in phases else "blind"


def kept_by(
    history: Sequence[Annotation], reviewer_id: str, queue_id: str | None = None
) -> list[Annotation]:
    """Return a reviewer's annotations out of an item's history that were not taken back.

    Args:
        history: All annotations of the item, oldest first.
        reviewer_id: Whose annotations to return.
        queue_id: The queue in which they were made; None for any, or none.
    """
    return [
        annotation
        for annotation in kept_annotations(history)
        if annotation.reviewer_id == reviewer_id
        and queue_id in (None, annotation.encounter.queue_id)
    ]
