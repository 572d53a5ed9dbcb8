"""What happens at a review desk: items given ahead, judgements stored once, taken back, put off.

The routes call these functions, and so do tests. Each reads or writes in one step; what a person
may do and see is decided in ``db`` at that moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from cachetools import LRUCache

from db.conversions import utc_now
from db.errors import ItemNotFoundError, ItemWithheldError, NotPermittedError
from db.people.desk_keys import get_desk_keys, save_desk_keys
from db.records import Annotation, Judgement
from db.review import day
from db.review.annotations import (
    OnScreen,
    add_annotation,
    require_standing,
    retract_annotation,
    standing_annotations,
)
from db.review.day import ReviewedDay
from db.review.drafts import clear_draft, save_draft
from db.review.events import ReviewEvent, add_events
from db.review.item_list import ReviewFilter
from db.review.queues import Queue, require_open
from db.review.reservations import RESERVATION
from db.review.rights import (
    known_queue,
    known_reviewer,
    known_settings,
    known_states,
    known_viewer,
)
from db.viewer import is_hidden
from streamlit_app.logic.review.correction import corrected_answer
from streamlit_app.logic.review.reading_time import floor_seconds
from streamlit_app.server import review_service, services
from streamlit_app.server.review_service import ReviewedItem, load_item
from streamlit_app.server.tokens import Presented, Sitting, now
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say

_MAX_WORKLISTS: Final = 5_000
_UNDO: Final = uuid.UUID("6f1c1f0e-3f53-4f0c-9a58-3f0b5d0d7a11")
"""Namespace of the ids of retractions: one for each judgement, so that undo sent again is one."""


@dataclass(frozen=True)
class Shown:
    """An item as it is put before a reviewer, and how."""

    reviewed: ReviewedItem
    presented: Presented
    held_until: datetime | None
    """Until when nobody else gets it; None outside queues."""


@dataclass(frozen=True)
class Saved:
    """A stored judgement, and the item revealed where it was a blind one."""

    annotation: Annotation
    reveal: Shown | None
    is_withheld: bool
    """Whether another queue waits for a blind label, so that nothing is revealed yet."""


class _Worklists:
    """What each sitting works through; read again where it was dropped or the server restarted."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, Sitting], Worklist] = LRUCache(_MAX_WORKLISTS)
        self._lock = Lock()

    def get(self, sitting: Sitting) -> Worklist:
        """Return the worklist of a sitting."""
        key = (str(services.database().path), sitting)
        with self._lock:
            worklist = self._known.get(key)
        if worklist is None:
            worklist = _open_worklist(sitting)
            with self._lock:
                worklist = self._known.setdefault(key, worklist)
        return worklist


_WORKLISTS: Final = _Worklists()


def _queue(queue_id: str | None) -> Queue | None:
    return None if queue_id is None else known_queue(services.database(), queue_id)


def _open_worklist(sitting: Sitting) -> Worklist:
    if sitting.queue_id is not None:
        queue = known_queue(services.database(), sitting.queue_id)
        return review_service.open_worklist(queue, sitting.reviewer_id)
    flt = replace(sitting.filter or ReviewFilter(), reviewer_id=sitting.reviewer_id)
    return review_service.open_worklist((flt, sitting.order), sitting.reviewer_id)


def worklist_of(sitting: Sitting) -> Worklist:
    """Return what a sitting works through.

    Raises:
        QueueNotFoundError: Its queue does not exist.
        NotPermittedError: The reviewer's access was taken away.
    """
    return _WORKLISTS.get(sitting)


def next_items(
    sitting: Sitting, num_items: int, after: str | None, at_hand: Sequence[str]
) -> list[Shown]:
    """Reserve the next open items for the reviewer and read them.

    Raises:
        QueueClosedError: The queue is closed, or no longer open to the reviewer.
        NotPermittedError: The reviewer may not label, or not even look.
    """
    worklist = worklist_of(sitting)
    require_open(_queue(sitting.queue_id), sitting.reviewer_id)
    shown = []
    item_ids = worklist.ahead(num_items, after, at_hand)
    review_service.read_together(item_ids, sitting.reviewer_id)
    for item_id in item_ids:
        try:
            shown.append(_show(sitting, worklist, item_id))
        except (ItemNotFoundError, ItemWithheldError):  # hidden between the search and the read
            continue
    return shown


def show_item(sitting: Sitting, item_id: str) -> Shown:
    """Read one item of a reviewer's choice.

    Raises:
        ItemNotFoundError: No item has this id.
        ItemWithheldError: It waits for the reviewer's blind label elsewhere.
    """
    return _show(sitting, worklist_of(sitting), item_id)


