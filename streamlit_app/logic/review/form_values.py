"""What the form of an item starts from: the reviewer's draft over their standing annotation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

from db.records import Annotation, Confidence, Judgement, Severity, Span, SpanText, Verdict


def starting_values(
    mine: Annotation | None, draft: Mapping[str, Any], labels: tuple[str, ...]
) -> Judgement:
    """Return what the form starts from; of a draft only what is still possible is taken.

    Args:
        mine: The current annotation.
        draft: Fields by name as the browser or the page stored them.
        labels: The item's labels.
    """
    start = Judgement() if mine is None else mine.judgement
    picked, also = split_labels(start)
    if draft.get("label", "") in (None, *labels):
        picked = draft["label"]
    if isinstance(draft.get("also"), list):
        also = tuple(label for label in labels if label in draft["also"])
    return replace(start, labels=join_labels(picked, also), **_possible(draft))


def split_labels(judgement: Judgement) -> tuple[str | None, tuple[str, ...]]:
    """Return the label to show as picked, and the further acceptable ones."""
    return next(iter(judgement.labels), None), judgement.labels[1:]


def join_labels(picked: str | None, also: Iterable[str]) -> tuple[str, ...]:
    """Return every acceptable label, the one picked first."""
    return tuple(dict.fromkeys(label for label in (picked, *also) if label is not None))


def _possible(draft: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, allowed in (("severity", Severity), ("confidence", Confidence)):
        if name in draft and draft[name] in (None, *get_args(allowed)):
            found[name] = draft[name]
    if isinstance(draft.get("verdicts"), list):
        found["verdicts"] = tuple(name for name in get_args(Verdict) if name in draft["verdicts"])
    for name in ("note", "answer"):
        if isinstance(draft.get(name), str):
            found[name] = draft[name]
    if "span" in draft:
        found["span"] = _span(draft["span"])
    return found


def _span(stored: object) -> Span | None:
    if not isinstance(stored, list) or len(stored) != 3 or stored[0] not in get_args(SpanText):
        return None
    start, end = int(stored[1]), int(stored[2])
    return Span(stored[0], start, end) if 0 <= start < end else None
