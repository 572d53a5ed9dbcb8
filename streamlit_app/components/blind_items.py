"""Which items no list and no file may show the person at the screen with their labels."""

from __future__ import annotations

from collections.abc import Sequence

from db.people.permissions import is_permitted
from db.review.queues import list_blind_items
from streamlit_app import safe_text
from streamlit_app.server import services
from streamlit_app.session import sign_in
from streamlit_app.wording import say_count


def find_hidden(item_ids: Sequence[str] | None = None) -> set[str]:
    """Return the items of which one would show a reviewer labels before they label them blind.

    Those who may get every file out on the Data page are not held back.

    Args:
        item_ids: The items to look at; None for all.
    """
    person = sign_in.current_person()
    if is_permitted(person, "export"):
        return set()
    return list_blind_items(services.database().cursor(), person.reviewer_id, item_ids)


def draw_note(number: int) -> None:
    """Draw how many items of a list are hidden, where any are."""
    if number:
        safe_text.draw_line(say_count("blind_items.waiting", number))
