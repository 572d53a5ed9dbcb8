"""What the people who said something of an item are called on screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from db.records import Annotation, Reviewer
from db.viewer import number_of_nameless
from streamlit_app.wording import say


def names_of(history: Sequence[Annotation], reviewers: Iterable[Reviewer]) -> dict[str, str]:
    """Return the names of the people in a history by id; a number where a name is hidden."""
    known = {reviewer.reviewer_id: reviewer.name for reviewer in reviewers}
    names = {}
    for who in dict.fromkeys(one.reviewer_id for one in history):
        number = number_of_nameless(who)
        names[who] = known.get(who, who) if number is None else say("review.person", number=number)
    return names
