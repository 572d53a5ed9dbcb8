"""What a page says of items that wait for a blind label; ``db`` has left out what they say."""

from __future__ import annotations

from db.viewer import Viewer
from streamlit_app import safe_text
from streamlit_app.server import services
from streamlit_app.wording import say_count


def draw_left_out(viewer: Viewer) -> None:
    """Draw how many items the lists, counts and figures of a page leave out, where any are."""
    number = services.num_hidden(viewer)
    if number:
        safe_text.draw_line(say_count("blind_items.left_out", number))


def draw_masked(number: int) -> None:
    """Draw how many rows of a list show only the question, where any do."""
    if number:
        safe_text.draw_line(say_count("blind_items.waiting", number))
