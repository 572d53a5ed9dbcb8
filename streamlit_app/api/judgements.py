"""What a caller sent of a judgement, as the store's record."""

from __future__ import annotations

from db.records import Judgement, Span
from streamlit_app.api.contract import JudgementSent


def make_judgement(sent: JudgementSent) -> Judgement:
    """Convert what was sent.

    Raises:
        InvalidAnnotationError: The span is empty.
    """
    span = sent.span
    return Judgement(
        labels=tuple(dict.fromkeys(sent.labels)),
        answer=sent.answer,
        note=sent.note.strip(),
        verdicts=sent.verdicts,
        severity=sent.severity,
        confidence=sent.confidence,
        span=None if span is None else Span(span.text, span.start, span.end),
    )
