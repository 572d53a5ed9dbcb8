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
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.arrow_tables import incoming
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


def draw_rows(
    candidates: Candidates, kind: Kind, design: QueueDesign, num_places: int
) -> list[dict[str, Any]]:
    """Draw items and return all of them as rows of ``queue_draw``, those with a place first.

    A fixed order draws nothing: its rows are the items that have a place.
    """
    keyed: list[tuple[float, dict[str, Any]]] = []
    names = sorted(set(candidates.strata.tolist()))
    shares = _shares_of(names, design)
    for name in names:
        own = np.flatnonzero(candidates.strata == name)
        own = own[np.argsort(candidates.ranks[own], kind="stable")]
        sizes = draw_sizes(kind, len(own), design.floor)
        order = np.arange(len(own))
        limits: Sequence[float | None] = [None] * len(own)
        if sizes is not None:
            order, limits = np.argsort(candidates.hashes[own] / sizes), thresholds(sizes).tolist()
        for place, number in enumerate(order):
            row = {
                "stratum": name,
                "stratum_rank": place + 1,
                "item_id": str(candidates.item_ids[own[number]]),
                "draw_size": None if sizes is None else float(sizes[number]),
                "draw_threshold": limits[place],
            }
            keyed.append(((place + 0.5) / shares[name], row))
    rows = [row for _, row in sorted(keyed, key=lambda pair: pair[0])]
    return _with_probabilities(rows, num_places)


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


def add_draw(cur: DuckDBPyConnection, queue_id: str, rows: Sequence[dict[str, Any]]) -> None:
    """Store how the items of a queue were drawn."""
    with incoming(cur, "incoming_queue_draw", [{"queue_id": queue_id, **row} for row in rows]):
        cur.execute(load_sql("queue_draw_insert"))


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


def _with_probabilities(rows: list[dict[str, Any]], num_places: int) -> list[dict[str, Any]]:
    placed: dict[str, dict[str, Any]] = {}
    for row in rows[:num_places]:
        placed[row["stratum"]] = row  # the last one's threshold is that of all places
    found = []
    for number, row in enumerate(rows):
        last = placed.get(row["stratum"])
        if row["draw_size"] is None:
            chance = float(number < num_places)
        elif last is None:
            chance = 0.0
        else:
            chance = min(1.0, row["draw_size"] * last["draw_threshold"])
        if chance > 0 or row["draw_size"] is not None:
            found.append({**row, "inclusion_probability": chance})
    return found
