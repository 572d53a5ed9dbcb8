"""Slices of a run's items, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db.connection import Database
from db.outcomes.selection import DIMENSIONS, By, Dimension, OutcomeFilter, Selection
from db.outcomes.slices import MIN_ITEMS, SavedSlice, count_right, count_slices, list_slices
from eci.statistics.estimates import Estimate, proportion
from eci.statistics.slices import SliceResult, compare_estimates, compare_slices
from streamlit_app.logic.cache import cached
from streamlit_app.wording import say, words
from training.evaluation.drawn_estimates import DrawnEstimate, DrawnSlices, estimate_slices

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

    ``alike``: dimensions in which all items are alike, so that there is nothing to compare with;
    ``drawn``: the accuracy of all items where every figure is estimated from drawn reviews, of
    which ``num_few`` slices have too few.
    """

    overall: Estimate
    slices: tuple[RankedSlice, ...]
    alike: tuple[Dimension, ...] = ()
    drawn: DrawnEstimate | None = None
    num_few: int = 0


@cached
def load_slices(
    database: Database,
    version: str,  # noqa: ARG001
    flt: OutcomeFilter,
    by: By,
    saved: tuple[SavedSlice, ...],
) -> SliceView:
    """Compare every slice with the items outside it: by drawn reviews where they allow it, else
    counted.
    """
    cur = database.cursor()
    drawn = estimate_slices(cur, flt, by)
    if drawn is not None:
        return _of_drawn(drawn)
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
    return SliceView(
        proportion(num_right, n, say("undefined.no_answer_read")),
        _worst_first(ranked),
        tuple(d for d in DIMENSIONS if d in alike),
    )


def _of_drawn(drawn: DrawnSlices) -> SliceView:
    results = compare_estimates([(one.inside, one.outside) for one in drawn.slices])
    ranked = [
        RankedSlice(
            one.dimension, one.value, Selection(slices=((one.dimension, one.value),)), result
        )
        for one, result in zip(drawn.slices, results, strict=True)
    ]
    return SliceView(
        drawn.overall.estimate,
        _worst_first(ranked),
        drawn=drawn.overall,
        num_few=drawn.num_few,
    )


def _worst_first(slices: Sequence[RankedSlice]) -> tuple[RankedSlice, ...]:
    return tuple(sorted(slices, key=lambda one: (one.result.difference.value or 0, one.value)))


def load_saved(database: Database) -> tuple[SavedSlice, ...]:
    """Return the slices that people saved."""
    return tuple(list_slices(database.cursor()))
