"""What reviewers of drawn queues found a run to get right, with the probabilities of the draw.

Call ``scored_runs.refresh`` for the run first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.outcomes.selection import By, OutcomeFilter, Selection
from db.statements import load_sql

_FLOATS = ("probability", "is_right", "guess")


@dataclass(frozen=True, eq=False)
class DrawnItems:
    """The items of a run that one queue was drawn from, but strata that no one has begun.

    Attributes:
        num_population: Items that the run answered, whether the queue was drawn from them or not.
        strata: Name of each item's stratum, shape ``(n_items,)``.
        probabilities: Of being drawn, for what is reviewed so far.
        is_right: 1 or 0 by the reviewers' label; NaN where there is none yet.
        guesses: The same by the imported label, else the head's confidence; NaN for neither.
    """

    queue_id: str
    num_population: int
    strata: npt.NDArray[np.object_]
    probabilities: npt.NDArray[np.float64]
    is_right: npt.NDArray[np.float64]
    guesses: npt.NDArray[np.float64]


def is_estimable(flt: OutcomeFilter) -> bool:
    """Return whether a filter asks for sources and splits alone, so that draws cover its items."""
    return flt.gold == "record" and all(
        part == Selection(source=part.source, split=part.split) for part in flt.parts
    )


def list_drawn(cur: DuckDBPyConnection, flt: OutcomeFilter, by: By) -> list[DrawnItems]:
    """Return the items of each queue whose reviews so far are a sample with known probabilities.

    Args:
        flt: One for which ``is_estimable`` holds.
    """
    given = {name: {getattr(part, name) for part in flt.parts} for name in ("source", "split")}
    parameters = {
        "run_id": flt.run_id,
        "label_set": flt.label_set,
        "by": by,
        "viewer": flt.viewer.parameter,
        **{name: next(iter(values - {None}), None) for name, values in given.items()},
    }
    rows = cur.execute(load_sql("drawn_outcomes"), parameters).fetchnumpy()
    columns = {
        name: np.where(np.ma.getmaskarray(rows[name]), np.nan, np.ma.getdata(rows[name]))
        for name in _FLOATS
    }
    queue_ids = np.asarray(rows["queue_id"], dtype=object)
    found = []
    for queue_id in dict.fromkeys(queue_ids.tolist()):
        own = queue_ids == queue_id
        probability, is_right, guesses = (columns[name][own] for name in _FLOATS)
        if not np.isnan(probability).any():
            strata = np.asarray(rows["stratum"], dtype=object)[own]
            total = int(rows["num_population"][0])
            found.append(DrawnItems(queue_id, total, strata, probability, is_right, guesses))
    return found
