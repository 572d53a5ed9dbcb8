"""Slices of a run's items, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from db.connection import Database
from db.outcomes.selection import DIMENSIONS, By, Dimension, OutcomeFilter, Selection
from db.outcomes.slices import MIN_ITEMS, SavedSlice, count_right, count_slices, list_slices
from eci.statistics.slices import SliceResult, compare_slices
from streamlit_app.logic.cache import cached
from streamlit_app.wording import say, words

DIMENSION_WORDS = words("dimension")
LEVEL: Final = 0.05


def slice_name(dimension: Dimension | None, value: str) -> str:
    """Return the name of a slice with its dimension, None for a saved one; may contain data."""
    return f"{DIMENSION_WORDS[dimension] if dimension else say('slices.saved')}: {value}"


@dataclass(frozen=True)
class RankedSlice:
    """A slice compared with the rest; ``dimension`` is None for a saved one."""

    dimension: Dimension | None
    value: str
    selection: Selection
    result: SliceResult

    @property
    def is_worse(self) -> bool:
        """Return whether it is significantly below the rest, adjusted for all comparisons."""
        gap = self.result.difference.value
        return gap is not None and gap < 0 and self.result.adjusted_p_value < LEVEL


@dataclass(frozen=True)
class SliceView:
    """All slices of at least ``MIN_ITEMS`` items, the one furthest below the rest first.

    ``alike``: dimensions in which all items are alike, so that there is nothing to compare with.
    """

    n: int
    num_right: int
    slices: tuple[RankedSlice, ...]
    alike: tuple[Dimension, ...]


@cached
def load_slices(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
    by: By,
    saved: tuple[SavedSlice, ...],
) -> SliceView:
    """Count every slice and compare it with the items outside it."""
    cur = database.cursor()
    n, num_right = count_right(cur, flt, by)
    found: list[tuple[Dimension | None, str, Selection, tuple[int, int]]] = [
        (
            count.dimension,
            count.value,
            Selection(slices=((count.dimension, count.value),)),
            (count.n, count.num_right),
        )
        for count in count_slices(cur, flt, by, MIN_ITEMS)
    ]
    for one in saved:
        counted = count_right(cur, flt.also(one.selection), by)
        if counted[0] >= MIN_ITEMS:
            found.append((None, one.name, one.selection, counted))
    alike = {entry[0] for entry in found if entry[3][0] == n and entry[0] not in (None, "mesh")}
    found = [entry for entry in found if entry[3][0] < n]
    results = compare_slices([entry[3] for entry in found], n, num_right)
    ranked = [
        RankedSlice(dimension, value, selection, result)
        for (dimension, value, selection, _), result in zip(found, results, strict=True)
    ]
    ranked.sort(key=lambda one: (one.result.difference.value or 0, one.value))
    return SliceView(n, num_right, tuple(ranked), tuple(d for d in DIMENSIONS if d in alike))


def load_saved(database: Database) -> tuple[SavedSlice, ...]:
    """Return the slices that people saved."""
    return tuple(list_slices(database.cursor()))
