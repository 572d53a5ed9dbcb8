"""How the items of a queue are drawn, so that what reviewers find can speak for all of them.

Within a stratum items come in the order of ``u / size`` (sequential Poisson sampling: Ohlsson
1998), where ``u`` is a number in [0, 1) that a hash makes of item and seed, and ``size`` the share
of a draw that an item has. Wherever people stop, the items up to there are a sample whose inclusion
probabilities are known: ``min(1, size * threshold)``, with the threshold that makes them sum to the
number of items. In a prioritised order sizes fall with the rank, down to a floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from duckdb import DuckDBPyConnection

from db.arrow_tables import SCHEMAS, incoming
from db.statements import load_sql

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


def count_drawn(cur: DuckDBPyConnection, queue_id: str) -> tuple[int, int]:
    """Return from how many items a queue was drawn, and in how many turns."""
    row = cur.execute(load_sql("queue_draw_count"), {"queue_id": queue_id}).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


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
