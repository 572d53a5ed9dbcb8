"""A small Markdown, drawn safely: every text is escaped, and only these marks become elements.

Headings, paragraphs, lists, bold, italics and `` `code` ``. No HTML, no links, no images:
guidelines are typed by people and must not fetch or run anything, nor forge our own signs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from streamlit_app.markup import Html, element, escape, join

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

_MARKS: Final = ("heading", "list", "newline", "emphasis", "backticks")
_MAX_NESTING: Final = 100
"""Lists within lists; deeper text is left out."""
_TAGS: Final = {
    "paragraph": "p",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "strong": "strong",
    "em": "em",
}
_FIRST_HEADING: Final = 3
"""``#`` becomes this level: a guideline stands below the page's own headings."""


def render(text: str) -> Html:
    """Convert Markdown to markup."""
    from markdown_it.tree import SyntaxTreeNode

    return _draw_all(SyntaxTreeNode(_parser().parse(text)))


@cache
def _parser() -> MarkdownIt:
    """Return a parser that knows nothing but our marks."""
    # Imported with the first guideline: most pages have none.
    from markdown_it import MarkdownIt

    return MarkdownIt("zero", {"maxNesting": _MAX_NESTING}).enable(_MARKS)


def _draw_all(node: SyntaxTreeNode) -> Html:
    return join(*(_draw(child) for child in node.children))


def _draw(node: SyntaxTreeNode) -> Html:
    if node.type == "text":
        return escape(node.content)
    if node.type in ("softbreak", "hardbreak"):
        return escape(" ")
    if node.type == "code_inline":
        return element("code", node.content)
    if node.type == "heading":
        level = int(node.tag.removeprefix("h")) + _FIRST_HEADING - 1
        return element(f"h{min(level, 6)}", _draw_all(node))
    # The paragraph of a list's item is hidden, and "inline" is no element at all.
    if node.hidden or node.type not in _TAGS:
        return _draw_all(node)
    start = node.attrs.get("start")
    return element(_TAGS[node.type], _draw_all(node), start=None if start is None else str(start))
