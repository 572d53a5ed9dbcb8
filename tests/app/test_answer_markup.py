"""An answer's Markdown: nothing but a safe subset, every run of text at its place, nothing lost."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlit_app.logic.review.answer_markup import draw_answer

TAGS = {"span", "mark", "strong", "code", "pre", "p", "ul", "ol", "li", "h4", "h5", "h6"} | {
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"data-at", "class", "title", "style"}
SIGN = re.compile(r"list-style-type:'(\d{0,9}[-+*.)]) '")

HOSTILE = (
    "[click](javascript:alert(1)) and [two][ref]\n\n[ref]: http://evil.example 'title'",
    "![x](http://evil.example/p.png) <img src=x onerror=alert(1)>",
    "<script>alert(1)</script>\n\n<a href='http://evil.example'>go</a> http://evil.example/auto",
    "**<b onclick=alert(1)>bold</b>** `</code><script>alert(1)</script>`",
    "# <h1>head</h1>\n- <iframe src=//evil.example>\n1. &lt;script&gt; &#x3c;script&#x3e;",
    "| a | b |\n|---|---|\n| <svg onload=alert(1)> | [x](data:text/html,1) |",
    "```<style>*{display:none}</style>\n</pre><script>alert(1)</script>\n```",
    "<!-- --><![CDATA[<script>]]><math><mtext><style><img onerror=alert(1)>",
    "> " * 500 + "deep\n" + "- " * 500 + "deeper",
    "| a | b |\n|---|---|\n| 1 | 2 | a cell too many: yes |",
    "``` the answer is yes\ncode\n```\n~~~no\n~~~ yes",
    "1. one\n2147483647. two\n+ three'; background:url(//evil.example)",
)
PIECES = st.sampled_from(
    (
        *("# ", "## ", "- ", "12. ", "**", "*", "`", "```\n", "\n", "\r\n", "\n\n", " ", "\t", "|"),
        *("| a | b |\n|---|---|\n", "| 1 | 2 | 3 |\n", "yes", "no 0.5", "CYP2C9*3", "\N{PILL}"),
        *("يساعد", "日本", "<b>", "&amp;", "[x](y)", "\\", "    ", "word"),
    )
)


class Reading(HTMLParser):
    """What a browser would make of the markup."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.runs: list[tuple[int, str]] = []
        self.text = ""
        self._open: list[int | None] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        named = dict(attrs)
        assert set(named) <= ATTRIBUTES, named
        if "style" in named:
            sign = SIGN.fullmatch(named["style"] or "")
            assert sign, named
            self.text += sign[1]
        at = named.get("data-at")
        self._open.append(None if at is None else int(at))
        if at is not None:
            self.runs.append((int(at), ""))

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data
        if any(at is not None for at in self._open):
            at, run = self.runs[-1]
            self.runs[-1] = (at, run + data)


def check(answer: str) -> Reading:
    """Read an answer's markup and hold what must be true of any."""
    marks = [] if "\r" in answer[:4] else [(0, min(3, len(answer)), "", "why")]
    reading = Reading(str(draw_answer(answer, marks)))
    assert reading.tags <= TAGS
    for at, run in reading.runs:
        assert (
            answer[at : at + len(answer)].replace("\r\n", "\n").replace("\r", "\n").startswith(run)
        )
    letters = [re.sub(r"[\W_]+", "", text) for text in (answer, reading.text)]
    assert letters[0] == letters[1]
    return reading


@pytest.mark.parametrize("answer", HOSTILE)
def test_a_hostile_answer_is_text(answer: str) -> None:
    check(answer)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_answer_keeps_its_characters_and_their_places(answer: str) -> None:
    check(answer)


def test_headings_lists_bold_code_and_tables_are_drawn() -> None:
    answer = "# Why\n\n- **one**\n- `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx = 1\n```\n"
    assert {"h4", "ul", "li", "strong", "code", "table", "td", "pre"} <= check(answer).tags
