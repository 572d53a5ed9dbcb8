"""Typed access to what one browser session remembers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import NoReturn

import streamlit as st

from streamlit_app.safe_text import NoticeKind
from streamlit_app.session.rooms import go_to

ITEM_PARAM = "item"
"""Query parameter that names the item on the Review page."""

QUEUE_PARAM = "queue"
"""Widget and query parameter that hold the queue chosen on the Review page."""


@dataclass
class ReviewSession:
    """What the Review page's side bar remembers; the desk remembers its own in the browser."""

    token: tuple[str, str] | None = None
    """What is worked through, and the desk's token for it."""
    edition: str = ""
    """Changes when the same choice means other items, so that the desk begins again."""
    message: str = ""
    message_kind: NoticeKind = "info"
    params: dict[str, str] = field(default_factory=dict)
    """The address as the filters last left it, which another page hands back with an item."""

    def say(self, message: str, kind: NoticeKind = "info") -> None:
        """Set the line that the next draw shows in the side bar."""
        self.message, self.message_kind = message, kind

    def restart_desk(self) -> None:
        """Make the desk begin again: what is chosen means other items now."""
        self.edition = str(uuid.uuid4())


def review_session() -> ReviewSession:
    """Return what this browser session remembers of the Review page."""
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
    go_to("review", **params)


def open_comparison(run_a: str, run_b: str) -> NoReturn:
    """Open the comparison of two runs where they differ most, whatever was compared before."""
    for key in ("compare_labels", "compare_by", "compare_show"):
        st.session_state.pop(key, None)
    st.session_state["compare_a"], st.session_state["compare_b"] = run_a, run_b
    go_to("quality", "compare")


def open_queue(queue_id: str) -> NoReturn:
    """Open the Review page at one queue."""
    st.session_state[QUEUE_PARAM] = queue_id
    go_to("review", **{QUEUE_PARAM: queue_id})
