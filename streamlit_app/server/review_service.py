"""The reads and writes behind the Review page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db.content.contents import Content, read_contents
from db.content.items import get_item
from db.errors import ItemWithheldError
from db.records import (
    Annotation,
    Encounter,
    GoldLabel,
    Item,
    LabelSet,
    Prediction,
    Presentation,
)
from db.review.annotations import gold_from, view_history
from db.review.events import set_flag
from db.review.guidelines import Guideline
from db.review.item_list import Order, ReviewFilter
from db.review.queue_progress import queue_progress
from db.review.queues import (
    Queue,
    QueueSettings,
    add_item_queue,
    add_queue,
    get_queue,
    list_queues,
)
from db.review.reservations import count_held
from db.review.rights import (
    known_guideline,
    known_label_set,
    known_reviewers,
    known_states,
    known_viewer,
    known_waiting,
)
from db.review.settings import ReviewSettings, get_settings, save_settings
from db.review.visibility import count_waiting, view_as
from db.viewer import EVERYTHING, Viewer
from streamlit_app.logic.review.names import names_of
from streamlit_app.logic.review.phases import kept_by, next_phase
from streamlit_app.server import services
from streamlit_app.server.worklist import FilterWorklist, QueueWorklist, Worklist

WorklistChoice = tuple[ReviewFilter, Order] | Queue
"""What a reviewer works through: the items that pass filters, in an order, or a queue."""


@dataclass(frozen=True)
class ReviewedItem:
    """One item with everything that the Review page may draw of it, and how it is met."""

    item: Item
    gold: GoldLabel
    prediction: Prediction | None
    encounter: Encounter
    """As far as it is known before a press of Save."""
    mine: Annotation | None
    """The reviewer's standing annotation, which the form starts from; None where the form must
    start empty: a recheck shows no earlier judgement."""
    standing_id: str | None
    """The reviewer's standing annotation on the item, wherever it was made."""
    draft: Mapping[str, object]
    """What the reviewer had begun to say."""
    history: tuple[Annotation, ...]
    reviewer_names: Mapping[str, str]
    is_flagged: bool
    guideline: Guideline | None
    label_set: LabelSet | None
    """Keys and definitions of its labels, where they are stored."""
    viewer: Viewer
    """As whom the item was read."""

    @property
    def is_blind(self) -> bool:
        """Return whether answer, gold label and other judgements must not reach the browser."""
        return self.encounter.phase == "blind"

    @property
    def answer(self) -> str | None:
        """Return the model's answer where the reviewer may see it."""
        return None if self.is_blind or self.prediction is None else self.prediction.answer


def load_item(
    item_id: str, run_id: str | None, reviewer_id: str, worklist: Worklist
) -> ReviewedItem:
    """Read what the Review page shows of one item: of a blind one, nothing that could sway.

    Raises:
        ItemNotFoundError: No item has this id.
        ItemWithheldError: It waits for the reviewer's blind label elsewhere.
    """
    database = services.database()
    cur = database.cursor()
    queue_id = worklist.queue_of(item_id)
    viewer = known_viewer(database, reviewer_id)
    waiting = known_waiting(database, [item_id], viewer)[item_id]
    if waiting and not _is_asked_here(waiting, worklist, queue_id):
        raise _withheld(item_id, waiting)
    sight = replace(viewer, reviewer_id=reviewer_id).for_item(item_id, is_hidden=bool(waiting))
    state = known_states(database, [item_id], reviewer_id)[item_id]
    history = tuple(view_history(cur, item_id, state.history, sight))
    kept = kept_by(history, reviewer_id, queue_id)
    standing = next(reversed(kept_by(history, reviewer_id)), None)
    presentation: Presentation = "first" if kept or not kept_by(history, reviewer_id) else "recheck"
    if worklist.is_repeat(item_id):
        kept = [one for one in kept if one.encounter.presentation == "repeat"]
        presentation = "repeat"
    phase = next_phase(worklist.mode, kept)
    if phase == "blind" and not waiting:  # shown again, or to a person whom no queue holds back
        sight = sight.for_item(item_id, is_hidden=True)
        history = tuple(view_history(cur, item_id, state.history, sight))
    content = find_content(worklist, run_id, item_id).seen(is_hidden=sight.is_hidden_item)
    item, prediction = content.item, content.prediction
    guideline = known_guideline(database, item.label_set)
    return ReviewedItem(
        item=item,
        gold=gold_from(item, history, state.decision),
        prediction=prediction,
        encounter=Encounter(
            run_id=None if prediction is None or phase == "blind" else run_id,
            phase=phase,
            presentation=presentation,
            queue_id=queue_id,
            guideline_version=None if guideline is None else guideline.version,
        ),
        mine=kept[-1] if kept else None,
        standing_id=standing.annotation_id if standing else None,
        draft=state.draft(phase),
        history=history,
        reviewer_names=names_of(history, known_reviewers(database))
        if history and not item.is_hidden
        else {},
        is_flagged=state.is_flagged,
        guideline=guideline,
        label_set=known_label_set(database, item.label_set),
        viewer=viewer,
    )


