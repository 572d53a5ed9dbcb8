"""Turning values into what a column holds, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def utc_now() -> datetime:
    """Give the present moment as an aware UTC time."""
    return datetime.now(UTC)


def to_timestamp(moment: datetime) -> datetime:
    """Turn an aware time into the naive UTC time that a TIMESTAMP column holds.

    Raises:
        ValueError: The time has no time zone, so its moment is unknown.
    """
    if moment.tzinfo is None:
        raise ValueError(
            f"The time {moment.isoformat()} has no time zone. Pass an aware time, "
            "for example datetime.now(UTC)."
        )
    return moment.astimezone(UTC).replace(tzinfo=None)


def from_timestamp(stored: datetime) -> datetime:
    """Turn what a TIMESTAMP column holds back into an aware UTC time."""
    return stored.replace(tzinfo=UTC)


def with_timestamp(row: Sequence[Any], position: int) -> list[Any]:
    """Give a row with the stored time at one position as an aware one."""
    values = list(row)
    values[position] = from_timestamp(values[position])
    return values


def to_json(value: Mapping[str, Any]) -> str:
    """Write a mapping so that equal mappings give equal text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


def from_json(text: str) -> dict[str, Any]:
    """Read back what ``to_json`` wrote."""
    value: dict[str, Any] = json.loads(text)
    return value
