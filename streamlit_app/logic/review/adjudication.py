"""One item to adjudicate: all judgements on it, and the decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.connection import Database
from db.content.items import get_item
from db.content.predictions import find_prediction
from db.content.runs import find_run
from db.people.reviewers import list_reviewers
from db.records import (
    Adjudication,
    AdjudicationReason,
    Annotation,
    GoldLabel,
    Item,
    Prediction,
    Run,
)
from db.review.adjudications import add_adjudication, list_adjudications
from db.review.annotations import get_gold, list_annotations
from db.viewer import Viewer
from streamlit_app.logic.review.names import names_of


@dataclass(frozen=True)
class Person:
    """All judgements of one person on an item, oldest first.

    ``taken_back`` holds the ids of what they retracted; ``final`` is what counts, None where
    nothing does.
    """

    reviewer_id: str
    name: str
    annotations: tuple[Annotation, ...]
    taken_back: frozenset[str]

    @property
    def final(self) -> Annotation | None:
        """Return the last thing said that was not taken back; unannounced repeats do not count."""
        kept = [one for one in self.annotations if one.annotation_id not in self.taken_back]
        first_hand = [one for one in kept if one.encounter.presentation != "repeat"]
        return first_hand[-1] if first_hand else None


@dataclass(frozen=True)
class Dispute:
    """An item with everything that its adjudicator needs to see."""

    item: Item
    gold: GoldLabel
    people: tuple[Person, ...]
    decisions: tuple[Adjudication, ...]
    names: Mapping[str, str]
    """Of those who decided."""
    run: Run | None
    prediction: Prediction | None
    """What the run that people reviewed gave for the item, where they reviewed one."""

    def num_saying(self, label: str | None) -> int:
        """Count the people whose final answer holds a label; None: those who gave none."""
        answers = [person.final.judgement.labels for person in self.people if person.final]
        return sum(label in answer if label is not None else not answer for answer in answers)

    @property
    def num_people(self) -> int:
        """Return the number of people with a final answer."""
        return sum(person.final is not None for person in self.people)


def load_dispute(database: Database, item_id: str, viewer: Viewer) -> Dispute:
    """Read an item with its judgements and decisions, as far as the viewer may see them.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    cur = database.cursor()
    history = list_annotations(cur, item_id, viewer)
    run_ids = (annotation.encounter.run_id for annotation in history)
    reviewed = Counter(run_id for run_id in run_ids if run_id is not None)
    run_id = reviewed.most_common(1)[0][0] if reviewed else None
    return Dispute(
        item=get_item(cur, item_id, viewer),
        gold=get_gold(cur, item_id, viewer),
        people=gather(history, names_of(history, list_reviewers(cur))),
        decisions=tuple(list_adjudications(cur, item_id, viewer)),
        names={reviewer.reviewer_id: reviewer.name for reviewer in list_reviewers(cur)},
        run=None if run_id is None else find_run(cur, run_id),
        prediction=None if run_id is None else find_prediction(cur, run_id, item_id, viewer),
    )


def gather(history: Iterable[Annotation], names: Mapping[str, str]) -> tuple[Person, ...]:
    """Group the judgements by person, in the order in which they came."""
    by_person: dict[str, list[Annotation]] = {}
    for annotation in history:
        by_person.setdefault(annotation.reviewer_id, []).append(annotation)
    return tuple(_person(who, names.get(who, who), own) for who, own in by_person.items())


def decide(
    database: Database,
    *,
    adjudication_id: str,
    item_id: str,
    reviewer_id: str,
    label: str,
    reason: AdjudicationReason,
    note: str,
) -> GoldLabel:
    """Store a decision; the same id again changes nothing.

    Raises:
        NotPermittedError: The role of the person is not open to deciding.
    """
    with database.transaction() as cur:
        return add_adjudication(
            cur,
            adjudication_id=adjudication_id,
            item_id=item_id,
            reviewer_id=reviewer_id,
            label=label,
            reason=reason,
            note=note,
        )


def _person(reviewer_id: str, name: str, own: Sequence[Annotation]) -> Person:
    taken_back = {one.retracted_annotation_id for one in own if one.action == "retract"}
    return Person(
        reviewer_id=reviewer_id,
        name=name,
        annotations=tuple(one for one in own if one.action == "label"),
        taken_back=frozenset(one for one in taken_back if one is not None),
    )
