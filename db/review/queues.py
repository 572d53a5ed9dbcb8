"""Queues: a saved filter and an order, frozen into a list of items that people work through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter, ValidationError

from db.conversions import from_timestamp, require_text, to_json, to_timestamp, utc_now
from db.errors import InvalidQueueError, QueueClosedError, QueueNotFoundError
from db.people.permissions import require
from db.review.draws import (
    ADDED,
    DEFAULT,
    Candidates,
    Kind,
    QueueDesign,
    Strata,
    add_draw,
    count_drawn,
    draw,
)
from db.review.events import ReviewEvent, add_events
from db.review.item_list import ReviewFilter, select_items
from db.review.settings import ReviewMode
from db.review.visibility import view_as
from db.statements import load_sql
from db.viewer import Viewer

QueueOrder = Literal[
    "expected_errors",
    "uncertain",
    "text_head_differ",
    "label_errors",
    "oldest",
    "random",
    "item_id",
]
Sharing = Literal["anyone", "dealt"]

_FILTER: Final = TypeAdapter(ReviewFilter)
_DESIGN: Final = TypeAdapter(QueueDesign)
MAX_NAME = 80
MAX_REVIEWERS = 1000
MAX_REPEAT_SHARE = 0.5

# Expressions over the columns of item_columns; every order ends with the item's id.
_ORDERS: Final[dict[QueueOrder, str]] = {
    "expected_errors": "errors_a_second desc nulls last",
    "uncertain": "head_margin nulls last",
    "text_head_differ": (
        "case when has_text_outcome and head_label is not null "
        "and answer_label is distinct from head_label then 0 else 1 end, "
        "head_confidence desc nulls last"
    ),
    "label_errors": "self_confidence nulls last",
    "oldest": "arrived_at",
    "random": "item_id",
    "item_id": "item_id",
}
_HASH: Final = "('0x' || md5(item_id || '/' || $seed)[1:13])::bigint / 4503599627370496.0"
"""The first 13 digits of a hash as a number from 0 to 1."""
_KINDS: Final[dict[QueueOrder, Kind]] = {
    "random": "equal",
    "oldest": "fixed",
    "item_id": "fixed",
}
"""How places are drawn; the other orders are prioritised."""
FIXED_ORDERS: Final = tuple(order for order, kind in _KINDS.items() if kind == "fixed")
"""Orders in which nothing is drawn."""


@dataclass(frozen=True)
class QueueSettings:
    """Which items a queue is made of, in which order, and how people work through it.

    ``order``: ``expected_errors`` puts the items first of which a minute of review is expected to
    find most wrong answers: the probability of being wrong by the correctness head, over the time
    that their length suggests; ``uncertain`` those whose two likeliest labels the head tells apart
    least; ``text_head_differ`` those where text and head say different labels, the surest head
    first; ``label_errors`` those to whose label of record a head that has not learned from them
    gives the least probability (the self-confidence of confident learning: Northcutt, Jiang, Chuang
    2021; items of which only a head that has learned from them speaks come last); ``random`` is the
    control stream, with which the yield of the other orders can be compared.
    """

    name: str
    filter: ReviewFilter
    order: QueueOrder = "item_id"
    seed: int = 0
    """Of the order ``random`` and of the repeats."""
    num_reviewers: int = 1
    """How many people label each item."""
    mode: ReviewMode = "open"
    sharing: Sharing = "anyone"
    """``anyone``: first come, first served; ``dealt``: each item belongs to people in turn."""
    reviewer_ids: tuple[str, ...] = ()
    """Who may work on it; empty for all."""
    repeat_share: float = 0.0
    """Share of the items that come again, unannounced, to who labelled them; in blind queues only,
    where nothing on screen tells what they said the first time."""
    design: QueueDesign | None = DEFAULT
    """How items are drawn; None for queues made before that was stored, whose order is strict."""

    @property
    def run_id(self) -> str | None:
        """Return the run whose answers are shown."""
        return self.filter.run_id

    def is_open_to(self, reviewer_id: str) -> bool:
        """Return whether a reviewer may work on the queue."""
        return not self.reviewer_ids or reviewer_id in self.reviewer_ids


@dataclass(frozen=True)
class Queue:
    """A list of items for review; it never changes but for items added at its end."""

    queue_id: str
    settings: QueueSettings
    created_at: datetime
    created_by: str
    is_closed: bool = False


@dataclass(frozen=True)
class QueueProgress:
    """How far one reviewer is, or all are, in a queue.

    ``num_items``: of a reviewer: the items that they labelled or may still label.
    """

    reviewer_id: str | None
    num_done: int
    num_items: int
    median_seconds: float | None
    num_fast: int


def add_queue(
    cur: DuckDBPyConnection, settings: QueueSettings, *, queue_id: str, created_by: str
) -> Queue:
    """Make a queue of the items that pass the filter now. The caller owns the transaction.

    What is hidden from the person who makes it can neither choose nor order its items.

    Raises:
        InvalidQueueError: A setting is not possible, the name is taken, or no item passes.
        NotPermittedError: The person who asks may not make queues.
    """
    queue = _insert(cur, settings, queue_id, created_by)
    if extend_queue(cur, queue, created_by) == 0:
        raise InvalidQueueError(
            f"The queue {queue.settings.name!r} was not made: no item passes its filter. "
            "Widen the filter."
        )
    return queue


def add_item_queue(
    cur: DuckDBPyConnection,
    settings: QueueSettings,
    item_ids: Sequence[str],
    *,
    queue_id: str,
    created_by: str,
) -> Queue:
    """Make a queue of chosen items in the order given; it takes in no others later.

    The caller owns the transaction.

    Args:
        settings: Of their filter only the run counts.
        item_ids: The items, the first to come first.

    Raises:
        InvalidQueueError: A setting is not possible, the name is taken, or there is no item.
        NotPermittedError: The person who asks may not make queues.
    """
    no_others = ReviewFilter(run_id=settings.run_id, item_ids=())
    queue = _insert(cur, replace(settings, filter=no_others), queue_id, created_by)
    if not item_ids:
        raise InvalidQueueError(
            f"The queue {queue.settings.name!r} was not made: no item is chosen. Choose some."
        )
    chosen = list(dict.fromkeys(item_ids))
    ranks = np.arange(len(chosen))
    every = Candidates(_texts(chosen), ranks, ranks / len(ranks), _texts([""] * len(chosen)))
    add_draw(cur, queue_id, draw(every, "fixed", DEFAULT, len(chosen)))
    cur.execute(load_sql("queue_insert_items"), {"queue_id": queue_id, "item_ids": chosen})
    return queue


def extend_queue(cur: DuckDBPyConnection, queue: Queue, reviewer_id: str) -> int:
    """Append the items that pass the queue's filter by now and are not in it yet.

    Args:
        reviewer_id: Who extends it; what is hidden from them can neither choose nor order items.

    Returns:
        How many were appended.

    Raises:
        NotPermittedError: The person who asks may not manage queues.
    """
    require(cur, reviewer_id, "manage_queues")
    found = _candidates(cur, queue, view_as(cur, reviewer_id))
    total = len(found.item_ids)
    if total == 0:
        return 0
    design = queue.settings.design or QueueDesign(floor=0)
    num_frame, num_turns = count_drawn(cur, queue.queue_id)
    if num_turns:
        found = _of_turn(found, num_turns)
    num_places = total
    if design.num_items is not None:
        rate = min(1.0, design.num_items / (num_frame or total))
        num_places = math.ceil(rate * total - 1e-9)
    kind = _KINDS.get(queue.settings.order, "prioritised")
    drawn = draw(found, kind, design, num_places)
    if queue.settings.design is not None:
        add_draw(cur, queue.queue_id, drawn)
    item_ids = drawn["item_id"][:num_places].to_pylist()
    placed = {"queue_id": queue.queue_id, "item_ids": item_ids}
    cur.execute(load_sql("queue_insert_items"), placed)
    return num_places


def _candidates(cur: DuckDBPyConnection, queue: Queue, viewer: Viewer) -> Candidates:
    """Return the items that pass a queue's filter by now and were not drawn from yet."""
    settings = queue.settings
    strata = settings.design.strata if settings.design else None
    stratum = f"coalesce({strata}, '')" if strata else "''"
    rank = f"row_number() over (order by {_ORDERS[settings.order]}, item_id)"
    columns = f"item_id, {rank} as priority, {_HASH} as chance, {stratum} as stratum"
    statement, parameters = select_items(columns, settings.filter, viewer)
    parameters |= {"seed": settings.seed, "queue_id": queue.queue_id}
    # Only constants of this package are put together; values are bound.
    found = cur.execute(
        f"select item_id, priority, chance, stratum from ({statement}) as found "  # noqa: S608
        f"anti join ({load_sql('queue_drawn_from')}) as present using (item_id) order by priority",
        parameters,
    ).fetchnumpy()
    return Candidates(
        _texts(found["item_id"]), found["priority"], found["chance"], _texts(found["stratum"])
    )


