"""What each save depends on and rarely changes, as it is at this moment; see :mod:`db.known`."""

from __future__ import annotations

from collections.abc import Sequence

from db.connection import Database
from db.content.label_sets import find_label_set
from db.content.runs import find_run
from db.people.reviewers import get_reviewer, list_reviewers
from db.records import LabelSet, Reviewer
from db.review.guidelines import Guideline, find_guideline
from db.review.item_state import ItemState, read_item_states
from db.review.queues import Queue, get_queue
from db.review.settings import ReviewSettings, get_settings
from db.review.visibility import list_waiting_queues, view_as
from db.viewer import Viewer


def known_reviewer(database: Database, reviewer_id: str) -> Reviewer:
    """Return a reviewer with the role they have now.

    Raises:
        ReviewerNotFoundError: No reviewer has this id.
    """
    return database.known.get(
        ("reviewer", reviewer_id), lambda: get_reviewer(database.cursor(), reviewer_id)
    )


def known_reviewers(database: Database) -> list[Reviewer]:
    """Return all reviewers by name, imported annotators too."""
    return database.known.get("reviewers", lambda: list_reviewers(database.cursor()))


def known_viewer(database: Database, reviewer_id: str) -> Viewer:
    """Return what a reviewer may see now.

    Raises:
        ReviewerNotFoundError: No reviewer has this id.
        NotPermittedError: They have no role, or no more.
    """
    return database.known.get(
        ("viewer", reviewer_id), lambda: view_as(database.cursor(), reviewer_id)
    )


def known_queue(database: Database, queue_id: str) -> Queue:
    """Return a queue, closed or not.

    Raises:
        QueueNotFoundError: No queue has this id.
    """
    return database.known.get(("queue", queue_id), lambda: get_queue(database.cursor(), queue_id))


def known_guideline(database: Database, label_set: str) -> Guideline | None:
    """Return the guideline that counts for a label set now, or None."""
    return database.known.get(
        ("guideline", label_set), lambda: find_guideline(database.cursor(), label_set)
    )


def known_label_set(database: Database, name: str) -> LabelSet | None:
    """Return the stored label set of a name, or None."""
    return database.known.get(("label_set", name), lambda: find_label_set(database.cursor(), name))


def known_settings(database: Database) -> ReviewSettings:
    """Return the settings for reviewing that count now."""
    return database.known.get("settings", lambda: get_settings(database.cursor()))


def known_model(database: Database, run_id: str) -> str:
    """Return the model that a run is of; empty where there is no such run."""
    run = database.known.get(("run", run_id), lambda: find_run(database.cursor(), run_id))
    return "" if run is None else run.model


def known_states(
    database: Database, item_ids: Sequence[str], reviewer_id: str
) -> dict[str, ItemState]:
    """Return what a label of a reviewer on items depends on now; read together where unknown."""
    return database.known.get_of_items(
        ("state", reviewer_id),
        item_ids,
        lambda missing: read_item_states(database.cursor(), missing, reviewer_id),
    )


def known_waiting(
    database: Database, item_ids: Sequence[str], viewer: Viewer
) -> dict[str, tuple[str | None, ...]]:
    """Return what waits now for a viewer's blind label on items; see ``list_waiting_queues``."""
    return database.known.get_of_items(
        ("waiting", viewer),
        item_ids,
        lambda missing: list_waiting_queues(database.cursor(), viewer, missing),
    )
