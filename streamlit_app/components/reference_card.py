"""The explanation that came with the gold label."""

from __future__ import annotations

from db.records import Item
from streamlit_app import safe_text
from streamlit_app.markup import element
from streamlit_app.wording import say


def draw(item: Item) -> None:
    """Draw the reference explanation, folded: it gives the gold label away."""
    if item.long_answer:
        text = item.long_answer[: safe_text.SHOWN_CHARACTERS]
        safe_text.draw(
            element(
                "details",
                element("summary", say("reference.title")),
                element("p", text),
                cls="lc-reference",
            )
        )
