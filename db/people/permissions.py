"""What each role may do, and the check that every write on a person's behalf begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from duckdb import DuckDBPyConnection

from db.errors import NotPermittedError
from db.people.reviewers import get_reviewer, list_people
from db.records import Reviewer, Role

Action = Literal[
    "read",
    "annotate",
    "adjudicate",
    "accept",
    "bulk",
    "manage_queues",
    "edit_guidelines",
    "edit_items",
    "import",
    "export",
    "save_slices",
    "train",
    "veto_records",
    "manage_people",
]

PERMISSIONS: Final[Mapping[Action, frozenset[Role]]] = {
    "read": frozenset({"reviewer", "adjudicator", "engineer", "admin"}),
    "annotate": frozenset({"reviewer", "adjudicator", "admin"}),
    "adjudicate": frozenset({"adjudicator", "admin"}),
    "accept": frozenset({"adjudicator", "admin"}),
    "bulk": frozenset({"adjudicator", "admin"}),
    "manage_queues": frozenset({"adjudicator", "engineer", "admin"}),
    "edit_guidelines": frozenset({"adjudicator", "admin"}),
    "edit_items": frozenset({"adjudicator", "engineer", "admin"}),
    "import": frozenset({"engineer", "admin"}),
    "export": frozenset({"adjudicator", "engineer", "admin"}),
    "save_slices": frozenset({"reviewer", "adjudicator", "engineer", "admin"}),
    "train": frozenset({"engineer", "admin"}),
    "veto_records": frozenset({"adjudicator", "engineer", "admin"}),
    "manage_people": frozenset({"admin"}),
}
"""The roles that each action is open to; docs/roles.md is checked against it."""

ACTION_WORDS: Final[Mapping[Action, str]] = {
    "read": "see items, answers and figures",
    "annotate": "label items",
    "adjudicate": "adjudicate disagreements",
    "accept": "accept answers without review",
    "bulk": "bulk edit items",
    "manage_queues": "create and close queues",
    "edit_guidelines": "write guidelines",
    "edit_items": "correct items, set them aside and write label sets",
    "import": "import files",
    "export": "export files",
    "save_slices": "save slices and delete their own",
    "train": "start training and prediction, and promote models",
    "veto_records": "exclude records from training",
    "manage_people": "add people and set roles",
}
"""Each action as it completes "may ..."."""


def is_permitted(person: Reviewer, action: Action) -> bool:
    """Return whether a role allows an action; for what a page offers, not as a check."""
    return person.origin == "person" and person.role in PERMISSIONS[action]


def require(cur: DuckDBPyConnection, reviewer_id: str, action: Action) -> Reviewer:
    """Refuse an action that is not open to the role that a person has at this moment.

    Call it in the transaction of the action itself: a role taken away counts from then on.

    Returns:
        Who asked.

    Raises:
        NotPermittedError: Their role is not open to it.
        ReviewerNotFoundError: No reviewer has this id.
    """
    return require_of(cur, get_reviewer(cur, reviewer_id), action)


def require_of(cur: DuckDBPyConnection, person: Reviewer, action: Action) -> Reviewer:
    """Refuse an action to a person who was read in this transaction; see :func:`require`."""
    if is_permitted(person, action):
        return person
    admins = [other.name for other in list_people(cur) if other.role == "admin"]
    raise NotPermittedError(
        f"{person.name!r} may not {ACTION_WORDS[action]}: their role is {person.role!r}, this "
        f"needs {' or '.join(sorted(PERMISSIONS[action]))}. "
        f"Ask an admin ({', '.join(admins) or 'there is none yet'}) to change the role."
    )