def _show(sitting: Sitting, worklist: Worklist, item_id: str) -> Shown:
    reviewed = load_item(item_id, sitting.run_id, sitting.reviewer_id, worklist)
    encounter = reviewed.encounter
    speed = known_settings(services.database()).words_per_minute
    served_at = now()
    presented = Presented(
        item_id=item_id,
        item_version=reviewed.item.version,
        reviewer_id=sitting.reviewer_id,
        phase=encounter.phase,
        presentation=encounter.presentation,
        run_id=encounter.run_id,
        queue_id=encounter.queue_id,
        guideline_version=encounter.guideline_version,
        replaces=reviewed.standing_id,
        floor_seconds=floor_seconds(reviewed.item, reviewed.prediction, encounter.phase, speed),
        served_at=served_at,
    )
    is_held = worklist.queue_of(item_id) is not None
    until = datetime.fromtimestamp(served_at, UTC) + RESERVATION if is_held else None
    return Shown(reviewed, presented, until)


def store(
    sitting: Sitting,
    presented: Presented,
    judgement: Judgement,
    *,
    judgement_id: str,
    replaces: str | None,
    pressed_at: datetime,
    seen: timedelta,
) -> Saved:
    """Store a judgement once, drop its draft, and read the reveal of a blind one.

    Sent again with the same id it changes nothing and is answered alike.

    Args:
        presented: What the press was made on.
        judgement_id: Made by the browser for this press.
        replaces: The reviewer's own annotation that they mean to replace. A blind label replaces
            only what it was presented with: after a reveal no other label is blind.
        pressed_at: By the browser's clock.
        seen: How long the item was in sight, as the browser reports it.

    Raises:
        AnnotationConflictError: Another annotation stands by now.
        ItemConflictError: The item has another sense since it was shown, or was set aside.
        QueueClosedError: The queue takes no more labels of the reviewer.
        NotPermittedError: The reviewer may not label, or the item was presented to another.
        DbError: It cannot be stored as it is.
    """
    item_id = presented.item_id
    require_presented_to(sitting, presented)
    moment = utc_now()
    seconds = min(seen.total_seconds(), max(now() - presented.served_at, 0.0))
    is_first = presented.replaces is None or presented.phase != "open"
    encounter = replace(
        presented.encounter(),
        duration_seconds=seconds,
        is_fast=is_first and seconds < presented.floor_seconds,
        client_at=pressed_at,
    )
    is_blind = presented.phase == "blind"
    worklist = worklist_of(sitting)
    database, reviewer_id = services.database(), sitting.reviewer_id
    content = review_service.find_content(worklist, presented.run_id, item_id)
    answer = None if content.prediction is None else content.prediction.answer
    if judgement.answer is not None:  # a field that still holds the answer corrects nothing
        judgement = replace(judgement, answer=corrected_answer(judgement.answer, answer))
    with database.transaction(only_labels=True, item_id=item_id) as cur:
        state = known_states(database, [item_id], reviewer_id)[item_id]
        annotation = add_annotation(
            cur,
            replace(judgement, is_flagged=state.is_flagged),
            encounter,
            annotation_id=judgement_id,
            item_id=item_id,
            reviewer_id=reviewer_id,
            on_screen=OnScreen(
                replaces=presented.replaces if is_blind else replaces,
                reviewer=known_reviewer(database, reviewer_id),
                queue=_queue(presented.queue_id),
                item=content.item,
                answer=answer,
                state=state,
                item_version=presented.item_version,
            ),
            created_at=moment,
        )
        is_new = annotation.created_at == moment
        if is_new and state.has_draft(presented.phase):
            clear_draft(cur, item_id, reviewer_id, presented.phase)
        is_withheld = is_blind and is_hidden(cur, known_viewer(database, reviewer_id), item_id)
        if is_blind and is_new and not is_withheld:
            queue_id = annotation.encounter.queue_id
            add_events(cur, [ReviewEvent("reveal", reviewer_id, item_id, queue_id, "revealed")])
    if is_blind:
        reveal = None if is_withheld else _show(sitting, worklist, item_id)
        return Saved(annotation, reveal, is_withheld=is_withheld)
    if is_new and (presented.replaces is None or presented.phase == "revealed"):
        worklist.mark_done(item_id)
    return Saved(annotation, None, is_withheld=False)


