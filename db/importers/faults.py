"""Collecting all faults of a file, so that it can be corrected in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from db.errors import ImportFileError

Checked = TypeVar("Checked", bound=BaseModel)

_MAX_SHOWN = 50
_MAX_VALUE_LENGTH = 60


class FaultList:
    """The faults of one file, each with its place in it."""

    def __init__(self, path: Path, expected: str) -> None:
        """Start empty; ``expected`` ends the message: what the file should hold."""
        self._path = path
        self._expected = expected
        self._faults: list[str] = []
        self._unread: set[str] = set()

    def add(self, place: str, message: str) -> None:
        """Record one fault at a place such as ``line 12``."""
        self._faults.append(f"{place}: {message}")

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
                self.add(place, f"{where + ': ' if where else ''}{fault['msg']} (found {given})")
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
        shown = "\n".join(f"- {fault}" for fault in self._faults[:_MAX_SHOWN])
        hidden = len(self._faults) - _MAX_SHOWN
        more = f"\n- and {hidden} more" if hidden > 0 else ""
        noun = "fault" if len(self._faults) == 1 else "faults"
        raise ImportFileError(
            f"{self._path.name} was not imported, nothing was changed: "
            f"{len(self._faults)} {noun}.\n{shown}{more}\nExpected {self._expected}."
        )


def _shorten(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else text[:_MAX_VALUE_LENGTH] + "..."
