"""Queues: a saved filter and an order, frozen into a list of items that people work through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter

from db.conversions import find_sound, require_text, to_json, to_timestamp, utc_now
from db.errors import InvalidQueueError, QueueClosedError, QueueNotFoundError
from db.people.permissions import PERMISSIONS, is_permitted, require
from db.review.draws import (
    ADDED,
    DEFAULT,
    Candidates,
    Kind,
    QueueDesign,
    add_draw,
    add_shares,
    count_drawn,
    deal,
    design_faults,
    draw,
    draw_sizes,
    list_undrawn,
)
from db.review.item_list import ReviewFilter, select_items
from db.review.settings import ReviewMode
from db.review.visibility import view_as
from db.statements import fetch_value, load_sql, record_of
from db.viewer import Viewer

QueueOrder = Literal[
    "expected_errors",
    "uncertain",
    "text_head_differ",
    "label_errors",
    "oldest",
    "random",
    "item_id",
    "listed",
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
    "listed": "item_id",
}
_HASH: Final = "('0x' || md5(item_id || '/' || $seed)[1:13])::bigint / 4503599627370496.0"
"""The first 13 digits of a hash as a number from 0 to 1."""
ORDERS: Final[tuple[QueueOrder, ...]] = tuple(order for order in _ORDERS if order != "listed")
"""Orders of the items that pass a filter; chosen items have one of their own."""
_KINDS: Final[dict[QueueOrder, Kind]] = {
    "random": "equal",
    "oldest": "fixed",
    "item_id": "fixed",
    "listed": "fixed",
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
    control stream, with which the yield of the other orders can be compared; ``listed`` is the
    order in which items were chosen.
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
    """The people named for it; empty for all."""
    repeat_share: float = 0.0
    """Share of the items that come again, unannounced, to who labelled them; in blind queues only,
    where nothing on screen tells what they said the first time."""
    design: QueueDesign | None = DEFAULT
    """How items are drawn; None for queues made before that was stored, whose order is strict."""

    @property
    def run_id(self) -> str | None:
        """Return the run whose answers are shown."""
        return self.filter.run_id


@dataclass(frozen=True)
class Queue:
    """A list of items for review; it never changes but for items added at its end.

    Its people may change: ``settings`` name those of now. Who is named and may no longer label is
    not present, and where fewer are than label each item, it is open to all: no item is stranded.
    """

    queue_id: str
    settings: QueueSettings
    created_at: datetime
    created_by: str
    is_closed: bool = False
    present_ids: tuple[str, ...] = ()
    """The people named who may label now."""

    @property
    def is_open_to_all(self) -> bool:
        """Return whether every reviewer may work on the queue."""
        return len(self.present_ids) < self.settings.num_reviewers

    def is_open_to(self, reviewer_id: str) -> bool:
        """Return whether a reviewer may work on the queue."""
        return self.is_open_to_all or reviewer_id in self.present_ids


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
    """Make a queue of chosen items; it takes in no others later.

    The caller owns the transaction.

    Args:
        settings: Of their filter only the run counts. A fixed order means the order given.
        item_ids: The items to draw from.

    Raises:
        InvalidQueueError: A setting is not possible, the name is taken, or there is no item.
        NotPermittedError: The person who asks may not make queues.
    """
    if settings.order in FIXED_ORDERS:
        settings = replace(settings, order="listed")
    no_others = ReviewFilter(run_id=settings.run_id, item_ids=())
    queue = _insert(cur, replace(settings, filter=no_others), queue_id, created_by)
    chosen = replace(no_others, item_ids=tuple(dict.fromkeys(item_ids)))
    found = _candidates(cur, queue, view_as(cur, created_by), chosen)
    if not _place_drawn(cur, queue, found):
        raise InvalidQueueError(
            f"The queue {queue.settings.name!r} was not made: no item is chosen. Choose some."
        )
    return queue


def extend_queue(
    cur: DuckDBPyConnection, queue: Queue, reviewer_id: str, num_items: int | None = None
) -> int:
    """Append items to a queue.

    Args:
        reviewer_id: Who extends it; what is hidden from them can neither choose nor order items.
        num_items: This many of the items that have no place yet, in the queue's order: of a drawn
            queue the next of the same draw, so that it is as if it had been made with more places.
            None: those that pass the filter only now, drawn at the same rate.

    Returns:
        How many were appended.

    Raises:
        NotPermittedError: The person who asks may not manage queues.
        InvalidQueueError: The number is below 1.
    """
    require(cur, reviewer_id, "manage_queues")
    if num_items is None:
        return _place_drawn(cur, queue, _candidates(cur, queue, view_as(cur, reviewer_id)))
    if num_items < 1:
        raise InvalidQueueError(f"{num_items} items to add are fewer than 1. Choose a number.")
    design = queue.settings.design
    kind = _KINDS.get(queue.settings.order, "prioritised")
    if design is None or draw_sizes(kind, 1, design.floor) is None:
        found = _candidates(cur, queue, view_as(cur, reviewer_id))
        return _place_drawn(cur, queue, found, num_items)
    item_ids = list_undrawn(cur, queue.queue_id, design)[:num_items]
    _place(cur, queue, item_ids)
    return len(item_ids)


def _place_drawn(
    cur: DuckDBPyConnection, queue: Queue, found: Candidates, num_places: int | None = None
) -> int:
    """Draw from candidates and append those with a place; None: as many as at the rate so far."""
    total = len(found.item_ids)
    if total == 0:
        return 0
    design = queue.settings.design or QueueDesign(floor=0)
    num_placed, num_frame, num_turns = count_drawn(cur, queue.queue_id)
    if num_turns:
        found = _of_turn(found, num_turns)
    if num_places is None and design.num_items is not None:
        rate = num_placed / num_frame if num_frame else design.num_items / total
        num_places = math.ceil(min(1.0, rate) * total - 1e-9)
    num_places = min(total, num_places or total)
    kind = _KINDS.get(queue.settings.order, "prioritised")
    drawn = draw(found, kind, design, num_places)
    if queue.settings.design is not None:
        add_draw(cur, queue.queue_id, drawn)
    _place(cur, queue, drawn["item_id"][:num_places].to_pylist())
    return num_places


def _place(cur: DuckDBPyConnection, queue: Queue, item_ids: Sequence[str]) -> None:
    """Append items to a queue, dealt where it is a dealt one."""
    placed = {"queue_id": queue.queue_id, "item_ids": list(item_ids)}
    cur.execute(load_sql("queue_insert_items"), placed)
    if queue.settings.sharing == "dealt" and queue.present_ids:
        new = [(item_id, ()) for item_id in item_ids]
        dealt = deal(new, queue.present_ids, queue.settings.num_reviewers)
        add_shares(cur, queue.queue_id, dealt)


def _candidates(
    cur: DuckDBPyConnection, queue: Queue, viewer: Viewer, flt: ReviewFilter | None = None
) -> Candidates:
    """Return the items that pass a filter by now, or the queue's, and were not drawn from yet."""
    settings = queue.settings
    flt = settings.filter if flt is None else flt
    strata = settings.design.strata if settings.design else None
    stratum = f"coalesce({strata}, '')" if strata else "''"
    rank = f"row_number() over (order by {_ORDERS[settings.order]}, item_id)"
    columns = f"item_id, {rank} as priority, {_HASH} as chance, {stratum} as stratum"
    statement, parameters = select_items(columns, flt, viewer)
    parameters |= {"seed": settings.seed, "queue_id": queue.queue_id}
    # Only constants of this package are put together; values are bound.
    found = cur.execute(
        f"select item_id, priority, chance, stratum from ({statement}) as found "  # noqa: S608
        f"anti join ({load_sql('queue_drawn_from')}) as present using (item_id) order by priority",
        parameters,
    ).fetchnumpy()
    ranks = found["priority"]
    if settings.order == "listed":
        place_of = {item_id: place for place, item_id in enumerate(flt.item_ids or ())}
        ranks = np.array([place_of[item_id] for item_id in found["item_id"]], np.int64)
    return Candidates(_texts(found["item_id"]), ranks, found["chance"], _texts(found["stratum"]))


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
    if queue.is_closed or not queue.is_open_to(reviewer_id):
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
    return [queue for queue in queues if not queue.is_closed and queue.is_open_to(reviewer_id)]


