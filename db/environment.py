"""The settings that the environment gives, as docs/running/settings.md lists them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from db.errors import InvalidSettingError


@dataclass(frozen=True)
class Variable:
    """One variable; a number has bounds."""

    default: str
    meaning: str
    bounds: tuple[float, float] | None = None


VARIABLES: Final[Mapping[str, Variable]] = {
    "LLAMACARE_HOME": Variable(".llamacare in the checkout", "the folder of everything kept"),
    "LLAMACARE_BACKUPS": Variable("backups in that folder", "the folder of backups"),
    "LLAMACARE_BACKUP_HOURS": Variable(
        "24", "hours between backups while the app runs; 0: none", (0, 24 * 366)
    ),
    "LLAMACARE_BACKUP_KEEP": Variable("7", "how many of the newest backups are kept", (1, 10_000)),
    "LLAMACARE_BACKUP_WEEKS": Variable(
        "5", "of how many weeks the last backup is kept too", (0, 10_000)
    ),
    "LLAMACARE_HEADS": Variable(
        "none",
        "the text file on another machine to which the head of the chain is appended, and with "
        "which `verify` compares",
    ),
    "LLAMACARE_METRICS_TOKEN": Variable(
        "none", "the token that `/metrics` asks for; without one there is no such route"
    ),
    "LLAMACARE_FEATURES_AHEAD": Variable(
        "1", "1: features of new items are computed while no run goes on; 0: by refits only", (0, 1)
    ),
    "LLAMACARE_LOG": Variable("text", "`json`: logs as one JSON object a line"),
}
"""The product's own variables."""


def read_text(name: str) -> str:
    """Return what a variable is set to, or an empty text."""
    return os.environ.get(name, "").strip()


def read_number(name: str) -> float:
    """Return the number that a variable is set to, or its default.

    Raises:
        InvalidSettingError: It is set to something else, or out of bounds.
    """
    variable = VARIABLES[name]
    low, high = variable.bounds or (float("-inf"), float("inf"))
    text = read_text(name) or variable.default
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise InvalidSettingError(
            f"The environment variable {name} is {text!r}; expected a number from {low:g} to "
            f"{high:g}: {variable.meaning}. Correct it, or remove it for {variable.default}."
        )
    return number
