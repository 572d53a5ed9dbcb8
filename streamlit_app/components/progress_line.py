"""Where the reviewer is in the queue."""

from __future__ import annotations

from streamlit_app.components import safe_text
from streamlit_app.logic.queue import ReviewQueue
from streamlit_app.text_safety import element


def draw(queue: ReviewQueue, item_id: str | None) -> None:
    """Draw how much of the queue is labelled, and the place of the item on screen."""
    number = None if item_id is None else queue.number(item_id)
    if item_id is None:
        place = ""
    elif number is None:
        place = "This item is outside the queue"
    else:
        place = f"Item {number:,} of {len(queue):,}"
    share = queue.num_reviewed / len(queue) if len(queue) else 0
    bar = element("span", cls="lc-progress-fill", style=f"width:{100 * share:.2f}%")
    safe_text.draw(
        element(
            "div",
            element("span", place, cls="lc-progress-place"),
            element("span", bar, cls="lc-progress-track", aria_hidden="true"),
            element("span", f"{queue.num_reviewed:,} of {len(queue):,} reviewed"),
            cls="lc-progress",
        )
    )
