"""Heads of the chain outside the database, where who can write it cannot: kept and read again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from duckdb import DuckDBPyConnection

from db import environment
from db.chain import Head, find_head
from db.errors import EvidenceError

_EVERY: Final = timedelta(hours=1)
_HEAD: Final = re.compile(r"\b(\d{1,18})[ :]([0-9a-f]{64})\b")


def parse_heads(text: str) -> list[Head]:
    """Return the heads in a text: of each line the one that :func:`keep_head` writes into it."""
    found = map(_HEAD.search, text.splitlines())
    return [Head(int(one[1]), one[2]) for one in found if one is not None]


def list_kept_heads() -> list[Head]:
    """Return the heads in the file that the environment names; none where there is none yet.

    Raises:
        EvidenceError: The file cannot be read.
    """
    name = environment.read_text("LLAMACARE_HEADS")
    try:
        return parse_heads(Path(name).read_text("utf-8", "replace")) if name else []
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EvidenceError(
            f"The heads in {name}, which LLAMACARE_HEADS names, cannot be read: {error.strerror}. "
            "Give access to it, so that the chain can be compared with them."
        ) from error


def keep_head(cur: DuckDBPyConnection, now: datetime) -> bool:
    """Append the head to the file that the environment names, once an hour where it has changed.

    Returns:
        Whether a line was appended: time, number and digest.

    Raises:
        EvidenceError: The file cannot be written.
    """
    name = environment.read_text("LLAMACARE_HEADS")
    head = find_head(cur) if name else None
    if head is None:
        return False
    path = Path(name)
    try:
        last = (path.read_text("utf-8").splitlines() or [""])[-1].split() if path.exists() else []
        if last and (last[1:] == [str(head.number), head.digest] or not _is_due(last[0], now)):
            return False
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{now.isoformat(timespec='seconds')} {head.number} {head.digest}\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(
            f"The head of the chain was not kept in {path}, which LLAMACARE_HEADS names: {error}. "
            "Name a text file that the app may write."
        ) from error
    return True


def _is_due(written: str, now: datetime) -> bool:
    try:
        return now - datetime.fromisoformat(written) >= _EVERY
    except (ValueError, TypeError):  # no line of ours
        return True
