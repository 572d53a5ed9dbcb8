"""Signed tokens: who works at a desk through what, and how an item was presented to them.

They hold no right: what a person may do is read from the database at every request. The key is kept
next to the database, so that a token outlives a restart of the server.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import TypeAdapter, ValidationError

from db.atomic_files import replaced_file
from db.paths import home_dir
from db.records import Encounter, Phase, Presentation
from db.review.item_list import Order, ReviewFilter

_KEY_NAME: Final = "desk.key"
_KEY_BYTES: Final = 32
_one_at_a_time = threading.Lock()
_MAX_SITTINGS: Final = 2_000


@dataclass(frozen=True)
class Sitting:
    """One reviewer at one desk: what they work through, and the run whose answers are shown."""

    reviewer_id: str
    queue_id: str | None = None
    filter: ReviewFilter | None = None
    order: Order = "item_id"
    run_id: str | None = None
    sitting_id: str = ""
    """Another one for each time the desk is opened: the order of its items is frozen then."""


@dataclass(frozen=True)
class Presented:
    """How an item was put before a reviewer: what a press of Save belongs to."""

    item_id: str
    item_version: int
    reviewer_id: str
    phase: Phase
    presentation: Presentation
    run_id: str | None
    queue_id: str | None
    guideline_version: str | None
    replaces: str | None
    """The reviewer's annotation that stood then."""
    floor_seconds: float
    served_at: float
    """Seconds since 1970, by the server's clock."""

    def encounter(self) -> Encounter:
        """Return what an annotation stores of it, as far as it is known before Save."""
        return Encounter(
            run_id=self.run_id,
            phase=self.phase,
            presentation=self.presentation,
            queue_id=self.queue_id,
            guideline_version=self.guideline_version,
        )


_SITTING: Final = TypeAdapter(Sitting)
_PRESENTED: Final = TypeAdapter(Presented)


def mint_sitting(sitting: Sitting) -> str:
    """Return the token of a sitting; one that has no id gets one."""
    named = asdict(sitting)
    named["sitting_id"] = sitting.sitting_id or str(uuid.uuid4())
    return _signer("sitting").dumps(named)


def find_sitting(token: str) -> Sitting | None:
    """Return whose token it is, or None for one that was not made here."""
    return _find_sitting(home_dir(), token)


@lru_cache(_MAX_SITTINGS)
def _find_sitting(home: Path, token: str) -> Sitting | None:
    """Return whose token it is; each request of a desk sends the same one."""
    del home  # its key
    found = _find(token, "sitting", _SITTING)
    return found if isinstance(found, Sitting) else None


def mint_presented(presented: Presented) -> str:
    """Return the id of a presentation, which holds it signed."""
    return _signer("presented").dumps(asdict(presented))


def find_presented(token: str) -> Presented | None:
    """Return the presentation of an id, or None for one that was not made here."""
    found = _find(token, "presented", _PRESENTED)
    return found if isinstance(found, Presented) else None


def now() -> float:
    """Return the server's time in seconds since 1970."""
    return time.time()


def _find(token: str, use: str, adapter: TypeAdapter[Any]) -> Any:
    try:
        return adapter.validate_python(_signer(use).loads(token))
    except (BadSignature, ValidationError):
        return None


def _signer(use: str) -> URLSafeSerializer:
    return _signer_of(key_path(), use)


@cache
def _signer_of(key: Path, use: str) -> URLSafeSerializer:
    return URLSafeSerializer(_read_key(key), salt=f"desk.{use}")


def key_path() -> Path:
    """Return the path of the key that tokens are signed with."""
    return home_dir() / _KEY_NAME


def _read_key(path: Path) -> bytes:
    """Read the key, which no other user of the machine can; make it where there is none.

    Two threads that ask at once get the same, and what is cut short is made again: an empty key
    would let anybody sign.
    """
    with _one_at_a_time:
        key = path.read_bytes() if path.exists() else b""
        if len(key) < _KEY_BYTES:
            key = secrets.token_bytes(_KEY_BYTES)
            path.parent.mkdir(parents=True, exist_ok=True)
            with replaced_file(path) as partial:
                partial.touch(mode=0o600)
                partial.write_bytes(key)
        return key
