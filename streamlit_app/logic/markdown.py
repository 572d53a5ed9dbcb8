"""A small Markdown, drawn safely: every text is escaped, and only these marks become elements.

Headings, paragraphs, lists, ``**bold**``, ``*italics*`` and `` `code` ``. No HTML, no links, no
images: guidelines are typed by people and must not fetch or run anything, nor forge our own signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamlit_app.text_safety import Html, element, join

_HEADING = re.compile(r"(#{1,4})\s+(.+)")
_BULLET = re.compile(r"\s{0,3}[-*+]\s+(.+)")
_NUMBER = re.compile(r"\s{0,3}\d{1,3}[.)]\s+(.+)")
_INLINE = re.compile(r"\*\*(?P<strong>[^*]+)\*\*|\*(?P<em>[^*\s][^*]*)\*|`(?P<code>[^`]+)`")
_FIRST_HEADING = 3
"""``#`` becomes this level: a guideline stands below the page's own headings."""


def render(text: str) -> Html:
    """Turn Markdown into markup."""
    return join(*_blocks(text.replace("\r\n", "\n").split("\n")))


def _blocks(lines: list[str]) -> Iterator[Html]:
    start = 0
    while start < len(lines):
        line = lines[start]
        if not line.strip():
            start += 1
            continue
        heading = _HEADING.fullmatch(line.strip())
        if heading:
            level = min(len(heading[1]) + _FIRST_HEADING - 1, 6)
            yield element(f"h{level}", _inline(heading[2]))
            start += 1
            continue
        kind = _kind(line)
        end = start
        while end < len(lines) and lines[end].strip() and _kind(lines[end]) == kind:
            end += 1
        yield _block(kind, lines[start:end])
        start = end


def _kind(line: str) -> str:
    if _HEADING.fullmatch(line.strip()):
        return "heading"
    if _BULLET.fullmatch(line):
        return "ul"
    return "ol" if _NUMBER.fullmatch(line) else "p"


def _block(kind: str, lines: list[str]) -> Html:
    if kind == "p":
        return element("p", _inline(" ".join(line.strip() for line in lines)))
    pattern = _BULLET if kind == "ul" else _NUMBER
    found = [pattern.fullmatch(line) for line in lines]
    return element(kind, *(element("li", _inline(match[1])) for match in found if match))


def _inline(text: str) -> Html:
    parts: list[str] = []
    end = 0
    for match in _INLINE.finditer(text):
        tag = str(match.lastgroup)
        parts += [text[end : match.start()], element(tag, match[tag])]
        end = match.end()
    return join(*parts, text[end:])
