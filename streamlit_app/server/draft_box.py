"""Drafts on their way from the browser: kept on every change, without a rerun of the page.

The page's script posts what was picked or typed to ``/review/draft``. A token in a header, made for
one presentation of one item and known to that page alone, names the draft: no name or id comes from
outside, and nothing is read from a sender who has no token.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from db.connection import Database
from db.conversions import replace_lone_surrogates
from db.errors import DbError, NotPermittedError, SaveError
from db.records import Phase
from db.review.drafts import MAX_CHARACTERS, save_draft
from streamlit_app.server.bodies import BodyError, read_object, refuse

TOKEN_HEADER: Final = "X-Draft-Token"  # noqa: S105 (a name, no secret)
_MAX_BYTES: Final = 4 * MAX_CHARACTERS
"""More than the longest draft that is kept: a character takes up to 4 bytes in UTF-8."""
_MAX_BOXES = 20_000
_FIELDS: Final = {"note", "answer"}


@dataclass
class DraftBox:
    """One presentation of an item: whose it is, and what the store holds of its draft."""

    database: Database
    item_id: str
    reviewer_id: str
    phase: Phase
    labels: tuple[str, ...]
    body: dict[str, Any] = field(default_factory=dict)
    pressed_at: datetime | None = None
    """The browser's time at the latest press, as the browser reported it."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._is_saved = False

    def update(self, **changes: Any) -> bool:
        """Store changes of the draft; what the store holds already is not stored again.

        Returns:
            False where the item was saved meanwhile: its draft must not come back.

        Raises:
            DbError: The draft cannot be stored; the box holds what it held before.
        """
        with self._lock:
            if self._is_saved:
                return False
            changed = {**self.body, **changes}
            if changed != self.body:
                with self.database.transaction(only_labels=True) as cur:
                    save_draft(cur, self.item_id, self.reviewer_id, self.phase, changed)
                self.body = changed
            return True

    @contextmanager
    def saving(self) -> Iterator[bool]:
        """Yield whether there is a draft to clear; changes wait while the item is saved.

        Where that fails, the draft stays open.
        """
        with self._lock:
            yield bool(self.body)
            self._is_saved = True


class DraftBoxes:
    """The boxes of the showings that are still of use, by token."""

    def __init__(self) -> None:
        self._boxes: LRUCache[str, DraftBox] = LRUCache(_MAX_BOXES)
        self._lock = threading.Lock()

    def put(self, token: str, box: DraftBox) -> None:
        """Store a box; the least recently used are dropped when there are too many."""
        with self._lock:
            self._boxes[token] = box

    def get(self, token: str) -> DraftBox | None:
        """Return the box of a token, or None for one that is unknown or gone."""
        with self._lock:
            return self._boxes.get(token)

    def pressed_at(self, token: str) -> datetime | None:
        """Return the browser's time at the latest press, where the browser reported it."""
        box = self.get(token)
        return None if box is None else box.pressed_at

    def drop(self, token: str) -> None:
        """Delete a box: its item was saved, and a late change must not bring the draft back."""
        with self._lock:
            self._boxes.pop(token, None)


BOXES: Final = DraftBoxes()
"""One for the process: the page and the route below share it."""


async def take_draft(request: Request) -> Response:
    """Store ``{"pressed_at": ms, "label": place | null, "note": ..., "answer": ...}``.

    Any of it may be missing. 204 says that the change is stored, 403 that the reviewer may not
    label, 409 that such a draft cannot be stored, 503 that the store failed and the same change may
    be sent again.
    """
    box = BOXES.get(request.headers.get(TOKEN_HEADER, ""))
    if box is None:
        return refuse(404, "The item is no longer on screen.")
    try:
        sent = await read_object(request, _MAX_BYTES)
    except BodyError as error:
        return error.answer
    pressed_at = sent.get("pressed_at")
    if isinstance(pressed_at, int | float) and 0 < pressed_at < 4e12:
        box.pressed_at = datetime.fromtimestamp(pressed_at / 1000, UTC)
    changes = _read_changes(sent, box.labels)
    if changes:
        try:
            is_open = await run_in_threadpool(box.update, **changes)
        except SaveError as error:
            return refuse(503, str(error))
        except NotPermittedError as error:
            return refuse(403, str(error))
        except DbError as error:
            return refuse(409, str(error))
        if not is_open:
            return refuse(404, "The item is no longer on screen.")
    return Response(status_code=204)


def _read_changes(sent: dict[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    """Return what is of the expected kind; the rest is left out.

    Half of an emoji becomes U+FFFD, as in every text that a browser encodes: a draft is there to
    lose nothing of what surrounds it.
    """
    changes: dict[str, Any] = {
        name: replace_lone_surrogates(sent[name])
        for name in _FIELDS
        if isinstance(sent.get(name), str)
    }
    place = sent.get("label", -1)
    if place is None:
        changes["label"] = None
    elif isinstance(place, int) and not isinstance(place, bool) and 0 <= place < len(labels):
        changes["label"] = labels[place]
    return changes
