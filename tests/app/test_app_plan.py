"""The planner and the watch on the Training page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from db.connection import Database
from db.content.items import add_items
from db.retraining.readiness import ReadinessCount
from db.review.queue_progress import queue_progress
from db.review.queues import list_queues
from streamlit_app.logic.training.watching import watch_words
from tests.support.annotations import annotate
from tests.support.pages import open_form, open_page, plain_texts
from tests.support.records import make_item
from training.control.triggers import Readiness


def _found(wrong: int, n: int, test_error: float | None = 0.1) -> Readiness:
    counts = ReadinessCount(0, 0, 0, 0, 0, 2 * n, n, n, wrong)
    return Readiness(datetime(2026, 3, 1, tzinfo=UTC), counts, test_error)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (_found(0, 0, None), "nothing to watch"),
        (_found(0, 0), "No item of a random queue"),
        (_found(20, 200), "No alarm"),
        (_found(70, 200), "Alarm: the error is above the limit"),
    ],
)
def test_the_watch_says_what_random_reviews_show(found: Readiness, said: str) -> None:
    assert said in " ".join(watch_words(found, 0.05))
    if found.counts.num_watched:
        assert "of 200 items" in " ".join(watch_words(found, 0.05))
        assert "above 15.0 %" in " ".join(watch_words(found, 0.05))
        assert "Certified: the error is at most" in " ".join(watch_words(found, 0.05))


def test_the_page_plans_and_makes_the_queue(database: Database) -> None:
    with database.transaction() as cur:
        items = [make_item(f"q-{number:02d}", split="train") for number in range(60)]
        add_items(cur, items, origin="items")
        annotate(cur, "Ann", "q-00", "no", duration_seconds=60.0)
    page = open_page("training")
    assert "246 items drawn at random" in plain_texts(page)
    assert "There are only 60 items" in plain_texts(page)
    page.checkbox(key="plan_finite").check()
    page.run()
    assert "49 items drawn at random" in plain_texts(page)
    open_form(page, "plan_queue")
    page.text_input(key="plan_queue_name").set_value("Planned")
    page.button(key="plan_queue_create").click().run()
    assert not page.exception
    (queue,) = list_queues(database.cursor())
    assert (queue.settings.name, queue.settings.order, queue.settings.mode) == (
        "Planned",
        "random",
        "blind",
    )
    assert queue_progress(database.cursor(), queue).num_items == 49
    page.selectbox(key="plan_goal").set_value("difference").run()
    assert "there are 60. Ask for a larger margin" in plain_texts(page)
    page.checkbox(key="plan_finite").uncheck()
    for goal in ("alpha", "difference", "certificate", "no_worse"):
        page.selectbox(key="plan_goal").set_value(goal).run()
        assert not page.exception
        assert "items drawn at random" in plain_texts(page)
