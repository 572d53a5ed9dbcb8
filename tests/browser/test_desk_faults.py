"""Random cuts, silences and a kill while a person labels and types: all that was pressed is stored.

The long form is benchmarks/desk_faults.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from delayed_line import delayed_line
from desk_faults import WHO, Person, compare, open_desk
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.items import add_items
from db.people.sign_in import add_person, sign_in_by_name
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from tests.support.records import make_item

pytestmark = pytest.mark.browser
ITEMS = [f"q-{number:03d}" for number in range(200)]
NUM_CUTS, CUT_SECONDS = 3, 0.4
MANY = 30
"""More than the desk can name when it asks for further items."""


def fill(database: Database) -> None:
    """Fill a database with a queue of 200 items and someone to label them."""
    with database.transaction() as cur:
        add_items(cur, [make_item(item_id) for item_id in ITEMS], origin="items")
        admin = sign_in_by_name(cur, "Ada").reviewer_id
        add_person(cur, WHO, role="reviewer")
        settings = QueueSettings("Faults", ReviewFilter())
        add_queue(cur, settings, queue_id="faults", created_by=admin)


def test_nothing_is_lost_or_invented_when_lines_break_and_the_server_is_killed(
    serve: Callable[..., Any], page: Page
) -> None:
    server = serve(fill)
    with delayed_line(server.url) as line:
        open_desk(page, line.url, "faults", WHO)
        person = Person(page, seed=7)
        for _ in range(NUM_CUTS):
            person.meet_cut(line, CUT_SECONDS)
        person.label(during_note=server.process.kill)
        person.work(CUT_SECONDS)
        server.process.wait()
        server.restart()
        assert person.wait_for("saved")["decisions"] == 0
    found = compare(server.database(), person.pressed, WHO, ITEMS)
    assert found.num_pressed > NUM_CUTS
    assert (found.lost, found.invented, found.skipped, found.misspelt) == ([], [], [], [])


def test_no_item_comes_again_while_many_labels_wait_for_an_answer(
    serve: Callable[..., Any], page: Page
) -> None:
    server = serve(fill)
    open_desk(page, server.url, "faults", WHO)
    person = Person(page, seed=1)
    page.route("**/desk/judgements", lambda _: None)  # taken, and never answered
    seen: list[str] = []

    def label_until(number: int) -> None:
        while len(seen) < number:
            seen.append(person.wait_for("ready")["ready"])
            page.keyboard.press("1")
            page.keyboard.press("Enter")

    label_until(MANY)
    page.route("**/desk/next?*", lambda route: route.abort())
    expect(page.locator(".lc-card[hidden]").nth(3)).to_be_attached()
    while person.look()["ready"]:
        label_until(len(seen) + 1)
        page.wait_for_timeout(200)
    page.unroute("**/desk/next?*")
    label_until(len(seen) + 3)
    assert seen == ITEMS[: len(seen)]
    page.unroute("**/desk/judgements")
    page.reload()  # what was not answered is asked for again at once
    assert person.wait_for("saved")["decisions"] == 0
    query = "select item_id from annotation order by item_id"
    assert server.database().cursor().execute(query).fetchall() == [(each,) for each in seen]
