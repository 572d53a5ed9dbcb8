"""What the desk shows where nothing further is open: why, what was done today, and ways on."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from streamlit_app.components import day_card
from streamlit_app.markup import Html, element, join
from streamlit_app.safe_text import notice
from streamlit_app.server import desk, review_service, services
from streamlit_app.server.tokens import Sitting
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say

_MAX_QUEUES: Final = 3
"""Further queues that are named."""


def make_end(at: Sitting, worklist: Worklist, num_at_hand: int = 0) -> Html:
    """Return the markup of why nothing further is open.

    Args:
        num_at_hand: Items that the browser holds, to be labelled or waiting to be sent.
    """
    if not worklist.total:
        return notice(say("filters.nothing" if services.all_sources() else "filters.no_items"))
    is_unfinished = worklist.num_done + num_at_hand < worklist.total
    if is_unfinished and review_service.waiting_in_queues(at.reviewer_id):
        return notice(say("review.only_blind_left"))
    if is_unfinished and at.queue_id is not None:
        held = review_service.count_others_of(at.queue_id, at.reviewer_id)
        return notice(say("review.none_open", held=held))
    return notice(say("review.all_done"), kind="success")


def make_day(at: Sitting, since: datetime) -> Html:
    """Return the markup of what the reviewer did since a moment, and of the ways on."""
    day = day_card.markup(desk.read_day(at, since), say("ending.title"))
    return join(day, _ways_on(at))


def _ways_on(at: Sitting) -> Html:
    """Return links to the reviewer's other queues and to pages about what they did."""
    queues = [
        (
            say("ending.queue", name=queue.settings.name, count=left),
            "review",
            {"queue": queue.queue_id},
        )
        for queue, left in review_service.open_queues(at.reviewer_id, at.queue_id, _MAX_QUEUES)
    ]
    pages: list[tuple[str, str, dict[str, str]]] = [
        (say("ending.reviewed"), "items", {"show": "reviewed"}),
        (say("ending.agreement"), "agreement", {}),
    ]
    return element("div", *(_link(*way) for way in (*queues, *pages)), cls="lc-moves lc-ways")


def _link(text: str, page: str, parameters: dict[str, str]) -> Html:
    query = f"?{urlencode(parameters)}" if parameters else ""
    return element("a", text, href=f"./{page}{query}", target="_self", cls="lc-button")
