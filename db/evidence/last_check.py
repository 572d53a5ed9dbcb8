"""Checks whose outcome is noted next to the database, for the app to show."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from db.atomic_files import replaced_file
from db.chain import Head
from db.conversions import utc_now
from db.evidence.heads import list_kept_heads
from db.evidence.verify import Break, Verified, verify_copy, verify_database

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class LastCheck:
    """The last check of a database."""

    checked_at: datetime
    head: Head | None
    """Of the chain then."""
    num_rows: int
    """That the chain spoke of."""
    num_breaks: int
    first_break: str
    """Empty where there was none."""


def check_database(path: Path, against: Sequence[Head] = ()) -> Verified:
    """Check a database as :func:`db.evidence.verify.verify_database` does, and note the outcome.

    Args:
        path: The database.
        against: Heads that were kept elsewhere; those in ``LLAMACARE_HEADS`` are added.

    Raises:
        EvidenceError: Those heads cannot be read.
    """
    kept = [*against, *list_kept_heads()]  # before the copy, which then has their links
    verified = verify_database(path, kept)
    save_check(path, verified)
    return verified


def check_copy(copy: Path, path: Path) -> tuple[Break, ...]:
    """Check a complete copy of a database that nobody has open, and note the outcome.

    Args:
        path: Of the database.

    Returns:
        Where it is not as it was stored. A copy of an earlier version is not checked.

    Raises:
        DatabaseOpenError: It cannot be read.
    """
    verified = verify_copy(copy)
    save_check(path, verified)
    return verified.breaks if verified else ()


def find_last_check(path: Path) -> LastCheck | None:
    """Return the last check of a database, or None where none is known."""
    try:
        found = json.loads(_note_path(path).read_text("utf-8"))
        head = None if found["head"] is None else Head(**found["head"])
        checked_at = datetime.fromisoformat(found["checked_at"])
        return LastCheck(**{**found, "head": head, "checked_at": checked_at})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save_check(path: Path, verified: Verified | None) -> None:
    """Write what was found next to a database; where that cannot be written, the log says so."""
    if verified is None:  # of an earlier version, which is not checked
        return
    first = str(verified.breaks[0]) if verified.breaks else ""
    check = LastCheck(utc_now(), verified.head, verified.num_rows, len(verified.breaks), first)
    try:
        with replaced_file(_note_path(path)) as partial:
            partial.write_text(json.dumps(asdict(check), default=str), encoding="utf-8")
    except OSError as error:
        _log.warning("The check of %s was not noted next to it: %s", path, error)


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")