def list_queues_seen_by(cur: DuckDBPyConnection, reviewer_id: str) -> list[Queue]:
    """Return the queues that a person sees, newest first.

    Who may manage queues sees all, others the open ones they may work on and all that they made.

    Raises:
        NotPermittedError: They have no role, or no more.
        ReviewerNotFoundError: No reviewer has this id.
    """
    person = require(cur, reviewer_id, "read")
    sees_all = is_permitted(person, "manage_queues")
    return [
        queue
        for queue in _list(cur, None)
        if sees_all
        or queue.created_by == reviewer_id
        or (not queue.is_closed and queue.is_open_to(reviewer_id))
    ]


def find_position(cur: DuckDBPyConnection, queue_id: str, item_id: str) -> int | None:
    """Return an item's place in a queue, from 0, or None for an item outside it."""
    return fetch_value(cur, int, "queue_position", queue_id=queue_id, item_id=item_id)


def find_item_at(cur: DuckDBPyConnection, queue_id: str, position: int) -> str | None:
    """Return the item at a place in a queue, labelled or not; None past an end."""
    return fetch_value(cur, str, "queue_item_at", queue_id=queue_id, position=position)


def list_block(
    cur: DuckDBPyConnection, queue_id: str, first: int, num_items: int
) -> tuple[str, ...]:
    """Return the items of a queue from a position on, in its order."""
    window = {"first_position": first, "last_position": first + num_items - 1}
    rows = cur.execute(load_sql("queue_block"), {"queue_id": queue_id, **window}).fetchall()
    return tuple(row[0] for row in rows)


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
    require_free(cur, settings.name)
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
    return [record_of(_queue, row) for row in _rows(cur, queue_id)]


