"""A queue at a glance: what is left of it, and with whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from db.conversions import utc_now
from db.review.queue_progress import QueueProgress, QueueState
from db.review.rights import known_reviewers
from streamlit_app import safe_text
from streamlit_app.components.progress_line import track
from streamlit_app.components.queue_form import about, about_draw
from streamlit_app.markup import Html, element
from streamlit_app.server import services
from streamlit_app.session.local_time import local
from streamlit_app.wording import say, say_count, words


def draw(state: QueueState) -> None:
    """Draw a queue with its people, what it asks for, and who made it."""
    settings, names = state.queue.settings, _names()
    maker = names.get(state.queue.created_by, state.queue.created_by)
    facts = [
        about(settings),
        words("sharing")[settings.sharing] + ".",
        say("queues.made", name=maker, when=f"{local(state.queue.created_at):%Y-%m-%d}"),
        about_draw(settings),
    ]
    parts = [element("p", note, cls="lc-quiet") for note in _notes(state)]
    parts.append(element("p", " ".join(fact for fact in facts if fact), cls="lc-quiet"))
    safe_text.draw(element("section", *_summary(state, names, "h2"), *parts, cls="lc-queue"))


def draw_summary(state: QueueState) -> None:
    """Draw what is left of a queue, and with whom."""
    safe_text.draw(element("section", *_summary(state, _names(), "h3"), cls="lc-queue"))


def _names() -> dict[str, str]:
    return {one.reviewer_id: one.name for one in known_reviewers(services.database())}


def _summary(state: QueueState, names: Mapping[str, str], heading: str) -> list[Html]:
    total = state.total
    left = say_count("queues.left", total.num_left, total=total.num_items)
    people = [_person(state, person, names) for person in state.people]
    return [
        element(heading, state.queue.settings.name),
        element("p", element("strong", left)),
        _bar(total.num_done, total.num_items),
        element("div", *people, cls="lc-queue-people", role="list") if people else Html(),
    ]


def _person(state: QueueState, person: QueueProgress, names: Mapping[str, str]) -> Html:
    who = person.reviewer_id or ""
    tags = []
    if state.is_behind(person):
        tags.append(element("span", say("queues.behind"), cls="lc-queue-behind"))
    if not state.queue.is_open_to(who):
        tags.append(element("span", say("queues.left_queue"), cls="lc-queue-tag"))
    figures = [say("queues.done", done=person.num_done)]
    if person.num_left:
        is_dealt = state.queue.settings.sharing == "dealt"
        figures.append(say("queues.to_do" if is_dealt else "queues.open", left=person.num_left))
    if person.last_at is not None:
        figures.append(_when(person.last_at))
    if person.median_seconds is not None:
        figures.append(say("queues.median", seconds=person.median_seconds))
    if person.num_fast:
        figures.append(say_count("queues.fast", person.num_fast))
    return element(
        "div",
        element("span", names.get(who, who), *tags, cls="lc-queue-name"),
        _bar(person.num_done, person.num_items),
        element("span", " · ".join(figures), cls="lc-queue-figures"),
        cls="lc-queue-person",
        role="listitem",
    )


def _bar(done: int, total: int) -> Html:
    return track(done / total if total else 1)


def _notes(state: QueueState) -> list[str]:
    notes = []
    if state.queue.is_open_to_all:
        named = bool(state.queue.settings.reviewer_ids)
        notes.append(say("queues.too_few_people" if named else "queues.all_people"))
    if state.num_unassigned:
        notes.append(say_count("queues.unassigned", state.num_unassigned))
    return notes


def _when(moment: datetime) -> str:
    days = (utc_now() - moment).days
    return say("queues.last_today") if days < 1 else say_count("queues.last", days)