def _of_turn(candidates: Candidates, num_turns: int) -> Candidates:
    """Return candidates whose strata are those of a later turn: it is a draw of its own."""
    later = [f"{name}, {ADDED} {num_turns}" for name in candidates.strata]
    return replace(candidates, strata=_texts(later))


def _texts(values: Sequence[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    return np.array(list(values), dtype=object)


def get_queue(cur: DuckDBPyConnection, queue_id: str) -> Queue:
    """Return a queue.

    Raises:
        QueueNotFoundError: No queue has this id.
    """
    found = _list(cur, queue_id)
    if not found:
        raise QueueNotFoundError(
            f"There is no queue {queue_id!r}. Choose one of the list on the Review page."
        )
    return found[0]


def require_open(queue: Queue | None, reviewer_id: str) -> None:
    """Refuse to work in a queue that is closed or names other reviewers; None is no queue.

    Raises:
        QueueClosedError: It takes no label of this reviewer.
    """
    if queue is None:
        return
    if queue.is_closed or not queue.settings.is_open_to(reviewer_id):
        why = "is closed" if queue.is_closed else "is open to other reviewers only"
        raise QueueClosedError(
            f"The queue {queue.settings.name!r} {why}, so nothing more is stored in it. Choose "
            "another queue, or label the item from the list of all items."
        )


def list_queues(cur: DuckDBPyConnection, reviewer_id: str | None = None) -> list[Queue]:
    """Return all queues, newest first; with a reviewer, the open ones that they may work on."""
    queues = _list(cur, None)
    if reviewer_id is None:
        return queues
    return [
        queue for queue in queues if not queue.is_closed and queue.settings.is_open_to(reviewer_id)
    ]


def close_queue(cur: DuckDBPyConnection, queue_id: str, reviewer_id: str) -> None:
    """Close a queue for all reviewers; judgements made in it are kept.

    Raises:
        QueueNotFoundError: No queue has this id.
        NotPermittedError: The person who asks may not manage queues.
    """
    require(cur, reviewer_id, "manage_queues")
    if not get_queue(cur, queue_id).is_closed:
        add_events(cur, [ReviewEvent("close_queue", reviewer_id, queue_id=queue_id)])


def find_position(cur: DuckDBPyConnection, queue_id: str, item_id: str) -> int | None:
    """Return an item's place in a queue, from 0, or None for an item outside it."""
    parameters = {"queue_id": queue_id, "item_id": item_id}
    row = cur.execute(load_sql("queue_position"), parameters).fetchone()
    return None if row is None else int(row[0])


def find_item_at(cur: DuckDBPyConnection, queue_id: str, position: int) -> str | None:
    """Return the item at a place in a queue, labelled or not; None past an end."""
    parameters = {"queue_id": queue_id, "position": position}
    row = cur.execute(load_sql("queue_item_at"), parameters).fetchone()
    return None if row is None else str(row[0])


def list_block(
    cur: DuckDBPyConnection, queue_id: str, first: int, num_items: int
) -> tuple[str, ...]:
    """Return the items of a queue from a position on, in its order."""
    window = {"first_position": first, "last_position": first + num_items - 1}
    rows = cur.execute(load_sql("queue_block"), {"queue_id": queue_id, **window}).fetchall()
    return tuple(row[0] for row in rows)


def queue_progress(
    cur: DuckDBPyConnection, queue: Queue, reviewer_id: str | None = None
) -> QueueProgress:
    """Return how far a reviewer is in a queue, or how many places of it are filled in all."""
    parameters = {"queue_id": queue.queue_id, "reviewer_id": reviewer_id}
    row = cur.execute(load_sql("queue_progress"), parameters).fetchone()
    num_items, num_done, median_seconds, num_fast = row or (0, 0, None, 0)
    settings = queue.settings
    places = num_items * settings.num_reviewers
    people = len(settings.reviewer_ids)
    if reviewer_id is not None:
        places = num_items
        if settings.sharing == "dealt" and people:
            places = round(num_items * min(settings.num_reviewers / people, 1))
    return QueueProgress(reviewer_id, num_done, places, median_seconds, num_fast)


def list_progress(cur: DuckDBPyConnection, queue: Queue) -> list[QueueProgress]:
    """Return how far each reviewer is who worked on a queue or was named for it."""
    rows = cur.execute(load_sql("queue_people"), {"queue_id": queue.queue_id}).fetchall()
    people = dict.fromkeys((*queue.settings.reviewer_ids, *(row[0] for row in rows)))
    return [queue_progress(cur, queue, reviewer_id) for reviewer_id in people]


def _insert(
    cur: DuckDBPyConnection, settings: QueueSettings, queue_id: str, created_by: str
) -> Queue:
    """Store a queue that has no items yet."""
    require(cur, created_by, "manage_queues")
    require_text(settings.name, "name of the queue", InvalidQueueError)
    settings = replace(
        settings,
        name=" ".join(settings.name.split()),
        reviewer_ids=tuple(dict.fromkeys(settings.reviewer_ids)),
    )
    _require_possible(settings)
    _require_free(cur, settings.name)
    parameters = {
        **vars(settings),
        "queue_id": queue_id,
        "run_id": settings.run_id,
        "filter": to_json(asdict(settings.filter)),
        "design": to_json(asdict(settings.design or DEFAULT)),
        "reviewer_ids": list(settings.reviewer_ids),
        "created_at": to_timestamp(utc_now()),
        "created_by": created_by,
    }
    cur.execute(load_sql("queue_insert"), parameters)
    return get_queue(cur, queue_id)


def _list(cur: DuckDBPyConnection, queue_id: str | None) -> list[Queue]:
    rows = cur.execute(load_sql("queue_list"), {"queue_id": queue_id}).fetchall()
    return [
        Queue(
            queue_id=row[0],
            settings=QueueSettings(
                name=row[1],
                filter=_read_filter(row[2]),
                order=row[3],
                seed=row[4],
                num_reviewers=row[5],
                mode=row[6],
                sharing=row[7],
                reviewer_ids=tuple(row[8]),
                repeat_share=row[9],
                design=_find_design(row[13]),
            ),
            created_at=from_timestamp(row[10]),
            created_by=row[11],
            is_closed=row[12],
        )
        for row in rows
    ]


def _read_filter(stored: str) -> ReviewFilter:
    """Read the filter of a queue; of a damaged one the queue keeps its items and gets no others."""
    return _find_filter(stored) or ReviewFilter(item_ids=())


def _find_filter(stored: str) -> ReviewFilter | None:
    try:
        return _FILTER.validate_json(stored)
    except ValidationError:
        return None


def _find_design(stored: str | None) -> QueueDesign | None:
    try:
        return None if stored is None else _DESIGN.validate_json(stored)
    except ValidationError:
        return None  # as for a queue made before: its order is strict, and its draw is stored


def list_queue_faults(cur: DuckDBPyConnection) -> list[str]:
    """Describe the open queues whose filter cannot be read."""
    return [
        f"The filter of the queue {name!r} is damaged: it keeps its items and can get no others. "
        "Create a new queue for further items."
        for name, stored, is_closed in (
            (row[1], row[2], row[12])
            for row in cur.execute(load_sql("queue_list"), {"queue_id": None}).fetchall()
        )
        if not is_closed and _find_filter(stored) is None
    ]


def _require_free(cur: DuckDBPyConnection, name: str) -> None:
    if any(queue.settings.name == name and not queue.is_closed for queue in list_queues(cur)):
        raise InvalidQueueError(
            f"There is an open queue named {name!r} already. Choose another name, or close that "
            "queue first."
        )


def _require_possible(settings: QueueSettings) -> None:
    faults = []
    length, people = len(settings.name), len(settings.reviewer_ids)
    num_reviewers, share = settings.num_reviewers, settings.repeat_share
    if not 1 <= length <= MAX_NAME:
        faults.append(f"the name has {length} characters, 1 to {MAX_NAME} are allowed")
    for what, kind in (("order", QueueOrder), ("mode", ReviewMode), ("sharing", Sharing)):
        value, allowed = getattr(settings, what), list(get_args(kind))
        if value not in allowed:
            faults.append(f"the {what} {value!r} is none of {allowed}")
    if not 1 <= num_reviewers <= MAX_REVIEWERS:
        faults.append(f"{num_reviewers} reviewers an item are not within 1 and {MAX_REVIEWERS}")
    if people and people < num_reviewers:
        faults.append(f"{num_reviewers} reviewers an item need as many people, not {people}")
    if settings.sharing == "dealt" and not people:
        faults.append("items can be dealt only to people who are named")
    if not 0 <= share <= MAX_REPEAT_SHARE:
        faults.append(f"the share of repeats {share} is not within 0 and {MAX_REPEAT_SHARE}")
    faults += _design_faults(settings.design)
    if share and settings.mode != "blind":
        faults.append("items can come again unannounced only where they are shown blind")
    if faults:
        raise InvalidQueueError(f"The queue was not made: {'; '.join(faults)}. Change that.")


def _design_faults(design: QueueDesign | None) -> list[str]:
    if design is None:
        return []
    faults = []
    if not 0 <= design.floor <= 1:
        faults.append(f"the floor {design.floor} is not within 0 and 1")
    if design.num_items is not None and design.num_items < 1:
        faults.append(f"{design.num_items} items to draw are fewer than 1")
    if design.strata not in (None, *get_args(Strata)):
        faults.append(f"the strata {design.strata!r} are none of {list(get_args(Strata))}")
    if any(share <= 0 for _, share in design.shares) or sum(s for _, s in design.shares) > 1:
        faults.append(f"the shares {dict(design.shares)} are not above 0 with a sum of at most 1")
    if design.shares and design.strata is None:
        faults.append("shares are of strata, and none are chosen")
    return faults
