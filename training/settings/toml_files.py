"""TOML from elsewhere: presets and settings of launchers."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any, Final

from db.conversions import require_shallow
from training.errors import SettingsError

MAX_TOML_BYTES: Final = 2**20


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file of settings.

    Raises:
        FileNotFoundError: There is none.
        SettingsError: It cannot be read, is too large, or is no TOML.
    """
    try:
        described = path.stat()
        if not stat.S_ISREG(described.st_mode):
            raise ValueError("it is no ordinary file")
        if described.st_size > MAX_TOML_BYTES:
            raise ValueError(f"it has more than {MAX_TOML_BYTES:,} bytes")
        return parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"Settings file {path} cannot be read: {error}. Correct it, or move it away."
        ) from error


def parse_option(option: str, what: str) -> tuple[str, Any]:
    """Read a setting of the command line, ``NAME=VALUE``; a text needs no quotes.

    Args:
        what: What it is called in the message.

    Raises:
        SettingsError: It has no value.
    """
    name, equals, text = option.partition("=")
    if not equals:
        raise SettingsError(f"{what} {option!r} has no value. Write NAME=VALUE.")
    try:
        return name, parse_toml(f"value = {text}")["value"]
    except ValueError:
        return name, text


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML. Raises ValueError where it is none or nests too deeply."""
    try:
        fields = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    require_shallow(fields)
    return fields
