"""Settings as rows: the newest row of a key counts, and each change is appended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from db.conversions import to_json
from db.statements import append_row, fetch_value


def find_setting(cur: DuckDBPyConnection, key: str) -> str | None:
    """Return what is stored under a key now, as JSON."""
    return fetch_value(cur, str, "setting_get", key=key)


def append_setting(
    cur: DuckDBPyConnection, key: str, value: Mapping[str, Any], reviewer_id: str
) -> None:
    """Store a value from now on. The caller has checked rights and owns the transaction."""
    append_row(cur, "setting_insert", key=key, value=to_json(value), reviewer_id=reviewer_id)
