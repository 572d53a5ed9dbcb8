"""An answer's Markdown as a safe subset, with the words that decided its label marked.

Headings, lists, bold, code and tables; no HTML, links or images. What could change the meaning of
a text is drawn as written: a single ``*`` (``CYP2C9*3``), the signs and numbers of lists, entities,
backslashes. Each run of text carries its place in the answer, by which the desk finds the
characters that a reviewer marks. Where Markdown would drop a word, such as a cell too many of a
table, the whole text is drawn as written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from streamlit_app.markup import Html, element, join

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

Mark = tuple[int, int, str, str]
"""Start, end, class and title of a marked part."""

_RULES: Final = ("heading", "list", "fence", "table")
_HAS_MARKDOWN: Final = re.compile(r"\*\*|[`|]|^ {0,3}(?:#|[-+*] |\d{1,9}[.)] |~~~)", re.MULTILINE)
_INLINE: Final = re.compile(
    r"(?<![\w*])\*\*(?=[^\s*])(?P<strong>.{1,500}?)(?<=[^\s*])\*\*(?![\w*])|`(?P<code>[^`\n]+)`",
    re.DOTALL,
)
"""Bold and code within a line; stars inside a word are no marks."""
_SIGNS: Final = re.compile(r"(?>^[ \t>*+-]*+(?:\d{1,9}[.)][ \t*+-]*+)++|\W)*+", re.MULTILINE)
"""What may be left out between runs of text: no word, and no number but that of a list."""
_MAX_NESTING: Final = 50
_FIRST_HEADING: Final = 4
"""``#`` becomes this level: an answer stands below the page's own headings."""
_TAGS: Final = {
    **{"paragraph": "p", "bullet_list": "ul", "ordered_list": "ol"},
    **{name: name for name in ("table", "thead", "tbody", "tr", "th", "td")},
}


def draw_answer(text: str, marks: Sequence[Mark] = ()) -> Html:
    """Return an answer's markup; a mark that overlaps an earlier one is left out.

    Args:
        text: The answer, or its beginning.
        marks: What to mark, by characters of the text.
    """
    if not _HAS_MARKDOWN.search(text):
        return _Drawing(text, marks).run(0, len(text))
    from markdown_it.tree import SyntaxTreeNode

    drawing = _Drawing(text, marks)
    drawn = drawing.all(SyntaxTreeNode(_parser().parse(text)))
    return drawn if drawing.is_whole else _Drawing(text, marks).run(0, len(text))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("zero", {"maxNesting": _MAX_NESTING}).enable(_RULES)


class _Drawing:
    """One answer being drawn from its beginning to its end."""

    def __init__(self, text: str, marks: Sequence[Mark]) -> None:
        self._text = text
        self._marks = _apart(marks, len(text))
        self._at = 0
        self._end = 0  # of the last run
        self._has_all = True
        self._lines = [0, *(found.end() for found in re.finditer(r"\r\n?|\n", text))]

    @property
    def is_whole(self) -> bool:
        """Return whether every word of the text was drawn."""
        return self._has_all and self._is_sign(len(self._text))

    def _is_sign(self, start: int) -> bool:
        return _SIGNS.fullmatch(self._text, min(self._end, start), start) is not None

    def run(self, start: int, end: int) -> Html:
        """Return a run of the text with its place, parts of it inside ``<mark>``."""
        self._has_all = self._has_all and self._is_sign(start)
        self._end = end
        pieces: list[str] = []
        at = start
        for first, last, cls, title in self._marks:
            low, high = max(first, at), min(last, end)
            if low < high:
                marked = element("mark", self._text[low:high], cls=cls, title=title)
                pieces += [self._text[at:low], marked]
                at = high
        return element("span", *pieces, self._text[at:end], data_at=str(start))

    def all(self, node: SyntaxTreeNode) -> Html:
        """Return the markup of a node's children."""
        return join(*(self._draw(child) for child in node.children))

    def _draw(self, node: SyntaxTreeNode) -> Html:
        if node.type in ("inline", "fence") and node.map:
            self._at = max(self._at, self._lines[node.map[0]])
        if node.type == "inline":
            self._skip_to(node.content)
            return self._inline(node.content)
        if node.type == "fence":
            info = self._find(f"{node.info.strip()}\n") if node.info.strip() else Html()
            self._at = self._text.find("\n", self._at) + 1
            return element("pre", info, self._find(node.content.rstrip("\n")))
        return self._block(node)

    def _inline(self, content: str) -> Html:
        pieces: list[str] = []
        at = 0
        for found in _INLINE.finditer(content):
            pieces.append(self._find(content[at : found.start()]))
            kind = found.lastgroup or ""
            pieces.append(element(kind, self._find(found[kind])))
            at = found.end()
        return join(*pieces, self._find(content[at:]))

    def _block(self, node: SyntaxTreeNode) -> Html:
        if node.type == "heading":
            level = min(int(node.tag[1:]) + _FIRST_HEADING - 1, 6)
            return element(f"h{level}", self.all(node))
        if node.type == "list_item":
            sign = f"{node.info}{node.markup}"  # as written: a list may begin at 5, or with a plus
            return element("li", self.all(node), style=f"list-style-type:'{sign} '")
        if node.hidden or node.type not in _TAGS:
            return self.all(node)
        return element(_TAGS[node.type], self.all(node))

    def _skip_to(self, content: str) -> None:
        """Move to where a block's text begins, after the sign of a list or a heading."""
        first = content.split("\n", 1)[0]
        end = self._text.find("\n", self._at)
        line = self._text[self._at : len(self._text) if end < 0 else end]
        if line.rstrip().endswith(first):
            self._at += line.rstrip().rindex(first)

    def _find(self, content: str) -> Html:
        """Return the next part of the text that reads so, line by line: indents are left out."""
        lines = [self._find_line(line) for line in content.split("\n")]
        return join(*(piece for line in lines for piece in ("\n", line)))[1:]

    def _find_line(self, line: str) -> Html:
        start = self._text.find(line, self._at)
        if start < 0:  # a tab that was drawn as spaces
            return element("span", line)
        self._at = start + len(line)
        return self.run(start, self._at) if line else Html()


def _apart(marks: Sequence[Mark], length: int) -> list[Mark]:
    """Return the marks that lie in a text, in order, without those that overlap an earlier one."""
    apart: list[Mark] = []
    for start, end, cls, title in sorted(marks):
        if (apart[-1][1] if apart else 0) <= start < end <= length:
            apart.append((start, end, cls, title))
    return apart
