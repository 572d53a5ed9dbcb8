"""Field types shared by the formats: what a text, a label or an id may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

PUBMEDQA_LABELS = ("yes", "no", "maybe")
PUBMEDQA_LABEL_SET = "pubmedqa"
_MAX_INTEGER = 2**31 - 1


def _refuse_unstorable(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL character is not allowed")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("half of a surrogate pair is no text") from error
    return text


def _refuse_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("expected some text, not only blanks")
    return text


def refuse_unstorable(value: Any) -> Any:
    """Return a value; raise ValueError where a text in it cannot be stored."""
    for text in _texts_in(value):
        _refuse_unstorable(text)
    return value


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)


Text = Annotated[str, AfterValidator(_refuse_unstorable)]
FilledText = Annotated[Text, AfterValidator(_refuse_blank)]
Identifier = Annotated[str, Field(pattern=r"^[^\s\p{C}](?:[^\p{C}]{0,198}[^\s\p{C}])?$")]
"""1 to 200 visible characters; ids appear in addresses and widget keys."""
OptionLabel = Annotated[str, Field(pattern=r"^[^\s\p{C}](?:[^\p{C}]{0,98}[^\s\p{C}])?$")]
"""1 to 100 visible characters: a letter, a number or a word in any script."""
Metadata = Annotated[dict[str, Any], AfterValidator(refuse_unstorable)]
Count = Annotated[int, Field(ge=0, le=_MAX_INTEGER)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
