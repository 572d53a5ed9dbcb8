"""Collecting all faults of a file, so that it can be corrected in one go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from db.errors import ImportFileError

Checked = TypeVar("Checked", bound=BaseModel)

_MAX_SHOWN = 50
_MIN_GROUP = 6
"""From this many places on, a fault is named once."""
_MAX_VALUE_LENGTH = 60


class FaultList:
    """The faults of one file, each with its place in it."""

    def __init__(self, path: Path, expected: str) -> None:
        """Start empty; ``expected`` ends the message: what the file should hold."""
        self._path = path
        self._expected = expected
        self._faults: list[tuple[str, str, str]] = []
        self._unread: set[str] = set()
        self.read_from = ""
        """Which fields of the file were read, by their names in it; written below the faults."""

    def add(self, place: str, message: str, value: str = "") -> None:
        """Record one fault at a place such as ``line 12``, with the value found there."""
        self._faults.append((place, message, value))

    def check(self, place: str, model: type[Checked], value: Any) -> Checked | None:
        """Read a value as a model; note every fault and give None where there is one."""
        if isinstance(value, dict) and model.model_config.get("extra") != "forbid":
            self._unread |= {str(name) for name in value.keys() - model.model_fields.keys()}
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                where = ".".join(str(part) for part in fault["loc"])
                given = _shorten(fault["input"])
                self.add(place, f"{where + ': ' if where else ''}{fault['msg']}", f"found {given}")
            return None

    @property
    def unread(self) -> tuple[str, ...]:
        """Return the fields that the file has and its importer does not read."""
        return tuple(sorted(_shorten(name) for name in self._unread))

    def raise_if_any(self) -> None:
        """Raise one error for all faults.

        Raises:
            ImportFileError: There is at least one fault.
        """
        if not self._faults:
            return
        lines = list(self._grouped())
        shown = "\n".join(f"- {line}" for line in lines[:_MAX_SHOWN])
        hidden = len(lines) - _MAX_SHOWN
        more = f"\n- and {hidden} more" if hidden > 0 else ""
        noun = "fault" if len(self._faults) == 1 else "faults"
        read = f"\nRead {self.read_from}." if self.read_from else ""
        raise ImportFileError(
            f"{self._path.name} was not imported, nothing was changed: "
            f"{len(self._faults):,} {noun}.\n{shown}{more}{read}\nExpected {self._expected}."
        )

    def _grouped(self) -> Iterator[str]:
        """Yield each fault, or one line for all places that have the same one."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for place, message, value in self._faults:
            groups.setdefault(message, []).append((place, f" ({value})" if value else ""))
        for message, found in groups.items():
            if len(found) < _MIN_GROUP:
                yield from (f"{place}: {message}{value}" for place, value in found)
            else:
                (first, value), (second, _) = found[:2]
                yield f"{len(found):,} places ({first}, {second} ...): {message}{value}"


def _shorten(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + "..."
