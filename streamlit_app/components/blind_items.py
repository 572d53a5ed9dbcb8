"""Which items no file may show the person at the screen."""

from __future__ import annotations

from db.permissions import is_permitted
from db.queues import list_blind_items
from streamlit_app import services, sign_in


def find_hidden() -> set[str]:
    """Give the items of which a file would show a reviewer labels before they label them blind.

    Those who may get every file out on the Data page are not held back.
    """
    person = sign_in.current_person()
    if is_permitted(person, "export"):
        return set()
    return list_blind_items(services.database().cursor(), person.reviewer_id)
