"""Which items belong together: made from one another, or repeating one another.

A head that was fitted on one item of a group has as good as seen the others, so folds never divide
a group.
"""

from __future__ import annotations

from collections.abc import Sequence

from eci.questions.near_duplicates import DuplicateIndex
from eci.questions.prompts import Question


def join_groups(parents: Sequence[str], questions: Sequence[Question]) -> list[str]:
    """Return the group of each item, named by the first, by id, of the parents in it.

    Args:
        parents: Of each item the id of the item that it was made from, or its own.
        questions: What each item asks; items that repeat one another join their groups.
    """
    index = DuplicateIndex(questions)
    above = {parent: parent for parent in parents}

    def head(member: str) -> str:
        while above[member] != member:
            member = above[member]
        return member

    for parent, repeated in zip(parents, index.find_each(questions), strict=True):
        for place, _ in repeated:
            first, second = sorted((head(parents[place]), head(parent)))
            above[second] = first
    return [head(parent) for parent in parents]
