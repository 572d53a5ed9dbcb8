"""What an annotator says as an annotation of the store, with the further columns of an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from db.content.imported_labels import ImportedLabel
from db.errors import InvalidAnnotationError
from db.importers.entries import Opinion
from db.importers.label_reading import label_of_file
from db.importers.paths import text_of
from db.records import Encounter, Judgement, Span

_TRUE = frozenset({"true", "1"})


def imported_label(opinion: Opinion, item_id: str, labels: Sequence[str]) -> ImportedLabel:
    """Return an opinion with its labels as those of the item.

    Raises:
        InvalidAnnotationError: A word of its further columns is not one of its kind.
    """
    details = opinion.details
    action = text_of(details.get("action")) or "label"
    if action not in ("label", "retract"):
        raise InvalidAnnotationError(f"The action {action!r} is not known: it is label or retract.")
    return ImportedLabel(
        item_id=item_id,
        reviewer_name=opinion.annotator,
        labels=tuple(labels),
        phase=opinion.phase,
        verdicts=opinion.verdicts,
        note=opinion.note,
        duration_seconds=opinion.duration_seconds,
        created_at=opinion.created_at,
        annotation_id=opinion.annotation_id,
        action="retract" if action == "retract" else "label",
        judgement=_judgement(details),
        encounter=_encounter(opinion, details),
        old_label=label_of_file(details.get("old_label")),
        old_answer=details.get("old_answer"),
        retracted_annotation_id=details.get("retracted_annotation_id"),
    )


def moment_of(value: Any) -> datetime | None:
    """Return a time that a file writes, in UTC where it names no zone; None for anything else."""
    if isinstance(value, datetime):
        moment = value
    else:
        try:
            moment = datetime.fromisoformat(text_of(value).replace("Z", "+00:00"))
        except ValueError:
            return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if 1900 < moment.year < 2200 else None


def _judgement(details: Mapping[str, Any]) -> Judgement:
    span = None
    if details.get("span_text"):
        start, end = (int(details[name]) for name in ("span_start", "span_end"))
        span = Span(details["span_text"], start, end)
    return Judgement(
        answer=details.get("answer"),
        severity=details.get("severity"),
        confidence=details.get("confidence"),
        span=span,
        is_flagged=_is_true(details.get("is_flagged")),
    )


def _encounter(opinion: Opinion, details: Mapping[str, Any]) -> Encounter:
    return Encounter(
        run_id=details.get("run_id"),
        presentation=details.get("presentation") or "first",
        guideline_version=details.get("guideline_version"),
        duration_seconds=opinion.duration_seconds,
        is_fast=_is_true(details.get("is_fast")),
        client_at=moment_of(details.get("client_at")),
    )


def _is_true(value: Any) -> bool:
    return text_of(value).casefold() in _TRUE
