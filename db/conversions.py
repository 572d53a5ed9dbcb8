"""Turning values into what a column holds, and back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, TypeAdapter, ValidationError

from db.errors import DatabaseDamagedError, DbError, InvalidTextError

_Kind = TypeVar("_Kind")
MAX_DEPTH: Final = 64
"""Objects and lists within each other; far from where Python's own limit of recursion is met."""
_MAX_WHOLE: Final = 2**63 - 1
_YEARS: Final = range(1900, 2200)
"""Moments that every zone, data frame and chart can represent."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _in_utc(moment: datetime) -> datetime:
    if moment.year not in _YEARS:
        raise ValueError(f"expected a time of the years {_YEARS[0]} to {_YEARS[-1]}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""For pydantic: a time with its zone, converted to UTC."""


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
    """Read back what ``to_json`` wrote.

    Raises:
        DatabaseDamagedError: It is not JSON.
    """
    try:
        value: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise DatabaseDamagedError(
            f"The database is damaged: {text[:80]!r} is stored where JSON is expected. Put a copy "
            "of the file in its place, or export what can be read."
        ) from error
    return value


def faults_of(error: ValidationError) -> list[str]:
    """Return each fault of values that pydantic refused: where it is, and what."""
    return [
        f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
        for one in error.errors(include_url=False)
    ]


def find_sound(kind: TypeAdapter[_Kind], stored: str | None) -> _Kind | None:
    """Read what was stored as JSON; None where that is nothing, or damaged."""
    try:
        return None if stored is None else kind.validate_json(stored)
    except ValidationError:
        return None


def parse_json(
    text: str | bytes,
    collect: Callable[[list[tuple[str, Any]]], dict[str, Any]] = dict,
    *,
    has_nan: bool = False,
) -> Any:
    """Read JSON that comes from elsewhere: only values that can be stored and written again.

    Args:
        collect: Makes an object of its pairs.
        has_nan: NaN, as Python and pandas write what is missing, is read as null.

    Raises:
        ValueError: It is no JSON, nests deeper than ``MAX_DEPTH``, or holds a number that is
            infinite or beyond 64 bits.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=collect,
            parse_constant=_nan_as_none if has_nan else _refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    require_shallow(value)
    return value


def require_shallow(value: Any) -> None:
    """Raise ValueError where objects and lists nest deeper than ``MAX_DEPTH``."""
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        parts = (part.values() if isinstance(part, dict) else part for part in level)
        level = [inner for part in parts for inner in part if isinstance(inner, dict | list)]
    if level:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")


def _nan_as_none(name: str) -> Any:
    return None if name == "NaN" else _refuse_constant(name)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _whole(text: str) -> int:
    number = int(text) if len(text) < 20 else _MAX_WHOLE + 1
    if abs(number) > _MAX_WHOLE:
        raise ValueError(f"{text[:20]} is beyond a whole number of 64 bits")
    return number
