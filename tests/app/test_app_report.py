"""A report as a file: every text in it is text, whatever it holds."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import plotly.graph_objects as go

from streamlit_app.report.document import Document

HOSTILE = "</script></title><img src=x onerror=alert(1)> '\" {{ 7 * 7 }} \u202e"


class Tags(HTMLParser):
    """Collects the elements of a page and the texts of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.cells: list[tuple[str | None, str]] = []
        self._is_in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self._is_in_cell = tag == "td"
        if self._is_in_cell:
            self.cells.append((dict(attrs).get("class"), ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_in_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_in_cell:
            kind, before = self.cells[-1]
            self.cells[-1] = (kind, before + data)


def page_of(document: Document) -> str:
    page = document.to_bytes().decode("utf-8")
    script = re.search(r"<script>/\*\*.*?</script>", page, re.DOTALL)
    assert script is not None
    return page.replace(script[0], "")


def test_no_text_becomes_markup_a_script_or_a_template() -> None:
    document = Document(HOSTILE)
    document.heading(HOSTILE)
    document.paragraph(HOSTILE, is_note=True)
    document.facts({HOSTILE: HOSTILE})
    document.table({HOSTILE: [HOSTILE]})
    document.chart(go.Figure(go.Bar(x=[HOSTILE], y=[1])))
    page = page_of(document)
    tags = Tags()
    tags.feed(page)
    assert set(tags.names) <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "dt", "dd",
        "table", "thead", "tbody", "tr", "th", "td", "div", "span", "script",
    }  # fmt: skip
    assert tags.names.count("script") == 1 == page.count("</script>")
    assert "\u202e" not in page.split("<script>")[0]
    assert page.count("{{ 7 * 7 }}") == 9
    drawn = re.search(r"const figure = (.*);\n", page)
    assert drawn is not None
    assert json.loads(drawn[1])["data"][0]["x"] == [HOSTILE]


def test_cells_say_numbers_alike_and_nothing_where_there_is_none() -> None:
    document = Document("Report")
    document.table({"a": ["x", None, 12_345], "b": [0.123456, 1234.5, 0]})
    tags = Tags()
    tags.feed(page_of(document))
    assert tags.cells == [
        (None, "x"),
        ("number", "0.1235"),
        (None, ""),
        ("number", "1,234"),
        ("number", "12,345"),
        ("number", "0"),
    ]
