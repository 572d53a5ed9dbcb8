"""Which key does what at a person's desk: theirs on all machines; each change is appended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_lowercase
from typing import Final

from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter, ValidationError

from db.errors import InvalidSettingError
from db.people.permissions import require
from db.people.stored_settings import append_setting, find_setting

DEFAULT_KEYS: Final = {
    "save": "Enter",
    "skip": "s",
    "undo": "u",
    "flag": "f",
    "back": "ArrowLeft",
    "on": "ArrowRight",
    "note": "t",
    "details": "v",
    "corrected": "w",
    "jump": "j",
    "mark": "h",
    "unmark": "Delete",
    "verdicts": "x",
    "severity": "r",
    "confidence": "k",
    "also": "l",
    "whole": "o",
    "up": "ArrowUp",
    "down": "ArrowDown",
    "page_up": "PageUp",
    "page_down": "PageDown",
    "help": "?",
}
"""The key of each command, as ``KeyboardEvent.key`` names it; letters by their place on QWERTY."""
_NAMED: Final = (
    *("Enter", "Backspace", "Delete", "Insert", "Home", "End", "PageUp", "PageDown"),
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "F2", "F4", "F8", "F9", "F10"),
)
_SIGN: Final = re.compile(r"[^\w\s]")
_STORED: Final = TypeAdapter(dict[str, str])


def get_desk_keys(cur: DuckDBPyConnection, reviewer_id: str) -> dict[str, str]:
    """Return the key of each command for a reviewer; the default ones where theirs do not fit."""
    stored = find_setting(cur, _key(reviewer_id))
    if stored is None:
        return dict(DEFAULT_KEYS)
    try:
        keys = _with_defaults(_STORED.validate_json(stored))
        _require_usable(keys)
    except (ValidationError, InvalidSettingError):  # damaged, or of another version's commands
        return dict(DEFAULT_KEYS)
    return keys


def save_desk_keys(
    cur: DuckDBPyConnection, changes: Mapping[str, str], reviewer_id: str
) -> dict[str, str]:
    """Append a reviewer's own keys. The caller owns the transaction.

    Args:
        changes: Key by command, where it is not the default one; empty for the default keys.

    Returns:
        The key of each command from now on.

    Raises:
        InvalidSettingError: There is no such command, a key cannot be used, or two commands would
            have the same one.
        NotPermittedError: The reviewer's access was taken away.
    """
    require(cur, reviewer_id, "read")
    keys = {**DEFAULT_KEYS, **changes}
    _require_usable(keys)
    own = {name: key for name, key in keys.items() if key != DEFAULT_KEYS[name]}
    append_setting(cur, _key(reviewer_id), own, reviewer_id)
    return keys


def _with_defaults(own: Mapping[str, str]) -> dict[str, str]:
    """Return all keys; a command that a later version added gives way to a person's own."""
    taken = {*DEFAULT_KEYS.values(), *own.values()}
    free = iter(letter for letter in ascii_lowercase if letter not in taken)
    others = {name: key for name, key in DEFAULT_KEYS.items() if name not in own}
    moved = {name: next(free, key) if key in own.values() else key for name, key in others.items()}
    return {**DEFAULT_KEYS, **moved, **own}


def _key(reviewer_id: str) -> str:
    return f"desk_keys/{reviewer_id}"


def _require_usable(keys: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    for command, key in keys.items():
        if command not in DEFAULT_KEYS:
            raise InvalidSettingError(
                f"There is no command {command!r}. Commands: {list(DEFAULT_KEYS)}."
            )
        if not (key in _NAMED or _SIGN.fullmatch(key) or ("a" <= key <= "z" and len(key) == 1)):
            raise InvalidSettingError(
                f"The key {key!r} cannot be used: digits pick labels, and Escape, Tab and the "
                "space bar belong to the browser. Use a letter from a to z, a sign such as + or /, "
                f"or one of {', '.join(_NAMED)}."
            )
        if key in owners:
            raise InvalidSettingError(
                f"The key {key!r} has the command {owners[key]!r} already and cannot have "
                f"{command!r} too. Give {owners[key]!r} another key first."
            )
        owners[key] = command
