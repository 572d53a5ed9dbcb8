"""What the desk shows where nothing further is open: why, what was done today, and ways on."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from db.review.day import ReviewedDay
from eci.statistics.estimates import NO_ITEMS, proportion
from streamlit_app.logic.figures import interval_text, percent
from streamlit_app.markup import Html, element, join
from streamlit_app.safe_text import notice
from streamlit_app.server import desk, review_service, services
from streamlit_app.server.tokens import Sitting
from streamlit_app.server.worklist import Worklist
from streamlit_app.wording import say, say_count

_MAX_QUEUES: Final = 3
"""Further queues that are named."""
_MINUTE: Final = 60


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
    return join(_day(desk.read_day(at, since)), _ways_on(at))


def _day(day: ReviewedDay) -> Html:
    if not day.num_items:
        return Html()
    facts = [
        (say("ending.labelled"), say_count("figures.items", day.num_items)),
        (say("ending.time"), _duration(day.seconds, day.num_items)),
        (say("ending.differed"), _differing(day)),
        (say("ending.changed"), say_count("figures.items", day.num_changed)),
        (say("ending.answers"), say_count("figures.items", day.num_answers)),
    ]
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in facts]
    return element(
        "section",
        element("h2", say("ending.title")),
        element("dl", *rows),
        cls="lc-day",
    )


def _duration(seconds: float, num_items: int) -> str:
    each = say("ending.seconds_each", seconds=seconds / num_items)
    if seconds < _MINUTE:
        return say("ending.seconds", seconds=seconds, each=each)
    return say("ending.minutes", minutes=seconds / _MINUTE, each=each)


def _differing(day: ReviewedDay) -> str:
    share = proportion(day.num_differing, day.num_compared, NO_ITEMS)
    if share.value is None:
        return say("ending.no_model")
    return say(
        "ending.share",
        count=day.num_differing,
        n=day.num_compared,
        share=percent(share.value),
        interval=interval_text(share),
    )


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
