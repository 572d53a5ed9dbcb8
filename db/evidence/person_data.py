"""All that is stored of a person, for them and for those who must answer their request."""

from __future__ import annotations

import json
from typing import Any

from duckdb import DuckDBPyConnection

from db.people.permissions import require
from db.people.reviewers import get_reviewer
from db.statements import load_sql


def read_person_data(
    cur: DuckDBPyConnection, reviewer_id: str, *, by: str | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return every row that names a person, by table; for themselves or an admin.

    Args:
        by: Who asks. None: the holder of the database file, at the command line.

    Raises:
        NotPermittedError: ``by`` is neither the person nor an admin.
        ReviewerNotFoundError: No reviewer has this id.
    """
    if by is not None:
        require(cur, by, "read" if by == reviewer_id else "manage_people")
    get_reviewer(cur, reviewer_id)
    found: dict[str, list[dict[str, Any]]] = {}
    parameters = {"reviewer_id": reviewer_id}
    for kind, body in cur.execute(load_sql("person_data"), parameters).fetchall():
        found.setdefault(kind, []).append(json.loads(body))
    return found
