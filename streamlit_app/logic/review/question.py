"""Where a long case ends and the question proper begins."""

from __future__ import annotations

import re

LONG = 200
"""Characters from which a question is read as a case with a question at its end."""

_SENTENCE_END = re.compile(r"(?<=[.!?:)])\s+(?=[A-Z\"“(])")


def split_case(question: str) -> tuple[str, str]:
    """Split a long question into the case and its last sentence, which asks.

    Returns:
        The case, empty for a short question, and the question proper; together they are the text.
    """
    if len(question) < LONG:
        return "", question
    ends = list(_SENTENCE_END.finditer(question.rstrip()))
    if not ends:
        return "", question
    return question[: ends[-1].start()], question[ends[-1].end() :]
