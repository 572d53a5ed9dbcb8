"""What the form of an item starts from: the reviewer's draft over their standing annotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from db.records import Annotation, Confidence, Severity, Span, SpanText, Verdict


@dataclass(frozen=True)
class FormValues:
    """The fields of the form. ``label`` is the one picked, ``also`` are further acceptable ones."""

    label: str | None = None
    also: tuple[str, ...] = ()
    answer: str | None = None
    note: str = ""
    verdicts: tuple[Verdict, ...] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None
    span: Span | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Every acceptable label, the one picked first."""
        picked = () if self.label is None else (self.label,)
        return tuple(dict.fromkeys((*picked, *self.also)))

    @property
    def says_more(self) -> bool:
        """Return whether anything beyond label and note is said."""
        return replace(self, label=None, note="") != FormValues()


def starting_values(
    mine: Annotation | None, draft: Mapping[str, Any], labels: tuple[str, ...]
) -> FormValues:
    """Return what the form starts from; of a draft only what is still possible is taken.

    Args:
        mine: The annotation that stands.
        draft: Fields by name as the browser or the page stored them.
        labels: The item's labels.
    """
    values = FormValues()
    if mine is not None:
        values = FormValues(
            label=mine.labels[0] if mine.labels else None,
            also=mine.labels[1:],
            answer=mine.answer,
            note=mine.note,
            verdicts=mine.verdicts,
            severity=mine.severity,
            confidence=mine.confidence,
            span=mine.span,
        )
    return replace(values, **_possible(draft, labels))


def _possible(draft: Mapping[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    one_of = {"label": labels, "severity": get_args(Severity), "confidence": get_args(Confidence)}
    for name, allowed in one_of.items():
        if name in draft and (draft[name] is None or draft[name] in allowed):
            found[name] = draft[name]
    several = {"also": labels, "verdicts": get_args(Verdict)}
    for name, allowed in several.items():
        if isinstance(draft.get(name), list):
            found[name] = tuple(value for value in allowed if value in draft[name])
    for name in ("note", "answer"):
        if isinstance(draft.get(name), str):
            found[name] = draft[name]
    if "span" in draft:
        found["span"] = _span(draft["span"])
    return found


def _span(stored: object) -> Span | None:
    if not isinstance(stored, list) or len(stored) != 3 or stored[0] not in get_args(SpanText):
        return None
    return Span(stored[0], int(stored[1]), int(stored[2]))