def undo(sitting: Sitting, item_id: str, judgement_id: str) -> Shown:
    """Retract one judgement, where it still stands, and read its item as it is then.

    Raises:
        AnnotationConflictError: Another one stands by now.
        NothingToRetractError: None stands.
        NotPermittedError: The reviewer may not label.
    """
    moment = utc_now()
    with services.database().transaction(only_labels=True, item_id=item_id) as cur:
        retracted = retract_annotation(
            cur,
            annotation_id=str(uuid.uuid5(_UNDO, judgement_id)),
            item_id=item_id,
            reviewer_id=sitting.reviewer_id,
            retracts=judgement_id,
        )
    worklist = worklist_of(sitting)
    shown = _show(sitting, worklist, item_id)
    was_done = retracted.encounter.phase != "blind" and retracted.created_at >= moment
    mine = shown.reviewed.mine
    if was_done and (mine is None or mine.encounter.phase == "blind"):
        worklist.mark_open(item_id)
    return shown


def skip(sitting: Sitting, item_id: str, pressed_at: datetime | None) -> None:
    """Postpone an item until nothing else is open.

    Raises:
        NotPermittedError: The reviewer may not label.
    """
    worklist_of(sitting).put_off(item_id, pressed_at)


def flag(sitting: Sitting, item_id: str, flagged: bool, pressed_at: datetime | None) -> None:
    """Flag an item, or take the flag off.

    Raises:
        NotPermittedError: The reviewer may not label.
    """
    review_service.flag(item_id, sitting.reviewer_id, flagged, pressed_at)


def keep_draft(sitting: Sitting, presented: Presented, body: dict[str, object]) -> None:
    """Store what is picked and typed, unless the item was saved meanwhile.

    Raises:
        AnnotationConflictError: It was: its draft must not come back.
        NotPermittedError: The reviewer may not label, or the item was presented to another.
        InvalidDraftError: It is too long.
    """
    require_presented_to(sitting, presented)
    item_id, reviewer_id = presented.item_id, sitting.reviewer_id
    database = services.database()
    with database.transaction(only_labels=True, item_id=item_id) as cur:
        history = known_states(database, [item_id], reviewer_id)[item_id].history
        standing = standing_annotations(history).get(reviewer_id)
        require_standing(item_id, standing, presented.replaces)
        save_draft(cur, item_id, reviewer_id, presented.phase, body)


def leave(sitting: Sitting, item_ids: Sequence[str]) -> None:
    """Release what was held ahead, so that others can have it at once.

    Raises:
        NotPermittedError: The reviewer may not label.
    """
    if item_ids:
        worklist_of(sitting).give_back(item_ids)


def note_opened(sitting: Sitting, opened: Sequence[tuple[Presented, datetime]]) -> None:
    """Record when items came into sight.

    Raises:
        NotPermittedError: Their access was taken away, or an item was presented to another.
    """
    events = []
    for presented, at in opened:
        require_presented_to(sitting, presented)
        events.append(
            ReviewEvent(
                "open",
                sitting.reviewer_id,
                presented.item_id,
                presented.queue_id,
                presented.phase,
                client_at=at,
            )
        )
    if events:
        with services.database().transaction(only_labels=True) as cur:
            add_events(cur, events)


def read_day(sitting: Sitting, since: datetime) -> ReviewedDay:
    """Return what the reviewer did since a moment: in their queue, or anywhere without one.

    Raises:
        NotPermittedError: Their access was taken away.
    """
    cur = services.database().cursor()
    return day.read_day(
        cur, sitting.reviewer_id, since, queue_id=sitting.queue_id, run_id=sitting.run_id
    )


def keys_of(reviewer_id: str) -> dict[str, str]:
    """Return which key does what at a person's desk."""
    database = services.database()
    return database.known.get(
        ("desk_keys", reviewer_id), lambda: get_desk_keys(database.cursor(), reviewer_id)
    )


def set_keys(sitting: Sitting, changes: Mapping[str, str]) -> dict[str, str]:
    """Store a person's own keys and return all that count from now on.

    Raises:
        InvalidSettingError: A key cannot be used, or two commands would have the same one.
        NotPermittedError: Their access was taken away.
    """
    with services.database().transaction() as cur:
        return save_desk_keys(cur, changes, sitting.reviewer_id)


def require_presented_to(sitting: Sitting, presented: Presented) -> None:
    """Refuse a presentation that was made for another person.

    Raises:
        NotPermittedError: It was.
    """
    if presented.reviewer_id != sitting.reviewer_id:
        raise NotPermittedError(say("desk.other_person"))
