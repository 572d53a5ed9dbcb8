"""How often the test split was used to compare models with one champion."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from db.people.permissions import require
from db.statements import append_row, fetch_value


def add_gate_use(
    cur: DuckDBPyConnection,
    champion: str | None,
    challenger: str,
    *,
    test_digest: str,
    reviewer_id: str,
) -> None:
    """Record that a person who can promote saw a challenger compared; only the first look counts.

    Args:
        champion: Run of the champion; None for the majority-class baseline.
        challenger: Run of the model that may be promoted.

    Raises:
        NotPermittedError: The person's role is not open to promoting models.
    """
    require(cur, reviewer_id, "train")
    append_row(
        cur,
        "gate_use_insert",
        champion=champion,
        challenger=challenger,
        test_digest=test_digest,
        reviewer_id=reviewer_id,
    )


def count_gate_uses(cur: DuckDBPyConnection, champion: str | None, challenger: str) -> int:
    """Count the models compared with a champion up to this one, itself included."""
    found = fetch_value(cur, int, "gate_use_count", champion=champion, challenger=challenger)
    return 1 if found is None else found
