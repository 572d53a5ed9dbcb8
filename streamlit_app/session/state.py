"""Typed access to what one browser session remembers."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import NoReturn

import streamlit as st
from cachetools import LRUCache

from db.review.settings import ReviewSettings
from streamlit_app.safe_text import NoticeKind
from streamlit_app.server.review_service import LookAhead, ReviewedItem, WorklistChoice
from streamlit_app.server.worklist import Worklist

ITEM_PARAM = "item"
"""Query parameter that names the item on the Review page."""

_MAX_TIMED = 1_000


@dataclass
class Draw:
    """One presentation of one item: what a press of Save belongs to.

    ``annotation_id`` is made when the item is shown, so that a press sent twice is stored once; it
    is also the token under which the browser hands in drafts.
    """

    item_id: str
    annotation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    shown_at: float = field(default_factory=time.monotonic)
    shown: ReviewedItem | None = None
    """What was read of it, once it was drawn or where it was read ahead."""
    is_noted: bool = False
    """Whether it is written down that the item was opened."""

    @property
    def seconds(self) -> float:
        """Return the seconds since the item was shown."""
        return time.monotonic() - self.shown_at


@dataclass
class ReviewSession:
    """Where a reviewer is in what they work through."""

    worklist: Worklist | None = None
    worklist_key: tuple[str, WorklistChoice] | None = None
    draw: Draw | None = None
    ahead: LookAhead | None = None
    """The item after the one on screen, being read while that one is read by the reviewer."""
    saved: list[str] = field(default_factory=list)
    """Items labelled in this session, the last one at the end: what undo walks back over."""
    seconds_on: LRUCache[str, float] = field(default_factory=lambda: LRUCache(_MAX_TIMED))
    """Seconds that an item was on screen before, when it was put off or left."""
    words_per_minute: int = ReviewSettings.words_per_minute
    """The reading speed above which a save is marked as fast, as the page was opened."""
    says_more: bool = False
    """Whether the fields beyond label and note are open; stays so from item to item."""
    message: str = ""
    message_kind: NoticeKind = "info"
    num_draws: int = 0
    """Counts the draws of the page, so that the browser can distinguish a new one from the old."""
    params: dict[str, str] = field(default_factory=dict)
    """The address as the filters last left it, which another page hands back with an item."""
    item_param: str | None = None
    """The item that the address named when it was last in step with the page."""

    def show(self, item_id: str | None, shown: ReviewedItem | None = None) -> None:
        """Show an item; None for the end of the list."""
        if self.draw is not None:
            before = self.seconds_on.pop(self.draw.item_id, 0.0)
            self.seconds_on[self.draw.item_id] = before + self.draw.seconds
        self.draw = None if item_id is None else Draw(item_id, shown=shown)

    def is_on_screen(self, item_id: str) -> bool:
        """Return whether a press that names an item belongs to what the reviewer sees."""
        return self.draw is not None and self.draw.item_id == item_id

    def seconds_read(self, draw: Draw) -> float:
        """Return the seconds that an item has been on screen, earlier presentations included."""
        return draw.seconds + self.seconds_on.get(draw.item_id, 0.0)

    def say(self, message: str, kind: NoticeKind = "info") -> None:
        """Set the line that the next draw shows above the labels."""
        self.message, self.message_kind = message, kind


def review_session() -> ReviewSession:
    """Return this browser session's place in its work."""
    if "review_session" not in st.session_state:
        st.session_state["review_session"] = ReviewSession()
    session: ReviewSession = st.session_state["review_session"]
    return session


def open_in_review(item_id: str, *, run_id: str | None = None) -> NoReturn:
    """Open the Review page at one item.

    Args:
        item_id: The item to show.
        run_id: The run whose prediction to show; the one that is chosen already when None.
    """
    # Everything the Review page would put into the address itself goes along: each change that it
    # made after its first draw would be a step of its own, and Back would never leave the page.
    params = {**review_session().params, ITEM_PARAM: item_id}
    if run_id is not None:
        st.session_state["run"] = run_id
        params["run"] = run_id
    st.switch_page("views/review.py", query_params=params)
