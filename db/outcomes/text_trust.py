"""How often answers are right by the way their text gives the label; counted in DuckDB.

Call ``scored_runs.refresh`` for the run first.
"""

from __future__ import annotations

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from db.outcomes.selection import OutcomeFilter, select_rows


@dataclass(frozen=True)
class TextCount:
    """Answers that give their label in one way.

    ``way`` is the form of the answer; ``separate`` where the run gives a label that is not in
    its text, or has no text; ``none`` where there is no label. ``is_hedging``: the answer takes
    back some of its claims, see ``scored_runs.HEDGES``.
    """

    way: str
    is_hedging: bool
    n: int
    num_right: int


def count_texts(cur: DuckDBPyConnection, flt: OutcomeFilter) -> list[TextCount]:
    """Count the answers that were read, by how they give their label and by whether they hedge."""
    statement, parameters = select_rows(
        "case when text_label is null then 'none' "
        "when text_form in ('absent', 'contradictory') then 'separate' "
        "else coalesce(text_form, 'separate') end as way, "
        "coalesce(hedging = 'with hedging words', false) as is_hedging, count(*), "
        "count(*) filter (where text_label = gold_label)",
        flt,
        "and has_text_outcome group by way, is_hedging order by way, is_hedging",
    )
    return [TextCount(*row) for row in cur.execute(statement, parameters).fetchall()]
