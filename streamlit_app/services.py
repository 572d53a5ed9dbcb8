"""What lives as long as the server, and the reads and writes behind the Review page."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from db.annotations import (
    add_annotation,
    find_current_annotation,
    get_gold,
    list_annotations,
    retract_annotation,
)
from db.connection import Database
from db.errors import NotPermittedError
from db.items import count_by_label, get_item, list_sources
from db.people import Identity, find_by_identity, sign_in_by_identity, sign_in_by_name
from db.permissions import Action, require
from db.predictions import find_prediction
from db.records import Annotation, GoldLabel, Item, Prediction, Reviewer, Run
from db.review import Order, ReviewFilter, list_item_ids
from db.reviewers import list_people, list_reviewers
from db.runs import list_runs
from streamlit_app.logic.queue import ReviewQueue
from training.readings import read_new_answers


@st.cache_resource(show_spinner=False)
def database() -> Database:
    """Open the database once for all sessions.

    Streamlit collects garbage after every rerun and holds the interpreter about 90 ms for it. What
    is loaded by now stays for good, so it is frozen out of the collector's sight.
    """
    opened = Database.open()
    read_new_answers(opened)  # of files that a command took in while the app was off
    gc.collect()
    gc.freeze()
    return opened


@dataclass(frozen=True)
class ReviewedItem:
    """One item with everything that the Review page draws of it."""

    item: Item
    gold: GoldLabel
    prediction: Prediction | None
    mine: Annotation | None
    """The standing annotation of the reviewer at the screen."""
    history: tuple[Annotation, ...]
    reviewer_names: Mapping[str, str]


def load_item(item_id: str, run_id: str | None, reviewer_id: str) -> ReviewedItem:
    """Read what the Review page shows of one item.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    cur = database().cursor()
    return ReviewedItem(
        item=get_item(cur, item_id),
        gold=get_gold(cur, item_id),
        prediction=None if run_id is None else find_prediction(cur, run_id, item_id),
        mine=find_current_annotation(cur, item_id, reviewer_id),
        history=tuple(list_annotations(cur, item_id)),
        reviewer_names={r.reviewer_id: r.name for r in list_reviewers(cur)},
    )


def load_queue(flt: ReviewFilter, order: Order) -> ReviewQueue:
    """Read the items that pass the filter, and which of them the reviewer has labelled."""
    cur = database().cursor()
    mine = ReviewFilter(
        source=flt.source, split=flt.split, show="reviewed", reviewer_id=flt.reviewer_id
    )
    return ReviewQueue(list_item_ids(cur, flt, order), list_item_ids(cur, mine))


def save_annotation(
    *,
    annotation_id: str,
    item_id: str,
    reviewer_id: str,
    label: str,
    run_id: str | None,
    answer: str | None,
    note: str,
    duration_seconds: float | None,
) -> Annotation:
    """Store a reviewer's judgement; the same annotation id again changes nothing."""
    with database().transaction() as cur:
        return add_annotation(
            cur,
            annotation_id=annotation_id,
            item_id=item_id,
            reviewer_id=reviewer_id,
            label=label,
            run_id=run_id,
            answer=answer,
            note=note,
            duration_seconds=duration_seconds,
        )


def undo_annotation(*, annotation_id: str, item_id: str, reviewer_id: str) -> Annotation:
    """Take the reviewer's standing annotation on an item back; the history keeps both."""
    with database().transaction() as cur:
        return retract_annotation(
            cur, annotation_id=annotation_id, item_id=item_id, reviewer_id=reviewer_id
        )


def person_named(name: str) -> Reviewer:
    """Give the person of this name on one's own machine, adding them if they are new.

    Raises:
        InvalidReviewerError: The name cannot be used.
        NotPermittedError: An admin has taken this person's access away.
    """
    people = all_people()
    known = next((person for person in people if person.name == name), None)
    if known is not None and any(person.role == "admin" for person in people):
        return known
    with database().transaction() as cur:
        return sign_in_by_name(cur, name)


def person_signed_in(identity: Identity) -> Reviewer:
    """Give the person whom a sign-in provider vouches for.

    Raises:
        NotPermittedError: They have no role yet, or no more.
    """
    known = find_by_identity(database().cursor(), identity.issuer, identity.subject)
    if known is not None and known.role != "none":
        return known
    refused: NotPermittedError | None = None
    with database().transaction() as cur:
        try:
            return sign_in_by_identity(cur, identity)
        except NotPermittedError as error:
            refused = error  # kept out of the transaction: who waits must be on the People page
    raise refused


def all_people() -> list[Reviewer]:
    """Give everybody who may sit at the screen, by name."""
    return [person for person in list_people(database().cursor()) if person.role != "none"]


def check_permission(person: Reviewer, action: Action) -> None:
    """Refuse what somebody's role is not open to, by the role stored at this moment.

    Raises:
        NotPermittedError: Their role is not open to it.
    """
    require(database().cursor(), person.reviewer_id, action)


def all_runs() -> list[Run]:
    """Give all runs, newest first."""
    return list_runs(database().cursor())


def known_labels() -> list[str]:
    """Give every gold label in use: the choices of the label filters."""
    return sorted(count_by_label(database().cursor()))


def all_sources() -> list[str]:
    """Give every source of items."""
    return list_sources(database().cursor())
