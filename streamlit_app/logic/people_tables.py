"""People and roles as the tables of the Settings page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from db.people.permissions import PERMISSIONS
from db.records import Reviewer, ReviewerChange, Role
from streamlit_app.markup import reveal
from streamlit_app.wording import say, words

GIVEN_ROLES: tuple[Role, ...] = ("reviewer", "adjudicator", "engineer", "admin", "none")


def people_table(people: Sequence[Reviewer]) -> dict[str, list[str]]:
    """Arrange people as columns, those who wait for a role first."""
    shown = sorted(people, key=lambda person: (person.role != "none", person.name.casefold()))
    role_words = words("role")
    return {
        say("people.name"): [reveal(person.name) for person in shown],
        say("people.role"): [role_words[person.role] for person in shown],
        say("people.email"): [reveal(person.email or "") for person in shown],
    }


def role_table() -> dict[str, list[str]]:
    """Arrange what each role may do: one line an action, a sign in each role's column."""
    role_words = words("role")
    roles = [role for role in GIVEN_ROLES if role != "none"]
    action_words = words("people_may")
    table = {say("people.may"): [action_words[action] for action in PERMISSIONS]}
    for role in roles:
        table[role_words[role]] = [
            "✓" if role in open_to else "" for open_to in PERMISSIONS.values()
        ]
    return table


def change_table(
    changes: Sequence[ReviewerChange], names: Mapping[str, str]
) -> dict[str, list[str | datetime]]:
    """Arrange changes of people as columns, the latest first."""
    latest = list(reversed(changes))
    role_words, kind_words = words("role"), words("person_change")
    return {
        say("people.when"): [change.created_at for change in latest],
        say("people.name"): [reveal(names.get(c.reviewer_id, c.reviewer_id)) for c in latest],
        say("people.what"): [kind_words[change.kind] for change in latest],
        say("people.role"): [role_words[change.role] for change in latest],
        say("people.email"): [reveal(change.email or "") for change in latest],
        say("people.by"): [
            reveal(names.get(change.changed_by, change.changed_by))
            if change.changed_by
            else say("people.by_command_line")
            for change in latest
        ],
    }
