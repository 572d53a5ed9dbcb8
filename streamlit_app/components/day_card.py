"""What a reviewer did: how much, how long, how often they differed, what it changed."""

from __future__ import annotations

from typing import Final

from db.review.day import ReviewedDay
from eci.statistics.estimates import NO_ITEMS, proportion
from streamlit_app.logic.figures import interval_text, percent
from streamlit_app.markup import Html, element
from streamlit_app.wording import say, say_count

_MINUTE: Final = 60


def markup(day: ReviewedDay, title: str) -> Html:
    """Return the markup under a heading; empty where nothing was done."""
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
    return element("section", element("h2", title), element("dl", *rows), cls="lc-day")


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
