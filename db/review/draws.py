"""How the items of a queue are drawn, so that what people find speaks for all, and dealt.

Within a stratum items come in the order of ``u / size`` (sequential Poisson sampling: Ohlsson
1998), where ``u`` is a number in [0, 1) that a hash makes of item and seed, and ``size`` the share
of a draw that an item has. Wherever people stop, the items up to there are a sample whose inclusion
probabilities are known: ``min(1, size * threshold)``, with the threshold that makes them sum to the
number of items. In a prioritised order sizes fall with the rank, down to a floor.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import SCHEMAS, incoming
from db.statements import fetch_row, load_sql

Strata = Literal["source", "split", "gold_label", "head_label", "answer_label"]
Kind = Literal["equal", "prioritised", "fixed"]
FLOOR: Final = 0.5
ADDED: Final = "added"
"""In the name of a stratum: of items that passed the filter only later."""

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class QueueDesign:
    """How items are drawn for a queue.

    Attributes:
        floor: Of prioritised orders: each item keeps at least this share of the chance that a
            random order would give it. At 0 the order is strict, and only a queue that is reviewed
            whole speaks for its items.
        num_items: Places that the queue has; all items that pass where None. Items that are added
            later are drawn at the same rate.
        strata: Draw from each value of this column separately.
        shares: Of the places, by stratum; the strata that are not named share the rest equally.
    """

    floor: float = FLOOR
    num_items: int | None = None
    strata: Strata | None = None
    shares: tuple[tuple[str, float], ...] = ()


DEFAULT: Final = QueueDesign()


@dataclass(frozen=True, eq=False)
class Candidates:
    """Items to draw from: their ids, ranks by priority from 0, hashes in [0, 1) and strata."""

    item_ids: npt.NDArray[np.object_]
    ranks: npt.NDArray[np.int64]
    hashes: _Floats
    strata: npt.NDArray[np.object_]


def draw(candidates: Candidates, kind: Kind, design: QueueDesign, num_places: int) -> pa.Table:
    """Draw items and return all of them as rows of ``queue_draw``, those with a place first.

    A fixed order draws nothing: its rows are the items that have a place. In arrays, because a
    queue may hold all items there are and no one may wait for it.
    """
    total = len(candidates.item_ids)
    encoded = pa.array(candidates.strata, pa.string()).dictionary_encode()
    names, strata = encoded.dictionary.to_numpy(zero_copy_only=False), encoded.indices.to_numpy()
    shares = _shares_of(names.tolist(), design)
    ranks, keys = np.empty(total, np.int64), np.empty(total)
    sizes, limits = np.full(total, np.nan), np.full(total, np.nan)
    for number, name in enumerate(names.tolist()):
        own = np.flatnonzero(strata == number)
        own = own[np.argsort(candidates.ranks[own], kind="stable")]
        by_rank = draw_sizes(kind, len(own), design.floor)
        if by_rank is not None:
            order = np.argsort(candidates.hashes[own] / by_rank)
            own = own[order]
            sizes[own], limits[own] = by_rank[order], thresholds(by_rank)
        ranks[own] = np.arange(1, len(own) + 1)
        keys[own] = (ranks[own] - 0.5) / shares[name]
    places = np.lexsort((strata, keys))
    is_placed = np.zeros(total, np.bool_)
    is_placed[places[:num_places]] = True
    if np.isnan(sizes).all():
        places, chances = places[:num_places], np.ones(total)
    else:
        # The threshold of the last place of a stratum is that of all its places.
        last = np.zeros(len(names))
        np.maximum.at(last, strata[is_placed], limits[is_placed])
        chances = np.minimum(1, sizes * last[strata])
    columns = (names[strata], ranks, candidates.item_ids, sizes, limits, chances)
    schema = SCHEMAS["incoming_queue_draw"]
    return pa.Table.from_arrays(
        [
            pa.array(column[places], field.type, from_pandas=True)
            for column, field in zip(columns, schema, strict=True)
        ],
        schema=schema,
    )


def thresholds(sizes: _Floats) -> _Floats:
    """Return for each number of items the threshold at which probabilities sum to it, ``(n,)``.

    Example:
        >>> thresholds(np.array([0.5, 0.25, 0.25])).round(6).tolist()
        [1.0, 2.0, 4.0]
    """
    falling = np.sort(sizes)[::-1]
    above = np.concatenate([[0.0], np.cumsum(falling)[:-1]])
    # At the threshold 1 / size every larger item is certain and the others have their shares.
    at = 1 / falling
    sums = np.arange(len(falling)) + (falling.sum() - above) * at
    numbers = np.arange(1, len(falling) + 1)
    found: _Floats = np.interp(numbers, np.concatenate([[0.0], sums]), np.concatenate([[0.0], at]))
    return found


def add_draw(cur: DuckDBPyConnection, queue_id: str, drawn: pa.Table) -> None:
    """Store how the items of a queue were drawn."""
    with incoming(cur, "incoming_queue_draw", drawn):
        cur.execute(load_sql("queue_draw_insert"), {"queue_id": queue_id})


def count_drawn(cur: DuckDBPyConnection, queue_id: str) -> tuple[int, int, int]:
    """Return how many places a queue has, from how many items drawn, and in how many turns."""
    num_places, num_items, num_turns = fetch_row(cur, "queue_draw_count", queue_id=queue_id)
    return num_places, num_items, num_turns


def list_undrawn(cur: DuckDBPyConnection, queue_id: str, design: QueueDesign) -> list[str]:
    """Return the items that a queue was drawn from and has no place for, in the order of the draw.

    Each turn goes on where it ended, all at the same rate.
    """
    rows = cur.execute(load_sql("queue_draw_list"), {"queue_id": queue_id}).fetchnumpy()
    turns, strata, item_ids = rows["turn"], rows["stratum"], rows["item_id"]
    keys = np.empty(len(turns))
    for turn in np.unique(turns):
        own = np.flatnonzero(turns == turn)
        shares = _shares_of(list(dict.fromkeys(strata[own])), design)
        by_share = np.array([shares[name] for name in strata[own]])
        order = np.lexsort((strata[own].astype(str), (rows["stratum_rank"][own] - 0.5) / by_share))
        keys[own[order]] = (np.arange(len(own)) + 0.5) / len(own)
    left = np.lexsort((turns, keys))
    return [str(item_ids[place]) for place in left if not rows["is_placed"][place]]


def deal(
    items: Iterable[tuple[str, Sequence[str]]], people: Sequence[str], num_reviewers: int
) -> list[tuple[str, str]]:
    """Share items among people, down the order given: each to those with the fewest so far.

    So all work down the same order, and what they have done so far is the beginning of the draw.

    Args:
        items: Each with the people it belongs to already.
        people: Who gets items.
        num_reviewers: People an item belongs to in the end, if there are as many.

    Returns:
        Pairs of an item and a person, with those it belonged to before.

    Example:
        >>> deal([("a", []), ("b", ["Ann"]), ("c", [])], ["Ann", "Bob"], 1)
        [('a', 'Ann'), ('b', 'Ann'), ('c', 'Bob')]
    """
    by_load = [(0, number) for number in range(len(people))]
    dealt = []
    for item_id, kept in items:
        owners, passed = list(kept), []
        while by_load and len(owners) < num_reviewers:
            load, number = heapq.heappop(by_load)
            is_new = people[number] not in kept
            passed.append((load + is_new, number))
            if is_new:
                owners.append(people[number])
        for one in passed:
            heapq.heappush(by_load, one)
        dealt += [(item_id, owner) for owner in owners]
    return dealt


def add_shares(cur: DuckDBPyConnection, queue_id: str, dealt: Sequence[tuple[str, str]]) -> None:
    """Store to whom items belong from now on."""
    rows = [{"item_id": item_id, "reviewer_id": owner} for item_id, owner in dealt]
    with incoming(cur, "incoming_queue_share", rows):
        cur.execute(load_sql("queue_share_insert"), {"queue_id": queue_id})


def design_faults(design: QueueDesign | None) -> list[str]:
    """Return what makes a design impossible."""
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


def draw_sizes(kind: Kind, total: int, floor: float) -> _Floats | None:
    """Return the shares of a draw by rank, summing to 1; None where the order is fixed."""
    if kind == "fixed" or (kind == "prioritised" and floor == 0):
        return None
    if kind == "equal":
        return np.full(total, 1 / total)
    by_rank = 1 / np.arange(1, total + 1)
    sizes: _Floats = floor / total + (1 - floor) * by_rank / by_rank.sum()
    return sizes


def _shares_of(names: Sequence[str], design: QueueDesign) -> dict[str, float]:
    given = {name: share for name, share in design.shares if name in names}
    rest = [name for name in names if name not in given]
    left = max(1 - sum(given.values()), 1e-6)
    return {**given, **{name: left / len(rest) for name in rest}}
