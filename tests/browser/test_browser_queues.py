"""A blind queue for three people in few clicks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from db.connection import Database
from db.people.sign_in import add_person, sign_in_by_name
from db.review.queues import list_queues

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
Seed = Callable[[Database], None]
PEOPLE = ("Ann", "Bob", "Cem")
MAX_CLICKS = 10
"""Half of the 21 that it took when there were three forms."""


def add_team(database: Database, review_seed: Seed) -> None:
    review_seed(database)
    with database.transaction() as cur:
        sign_in_by_name(cur, "Reviewer 1")
        for name in PEOPLE:
            add_person(cur, name, role="reviewer")


class Hand:
    """Clicks, and counts them."""

    def __init__(self) -> None:
        self.num_clicks = 0

    def click(self, what: Locator) -> None:
        what.click()
        self.num_clicks += 1


def test_a_blind_queue_for_three_people_takes_few_clicks(
    serve: Serve, review_seed: Seed, page: Page
) -> None:
    server = serve(lambda database: add_team(database, review_seed))
    page.goto(f"{server.url}/queues")
    hand = Hand()
    hand.num_clicks += 1  # the way to this page
    hand.click(page.get_by_role("button", name="Create a queue"))
    hand.click(page.get_by_role("combobox", name="Reviewers"))
    for name in PEOPLE:
        hand.click(page.get_by_role("option", name=name, exact=True))
    page.keyboard.press("Escape")
    hand.click(page.get_by_role("button", name="Create queue"))
    expect(page.get_by_text("Created the queue")).to_be_visible()
    expect(page.get_by_role("textbox", name="Name")).to_have_count(0)  # the form is closed
    assert hand.num_clicks <= MAX_CLICKS
    page.get_by_role("link", name="Show the queue").click()
    expect(page.get_by_role("listitem").filter(has_text="done")).to_have_count(3)
    reviewers = page.locator('[class*="st-key-queues_"] [data-testid="stMultiSelect"]')
    reviewers.get_by_role("button", name=re.compile("Bob")).click()
    page.get_by_role("button", name="Save reviewers").click()
    expect(page.get_by_text("Saved the reviewers")).to_be_visible()
    (queue,) = list_queues(server.database().cursor())
    assert (queue.settings.mode, len(queue.present_ids)) == ("blind", 2)
