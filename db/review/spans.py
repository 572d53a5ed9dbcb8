"""Whether a supporting span is inside the text that the reviewer was shown."""

from __future__ import annotations

from db.errors import InvalidAnnotationError
from db.records import Judgement, Phase


def require_span(judgement: Judgement, phase: Phase, answer: str | None, item_id: str) -> None:
    """Refuse a span of characters that its text does not have.

    Args:
        phase: A blind label cannot point at an answer that was not shown.
        answer: What the model wrote.

    Raises:
        InvalidAnnotationError: The span is outside its text, or there is no such text.
    """
    span = judgement.span
    if span is None:
        return
    text = judgement.answer if span.text == "corrected" else answer
    if text is None or (span.text == "answer" and phase == "blind"):
        raise InvalidAnnotationError(
            f"The supporting span of item {item_id!r} points at the {_NAMES[span.text]}, which the "
            "reviewer did not have before them. Remove the span, or mark it in a text that was "
            "shown."
        )
    if span.end > len(text):
        raise InvalidAnnotationError(
            f"The supporting span of item {item_id!r} ends at character {span.end:,}, but the "
            f"{_NAMES[span.text]} has {len(text):,}. Mark it again; characters are Unicode code "
            "points, counted from 0."
        )


_NAMES = {"answer": "model's answer", "corrected": "corrected answer"}