def read_together(item_ids: Sequence[str], reviewer_id: str) -> None:
    """Read what decides how a reviewer meets some items, for all of them at once.

    :func:`load_item` then finds it at hand: a statement costs as much for one as for five.
    """
    database = services.database()
    known_waiting(database, item_ids, known_viewer(database, reviewer_id))
    known_states(database, item_ids, reviewer_id)


def find_content(worklist: Worklist, run_id: str | None, item_id: str) -> Content:
    """Return a whole item with its prediction: read together with its neighbours, and held.

    Raises:
        ItemNotFoundError: No item has this id.
    """
    database = services.database()
    item_ids = worklist.block(item_id)
    found = database.known.get(
        ("contents", run_id, item_ids),
        lambda: read_contents(database.cursor(), run_id, item_ids),
    )
    return found.get(item_id) or Content(get_item(database.cursor(), item_id, EVERYTHING), None)


def _is_asked_here(waiting: Sequence[str | None], worklist: Worklist, queue_id: str | None) -> bool:
    """Return whether the blind label that an item waits for is the one given here."""
    if worklist.mode == "open":
        return False
    return queue_id in waiting if queue_id is not None else tuple(waiting) == (None,)


def _withheld(item_id: str, waiting: Sequence[str | None]) -> ItemWithheldError:
    queue_id = next((one for one in waiting if one is not None), None)
    return ItemWithheldError(
        f"The item {item_id!r} is not shown here: your own label comes first, without what "
        "others say of it. Label it in its blind queue.",
        item_id,
        queue_id,
    )


def waiting_in_queues(reviewer_id: str) -> list[tuple[Queue, int]]:
    """Return the queues that wait for blind labels of a reviewer, and for how many."""
    cur = services.database().cursor()
    counts = count_waiting(cur, view_as(cur, reviewer_id))
    return [(get_queue(cur, queue_id), count) for queue_id, count in counts.items()]


def open_worklist(choice: WorklistChoice, reviewer_id: str) -> Worklist:
    """Return what the reviewer works through."""
    if isinstance(choice, Queue):
        return QueueWorklist(services.database(), choice, reviewer_id)
    flt, order = choice
    return FilterWorklist(services.database(), flt, order, settings().mode)


def flag(item_id: str, reviewer_id: str, flagged: bool, client_at: datetime | None) -> None:
    """Flag an item, or take the flag off."""
    with services.database().transaction(only_labels=True, item_id=item_id) as cur:
        set_flag(cur, item_id, reviewer_id, flagged, client_at=client_at)


def settings() -> ReviewSettings:
    """Return the project's settings for reviewing."""
    return get_settings(services.database().cursor())


def queues_for(reviewer_id: str) -> list[Queue]:
    """Return the open queues that a person may work on, newest first."""
    return list_queues(services.database().cursor(), reviewer_id)


def open_queues(reviewer_id: str, current_id: str | None, most: int) -> list[tuple[Queue, int]]:
    """Return queues with items left for a person, and how many, without the one named."""
    cur = services.database().cursor()
    found = []
    for queue in list_queues(cur, reviewer_id):
        if queue.queue_id == current_id:
            continue
        progress = queue_progress(cur, queue, reviewer_id)
        if progress.num_left:
            found.append((queue, progress.num_left))
        if len(found) == most:
            break
    return found


def names_of_open_queues() -> set[str]:
    """Return the names that no other queue can have now."""
    queues = list_queues(services.database().cursor())
    return {queue.settings.name for queue in queues if not queue.is_closed}


def make_queue(
    settings: QueueSettings, reviewer_id: str, item_ids: Sequence[str] | None = None
) -> tuple[Queue, int]:
    """Make a queue of the items that pass its filter, or of chosen ones, and count its items.

    Raises:
        DbError: It cannot be made; nothing was stored.
    """
    with services.database().transaction() as cur:
        made = {"queue_id": str(uuid.uuid4()), "created_by": reviewer_id}
        if item_ids is None:
            queue = add_queue(cur, settings, **made)
        else:
            queue = add_item_queue(cur, settings, item_ids, **made)
        return queue, queue_progress(cur, queue).num_items // settings.num_reviewers


def store_settings(wanted: ReviewSettings, reviewer_id: str) -> None:
    """Store the project's settings for reviewing.

    Raises:
        DbError: A setting is out of bounds, or the reviewer may not set it.
    """
    with services.database().transaction() as cur:
        save_settings(cur, wanted, reviewer_id)


def count_others_of(queue_id: str, reviewer_id: str) -> int:
    """Count the items of a queue that are on other reviewers' screens."""
    return count_others(get_queue(services.database().cursor(), queue_id), reviewer_id)


def count_others(queue: Queue, reviewer_id: str) -> int:
    """Count the items of a queue that are on other reviewers' screens."""
    return count_held(services.database().cursor(), queue, reviewer_id)
