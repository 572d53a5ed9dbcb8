"""A few rows of figures as a plain table.

Not a data frame: each of those is a canvas with a search box and a menu, which the browser takes
some 60 ms to set up and a screen reader cannot read in one go. Lists that one scrolls, sorts or
selects from stay data frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from streamlit_app import safe_text
from streamlit_app.logic.tables import Cell
from streamlit_app.markup import element

_FIGURE_LENGTH: Final = 32
"""Longer cells hold words, which take several lines where the table is wide."""


def draw(
    columns: Mapping[str, Sequence[Cell]], *, alt: str, explained: Mapping[str, str] | None = None
) -> None:
    """Draw columns of equal length; the first one names the rows, the others hold figures.

    Args:
        columns: Cells by the title of their column; None is an empty cell.
        alt: What the table shows, for screen readers.
        explained: What a column holds, by its title; shown under the pointer.
    """
    words = explained or {}
    titles = (element("th", title, scope="col", title=words.get(title)) for title in columns)
    head = element("thead", element("tr", *titles))
    lines = zip(*columns.values(), strict=True)
    body = element("tbody", *(_row(line) for line in lines))
    table = element("table", element("caption", alt), head, body, cls="lc-figures")
    safe_text.draw(element("div", table, cls="lc-scroll", tabindex="0"))  # keys scroll it


def _row(line: Sequence[Cell]) -> str:
    name, *cells = (_text(cell) for cell in line)
    columns = (element("td", c, cls="lc-words" if len(c) > _FIGURE_LENGTH else "") for c in cells)
    return element("tr", element("th", name, scope="row"), *columns)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
