"""When to retrain: every policy that was ever set; the latest one holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import from_json, to_json
from db.people.permissions import require
from db.statements import append_row, fetch_record


@dataclass(frozen=True)
class StoredPolicy:
    """A policy as it was set; what its fields mean is known to the training package."""

    policy: Mapping[str, Any]
    reviewer_id: str
    created_at: datetime


def add_trigger_policy(
    cur: DuckDBPyConnection, policy: Mapping[str, Any], reviewer_id: str
) -> None:
    """Set the policy from now on.

    Raises:
        NotPermittedError: The person's role is not open to training.
        ReviewerNotFoundError: No reviewer has this id.
    """
    require(cur, reviewer_id, "train")
    append_row(cur, "trigger_policy_insert", policy=to_json(policy), reviewer_id=reviewer_id)


def find_trigger_policy(cur: DuckDBPyConnection) -> StoredPolicy | None:
    """Return the policy that holds, None where nobody has set one."""
    return fetch_record(
        cur, lambda policy, *made: StoredPolicy(from_json(policy), *made), "trigger_policy_get"
    )
