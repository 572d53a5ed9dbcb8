"""Finding the field of a JSON object in which an answer gives its label."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = (
    "answer|choice|label|prediction|decision|verdict|diagnosis|category|classification|conclusion"
    "|selection|response|antwort|réponse|respuesta|resposta|risposta|答案|答え|正解"
)
_FIELD: Final = re.compile(
    rf"""["'](?:[a-z]+[_ ])?(?:{_NAMES})s?(?:[_ ](?:choice|letter|idx|index|label|option))?["']"""
    r"""\s*:\s*(?P<value>\[[^\[\]{}]*\]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,"'\[{}][^,{}\n]*)""",
    re.IGNORECASE,
)
_END: Final = re.compile(r"\}[\s`]*\Z")


def find_answer_field(text: str) -> tuple[int, int] | None:
    """Return the span of what the last answer field of a JSON object says; None without one.

    The object ends the text, as where a prompt asks for JSON; what is before it does not matter.

    Example:
        >>> text = '{"reasoning": "A is slow.", "answer": "B"}'
        >>> text[slice(*find_answer_field(text))]
        'B'
    """
    begin = text.find("{")
    if begin < 0 or not _END.search(text):
        return None
    found = None
    for found in _FIELD.finditer(text, begin):  # noqa: B007 - the last one counts
        pass
    if found is None:
        return None
    start, end = found.span("value")
    is_quoted = text[start] in "\"'["
    return (start + 1, end - 1) if is_quoted else (start, end)
