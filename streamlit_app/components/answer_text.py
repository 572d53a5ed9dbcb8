"""An answer's text with what was marked in it, and the changes between two answers."""

from __future__ import annotations

from collections.abc import Sequence

from streamlit_app.logic.review.answer_diff import compare_answers
from streamlit_app.markup import Html, element, join
from streamlit_app.wording import say

Mark = tuple[int, int, str, str]
"""Start, end, class and title of a marked part."""


def marked_text(text: str, marks: Sequence[Mark]) -> Html:
    """Return a text with parts inside ``<mark>``; a part that overlaps an earlier one is left out.

    Each part is escaped on its own, so no mark can be moved or forged from inside the text.
    """
    pieces: list[str] = []
    at = 0
    for start, end, cls, title in sorted(marks):
        if at <= start < end <= len(text):
            pieces += [text[at:start], element("mark", text[start:end], cls=cls, title=title)]
            at = end
    return join(*pieces, text[at:])


def changes(before: str, after: str) -> Html:
    """Return deletions and insertions, distinguished by more than colour."""
    tags = {"out": "del", "in": "ins"}
    pieces = [
        element(tags[kind], text) if kind in tags else join(text)
        for kind, text in compare_answers(before, after)
    ]
    return element("div", *pieces, cls="lc-changes", aria_label=say("review.changes"))
