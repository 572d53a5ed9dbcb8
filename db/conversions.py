"""Turning values into what a column holds, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from db.errors import DbError, InvalidTextError

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def require_text(text: str | None, what: str, error: type[DbError] = InvalidTextError) -> None:
    """Raise where a text holds half of a surrogate pair, which UTF-8 cannot represent.

    JSON may hold one (``"\\ud83d"``), and a text that is cut inside an emoji ends with one.

    Args:
        what: Names the text in the message, such as ``"note on item 'q-1'"``.
        error: The class to raise.
    """
    found = None if text is None else _LONE_SURROGATE.search(text)
    if found is not None:
        raise error(
            f"The {what} cannot be stored: character {found.start() + 1} is half of an emoji or of "
            f"another rare character (U+{ord(found.group()):04X}). Remove it or type it again."
        )


def replace_lone_surrogates(text: str) -> str:
    """Return a text with each half of a surrogate pair as U+FFFD, as browsers encode it."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def utc_now() -> datetime:
    """Return the present moment as an aware UTC time."""
    return datetime.now(UTC)


def to_timestamp(moment: datetime) -> datetime:
    """Convert an aware time to the naive UTC time that a TIMESTAMP column holds.

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
    """Convert the value of a TIMESTAMP column to an aware UTC time."""
    return stored.replace(tzinfo=UTC)


def with_timestamp(row: Sequence[Any], position: int) -> list[Any]:
    """Return a row with the stored time at one position as an aware one."""
    values = list(row)
    values[position] = from_timestamp(values[position])
    return values


def to_json(value: Mapping[str, Any]) -> str:
    """Write a mapping so that equal mappings give equal text.

    Raises:
        InvalidTextError: A text in it holds half of a surrogate pair.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    half = _LONE_SURROGATE.search(text)
    if half is not None:
        around = text[max(half.start() - 40, 0) : half.end() + 20]
        require_text(text, f"value with {around!a} in it")
    return text


def from_json(text: str) -> dict[str, Any]:
    """Read back what ``to_json`` wrote."""
    value: dict[str, Any] = json.loads(text)
    return value