def _queue(queue_id: str, name: str, flt: str, *row: Any) -> Queue:
    settings = QueueSettings(name, _read_filter(flt), *row[:7])
    settings = replace(settings, design=find_sound(_DESIGN, row[7]))
    return Queue(queue_id, settings, *row[8:])


def _rows(cur: DuckDBPyConnection, queue_id: str | None) -> list[tuple[Any, ...]]:
    parameters = {"queue_id": queue_id, "labelling_roles": sorted(PERMISSIONS["annotate"])}
    return cur.execute(load_sql("queue_list"), parameters).fetchall()


def _read_filter(stored: str) -> ReviewFilter:
    """Read the filter of a queue; of a damaged one the queue keeps its items and gets no others."""
    return find_sound(_FILTER, stored) or ReviewFilter(item_ids=())


def list_queue_faults(cur: DuckDBPyConnection) -> list[str]:
    """Describe the open queues whose filter cannot be read."""
    return [
        f"The filter of the queue {name!r} is damaged: it keeps its items and can get no others. "
        "Create a new queue for further items."
        for _, name, stored, *_, is_closed, _ in _rows(cur, None)
        if not is_closed and find_sound(_FILTER, stored) is None
    ]


def require_free(cur: DuckDBPyConnection, name: str) -> None:
    """Refuse a name that an open queue has.

    Raises:
        InvalidQueueError: One has it.
    """
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
    if settings.order == "listed" and settings.filter.item_ids is None:
        faults.append("only chosen items have an order of their own")
    if settings.sharing == "dealt" and not people:
        faults.append("items can be dealt only to people who are named")
    if not 0 <= share <= MAX_REPEAT_SHARE:
        faults.append(f"the share of repeats {share} is not within 0 and {MAX_REPEAT_SHARE}")
    faults += design_faults(settings.design)
    if share and settings.mode != "blind":
        faults.append("items can come again unannounced only where they are shown blind")
    if faults:
        raise InvalidQueueError(f"The queue was not made: {'; '.join(faults)}. Change that.")
