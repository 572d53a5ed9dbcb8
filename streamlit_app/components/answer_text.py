"""The changes between two answers."""

from __future__ import annotations

from streamlit_app.logic.review.answer_diff import compare_answers
from streamlit_app.markup import Html, element, join
from streamlit_app.wording import say


def changes(before: str, after: str) -> Html:
    """Return deletions and insertions, distinguished by more than colour."""
    tags = {"out": "del", "in": "ins"}
    pieces = [
        element(tags[kind], text) if kind in tags else join(text)
        for kind, text in compare_answers(before, after)
    ]
    return element("div", *pieces, cls="lc-changes", aria_label=say("review.changes"))
