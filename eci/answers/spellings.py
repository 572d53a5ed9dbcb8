"""Finding names and texts of labels, whatever spaces, hyphens and markup divide their words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eci.answers.text import is_joined

_SEPARATORS: Final = " \t\n-_*\"'`"
_SQUEEZED: Final = str.maketrans(dict.fromkeys(_SEPARATORS))
_SPLIT: Final = re.compile(rf"[{re.escape(_SEPARATORS)}]+")
_MIN_SQUEEZED: Final = 3
"""Shorter texts must occur exactly."""


def find_spellings(text: str, texts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, int, int]]:
    """Yield the label, start and end of each place in a text where one of ``texts`` occurs.

    Args:
        text: In lower case.
        texts: What to look for, in lower case, each with its label.
    """
    squeezed = text.translate(_SQUEEZED) if texts else ""
    positions: list[int] = []
    for phrase, label in texts:
        sought = phrase.translate(_SQUEEZED)
        count = squeezed.count(sought)
        if not count:
            continue
        if len(sought) < _MIN_SQUEEZED or text.count(phrase) == count:
            spans = _spans(text, phrase)
        else:
            positions = positions or [k for k, c in enumerate(text) if c not in _SEPARATORS]
            found = _spans(squeezed, sought)
            spans = ((positions[start], positions[end - 1] + 1) for start, end in found)
        for start, past in spans:
            end = past + (len(sought) >= _MIN_SQUEEZED and _is_plural(text, past))
            if _is_whole(text, start, end) and _has_words(text[start:end], phrase):
                yield label, start, end


def _spans(text: str, phrase: str) -> Iterator[tuple[int, int]]:
    start = text.find(phrase)
    while start >= 0:
        yield start, start + len(phrase)
        start = text.find(phrase, start + len(phrase))


def _is_plural(text: str, end: int) -> bool:
    return text[end - 1].isalpha() and text.startswith("s", end) and text[end - 1] != "s"


def _is_whole(text: str, start: int, end: int) -> bool:
    """Refuse parts of words, of compounds and of numbers: "T1" of "T1a", "grade 2" of "2.5"."""
    if is_joined(text, start) or is_joined(text, end):
        return False
    if text[start].isalnum() and text[start - 1 : start] == "-" and start:
        return False
    following = text[end + 1 : end + 2]
    if not text[end - 1].isalnum():
        return True
    is_decimal = text[end - 1].isdigit() and text[end : end + 1] in {".", ","}
    return not (
        (text[end : end + 1] == "-" and following.isalnum()) or (is_decimal and following.isdigit())
    )


def _has_words(found: str, phrase: str) -> bool:
    """Return whether separators divide a match as they divide the phrase, or into real words."""
    if found == phrase:
        return True
    numbers = re.findall(r"\d+", found) == re.findall(r"\d+", phrase)
    words = set(_SPLIT.split(phrase))
    # "5 mg" is "5mg", but "T1 a" is not "T1a".
    return numbers and not any(
        len(word) == 1 and word.isalpha() and word not in words for word in _SPLIT.split(found)
    )
