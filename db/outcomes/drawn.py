"""What reviewers of drawn queues found runs to get right, with the probabilities of the draw.

Call ``scored_runs.refresh`` for the runs first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from duckdb import DuckDBPyConnection

from db.outcomes.run_pairs import PairFilter, pair_parameters
from db.outcomes.selection import By, OutcomeFilter, Selection
from db.statements import load_sql

_FLOATS = ("probability", "right_a", "right_b", "guess_a", "guess_b")
_Floats = npt.NDArray[np.float64]
# Null: reviewers do not say, or do not agree; there is no imported label, nor a head's confidence.
_RIGHT = """
select
    queue_id, item_no, stratum, probability, is_labelled, num_population,
    if(reviewed_label is null, null, (label_a is not distinct from reviewed_label)::int) as right_a,
    if(reviewed_label is null, null, (label_b is not distinct from reviewed_label)::int) as right_b,
    if(imported_label is null, confidence_a, (label_a is not distinct from imported_label)::int)
        as guess_a,
    if(imported_label is null, confidence_b, (label_b is not distinct from imported_label)::int)
        as guess_b
"""


@dataclass(frozen=True, eq=False)
class DrawnItems:
    """The items of two runs that one queue was drawn from, but strata that no one has begun.

    Attributes:
        num_population: Items that both runs answered, whether the queue was drawn from them or not.
        item_nos: Number of each item, good until a refresh, shape ``(n_items,)``.
        strata: Name of each item's stratum, shape ``(n_items,)``.
        probabilities: Of being drawn, for what is reviewed so far.
        is_labelled: Whether a reviewer labelled it in the queue; where several differ, there is a
            reviewers' label only once it is adjudicated.
        right: 1 or 0 by the reviewers' label of run A and of run B; NaN where there is none yet.
            Shape ``(2, n_items)``.
        guesses: The same by the imported label, else the head's confidence; NaN for neither.
    """

    queue_id: str
    num_population: int
    item_nos: npt.NDArray[np.int64]
    strata: npt.NDArray[np.object_]
    probabilities: _Floats
    is_labelled: npt.NDArray[np.bool_]
    right: _Floats
    guesses: _Floats

    @property
    def is_reviewed(self) -> npt.NDArray[np.bool_]:
        """Return which items have a reviewers' label, shape ``(n_items,)``."""
        reviewed: npt.NDArray[np.bool_] = ~np.isnan(self.right[0])
        return reviewed

    def within(self, is_inside: npt.NDArray[np.bool_]) -> DrawnItems:
        """Return those of the items that are marked, shape ``(n_items,)``."""
        return replace(
            self,
            item_nos=self.item_nos[is_inside],
            strata=self.strata[is_inside],
            probabilities=self.probabilities[is_inside],
            is_labelled=self.is_labelled[is_inside],
            right=self.right[:, is_inside],
            guesses=self.guesses[:, is_inside],
        )


def find_pair(flt: OutcomeFilter, by: By) -> PairFilter | None:
    """Return a filter of one run as a pair of that run with itself.

    None where it asks for more than sources and splits: draws do not cover just those items.
    """
    is_plain = flt.gold == "record" and all(
        part == Selection(source=part.source, split=part.split) for part in flt.parts
    )
    if not is_plain:
        return None
    given = [{getattr(part, name) for part in flt.parts} for name in ("source", "split")]
    source, split = (next(iter(values - {None}), None) for values in given)
    return PairFilter(
        flt.viewer, flt.run_id, flt.run_id, by, by, flt.gold, flt.label_set, source, split
    )


def list_drawn(cur: DuckDBPyConnection, flt: PairFilter) -> list[DrawnItems]:
    """Return the items of each queue whose reviews so far are a sample with known probabilities."""
    statement = (
        f"{_RIGHT} from ({load_sql('draw_frame')}) as frame join "  # noqa: S608
        f"(select *, count(*) over () as num_population from ({load_sql('run_pair_items')})) "
        "using (item_id) order by queue_id, stratum, stratum_rank"
    )
    rows = cur.execute(statement, pair_parameters(flt)).fetchnumpy()
    columns = {
        name: np.where(np.ma.getmaskarray(rows[name]), np.nan, np.ma.getdata(rows[name]))
        for name in _FLOATS
    }
    queue_ids = np.asarray(rows["queue_id"], dtype=object)
    is_labelled = np.asarray(rows["is_labelled"], dtype=np.bool_)
    found = []
    for queue_id in dict.fromkeys(queue_ids.tolist()):
        own = queue_ids == queue_id
        probability, *others = (columns[name][own] for name in _FLOATS)
        others[0][~is_labelled[own]] = others[1][~is_labelled[own]] = np.nan
        if not np.isnan(probability).any():
            found.append(
                DrawnItems(
                    queue_id,
                    int(rows["num_population"][0]),
                    np.asarray(rows["item_no"], dtype=np.int64)[own],
                    np.asarray(rows["stratum"], dtype=object)[own],
                    probability,
                    is_labelled[own],
                    np.stack(others[:2]),
                    np.stack(others[2:]),
                )
            )
    return found
