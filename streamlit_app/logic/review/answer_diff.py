"""What a reviewer changed in an answer, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

MAX_WORDS = 4_000
"""Longer texts are compared line by line: word by word would take seconds."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


class Change(NamedTuple):
    """One stretch of text: kept, taken out, or put in."""

    kind: Literal["same", "out", "in"]
    text: str


def compare_answers(before: str, after: str) -> list[Change]:
    """Return the stretches that lead from one text to the other, in order.

    Those that are ``same`` or ``out`` make up ``before``; those that are ``same`` or ``in``,
    ``after``.
    """
    before, after = _plain(before), _plain(after)
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > MAX_WORDS:
        old, new = _LINES.findall(before), _LINES.findall(after)
    changes: list[Change] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            changes.append(Change("same", "".join(old[a:b])))
            continue
        if b > a:
            changes.append(Change("out", "".join(old[a:b])))
        if d > c:
            changes.append(Change("in", "".join(new[c:d])))
    return changes


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
