"""The sentences of an answer, as characters of it: what a reviewer can point at with a key."""

from __future__ import annotations

import re

_BREAK = re.compile(r"[.!?][\"')\]]*(\s+)(?=[A-Z0-9\"'(\[*-])|(\n+)")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return where each sentence begins and ends; neither the space around it nor empty ones."""
    breaks = [found.span(found.lastindex or 0) for found in _BREAK.finditer(text)]
    starts = [0, *(end for _, end in breaks)]
    stops = [*(start for start, _ in breaks), len(text)]
    spans = []
    for start, stop in zip(starts, stops, strict=True):
        part = text[start:stop]
        first = start + len(part) - len(part.lstrip())
        last = start + len(part.rstrip())
        if first < last:
            spans.append((first, last))
    return spans
