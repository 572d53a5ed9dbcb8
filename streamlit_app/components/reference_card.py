"""The explanation that came with the gold label."""

from __future__ import annotations

from db.records import Item
from streamlit_app import safe_text
from streamlit_app.markup import Html, element, join
from streamlit_app.wording import say


def draw(item: Item) -> None:
    """Draw the reference explanation, folded: it gives the gold label away."""
    if item.long_answer:
        safe_text.draw(card(item))


def card(item: Item) -> Html:
    """Return the markup of the reference explanation; empty where there is none."""
    if not item.long_answer:
        return join()
    return element(
        "details",
        element("summary", say("reference.title")),
        element("p", item.long_answer[: safe_text.SHOWN_CHARACTERS]),
        cls="lc-reference",
    )
