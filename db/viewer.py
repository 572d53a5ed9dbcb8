"""Who looks: what the reads of labels, answers and notes may give them.

A reviewer who labels an item blind must not learn the gold label, or what a model or any other
reviewer says of it. So every read of such things takes a viewer; there is no default, and
forgetting it is a type error. ``db.review.visibility.view_as`` makes the viewer of a reviewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from duckdb import DuckDBPyConnection

from db.statements import fetch_value


@dataclass(frozen=True)
class Viewer:
    """Whose eyes a read is for; of the same data, equal viewers see the same.

    An item is hidden from a viewer while they have no label on it that counts: in an open blind
    queue of theirs that holds it or, where the whole project is blind, anywhere.
    """

    reviewer_id: str | None
    """None: nobody at a screen, so that nothing is hidden."""
    blind_queues: tuple[str, ...] = ()
    """The open blind queues whose items are hidden until they are labelled there."""
    is_blind: bool = False
    """Whether the whole project is, so that every item is hidden until it is labelled."""
    open_queues: tuple[str, ...] = ()
    """In a blind project: the queues that show their items openly all the same."""
    num_queued: int = 0
    """Places of all queues together: another number, and other items may be hidden."""
    hides_names: bool = False
    """Whether it is hidden which other person said what of an item that nobody has decided on."""
    item_id: str | None = None
    """The item of which ``is_hidden_item`` tells whether it is hidden; others are looked up."""
    is_hidden_item: bool = False

    @property
    def is_held_back(self) -> bool:
        """Return whether any item may be hidden."""
        return self.is_blind or bool(self.blind_queues)

    @property
    def parameter(self) -> dict[str, Any]:
        """Return the value of the parameter ``$viewer`` of a statement."""
        return {
            "reviewer_id": self.reviewer_id,
            "blind_queues": list(self.blind_queues),
            "is_blind": self.is_blind,
            "open_queues": list(self.open_queues),
            "hides_names": self.hides_names,
        }

    def for_item(self, item_id: str, *, is_hidden: bool) -> Viewer:
        """Return the viewer of one item of which it is known whether it is hidden.

        A screen that asks for a blind label hides the item whatever the queues say, and what is
        known need not be looked up by each read of the same item.
        """
        return replace(self, item_id=item_id, is_hidden_item=is_hidden)


_NAMELESS: Final = "person-"


def without_name(number: int) -> str:
    """Return the id of a reviewer whose name is hidden, counted from 1 in an item."""
    return f"{_NAMELESS}{number}"


def number_of_nameless(reviewer_id: str) -> int | None:
    """Return the number of a reviewer whose name is hidden; None for any other id."""
    number = reviewer_id.removeprefix(_NAMELESS)
    return int(number) if number != reviewer_id and number.isdecimal() else None


EVERYTHING: Final = Viewer(None)
"""No one at a screen: the command line, a run, the background work of the server."""


def is_hidden(cur: DuckDBPyConnection, viewer: Viewer, item_id: str) -> bool:
    """Return whether an item waits for the viewer to label it blind."""
    if viewer.item_id == item_id:
        return viewer.is_hidden_item
    if not viewer.is_held_back:
        return False
    return fetch_value(cur, bool, "hidden_find", viewer=viewer.parameter, item_id=item_id) or False
