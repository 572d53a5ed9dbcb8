"""Drafts on their way from the browser: kept on every change, without a rerun of the page.

The page's script posts what was picked or typed to ``/review/draft``. A token, made for one showing
of one item and known to that page alone, says whose draft it is: no name or id comes from outside.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.connection import Database
from db.drafts import MAX_CHARACTERS, save_draft
from db.errors import DbError
from db.records import Phase

_MAX_BOXES = 20_000
_FIELDS: Final = {"note", "answer"}


@dataclass
class DraftBox:
    """One showing of an item: whose it is, and what has been said of it so far."""

    database: Database
    item_id: str
    reviewer_id: str
    phase: Phase
    labels: tuple[str, ...]
    body: dict[str, Any] = field(default_factory=dict)
    pressed_at: datetime | None = None
    """The browser's time at the latest press, as the browser told it."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def update(self, **changes: Any) -> None:
        """Take changes into the draft and store it; what stays the same is not stored again."""
        with self._lock:
            changed = {**self.body, **changes}
            if changed != self.body:
                self.body = changed
                save_draft(
                    self.database.cursor(), self.item_id, self.reviewer_id, self.phase, changed
                )


class DraftBoxes:
    """The boxes of the showings that are still of use, by token."""

    def __init__(self) -> None:
        self._boxes: OrderedDict[str, DraftBox] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, token: str, box: DraftBox) -> None:
        """Keep a box; the oldest go when there are too many."""
        with self._lock:
            self._boxes[token] = box
            while len(self._boxes) > _MAX_BOXES:
                self._boxes.popitem(last=False)

    def get(self, token: str) -> DraftBox | None:
        """Give the box of a token, or None for one that is unknown or gone."""
        with self._lock:
            return self._boxes.get(token)

    def pressed_at(self, token: str) -> datetime | None:
        """Give the browser's time at the latest press, where the browser told it."""
        box = self.get(token)
        return None if box is None else box.pressed_at

    def drop(self, token: str) -> None:
        """Forget a box: its item was saved, and a late change must not bring the draft back."""
        with self._lock:
            self._boxes.pop(token, None)


BOXES: Final = DraftBoxes()
"""One for the process: the page and the route below share it."""


async def take_draft(request: Request) -> Response:
    """Take ``{"token": ..., "pressed_at": ms, "label": place | null, "note": ..., "answer": ...}``.

    Everything but the token may be missing. 204 says that the change is stored.
    """
    text = await request.body()
    if len(text) > 4 * MAX_CHARACTERS:
        return _refuse(413, "The draft is too long to keep.")
    try:
        sent = json.loads(text)
    except ValueError:
        return _refuse(400, "The draft is no JSON object.")
    box = BOXES.get(str(sent.get("token"))) if isinstance(sent, dict) else None
    if box is None:
        return _refuse(404, "The item is no longer on screen.")
    pressed_at = sent.get("pressed_at")
    if isinstance(pressed_at, int | float) and 0 < pressed_at < 4e12:
        box.pressed_at = datetime.fromtimestamp(pressed_at / 1000, UTC)
    changes = _read_changes(sent, box.labels)
    if changes:
        try:
            await run_in_threadpool(box.update, **changes)
        except DbError as error:
            return _refuse(409, str(error))
    return Response(status_code=204)


def _read_changes(sent: dict[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    """Give what is of the expected kind; the rest is left out."""
    changes: dict[str, Any] = {
        name: sent[name] for name in _FIELDS if isinstance(sent.get(name), str)
    }
    place = sent.get("label", -1)
    if place is None:
        changes["label"] = None
    elif isinstance(place, int) and 0 <= place < len(labels):
        changes["label"] = labels[place]
    return changes


def _refuse(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
