"""After a choice in the side bar the keys belong to the item again, and to who was chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.people.reviewers import list_people
from db.people.sign_in import add_person, sign_in_by_name
from db.review.adjudications import list_adjudications
from db.review.annotations import list_annotations
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.browser import (
    choose_option,
    on_desk,
    open_desk,
    wait_for_card,
    wait_until_saved,
)

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
Seed = Callable[[Database], None]


def add_team(database: Database, review_seed: Seed) -> None:
    """Fill a database for three people with a queue, and one item on which two of them differ."""
    review_seed(database)
    with database.transaction() as cur:
        chief = sign_in_by_name(cur, "Reviewer 1").reviewer_id
        for name in ("Ann", "Bob"):
            add_person(cur, name, role="adjudicator")
        settings = QueueSettings("Yes or no", ReviewFilter(source="pubmedqa"))
        add_queue(cur, settings, queue_id="queue-1", created_by=chief)
        for who, label in (("Cem", "yes"), ("Dee", "no")):
            annotate(
                cur,
                who,
                "q-12",
                label,
                created_at=datetime(2026, 3, 1, tzinfo=UTC),
            )


@pytest.fixture
def server(serve: Serve, review_seed: Seed) -> Any:
    return serve(lambda database: add_team(database, review_seed))


def open_review(page: Page, url: str) -> None:
    open_desk(page, f"{url}/review?item=q-01")


def choose(page: Page, field: str, option: str, *, by_key: bool) -> None:
    if not by_key:
        choose_option(page, field, option)
        return
    page.get_by_role("combobox", name=field).click()
    page.keyboard.type(option)
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("option")).to_have_count(0)


def labels_by_name(database: Database, item_id: str) -> dict[str, str | None]:
    cur = database.cursor()
    names = {one.reviewer_id: one.name for one in list_people(cur)}
    return {
        names[one.reviewer_id]: one.judgement.label
        for one in list_annotations(cur, item_id, EVERYTHING)
    }


def names_in(database: Database) -> set[str]:
    return {one.name for one in list_people(database.cursor())}


@pytest.mark.parametrize("by_key", [False, True])
def test_keys_after_choosing_a_name_label_for_that_name(
    server: Any, page: Page, by_key: bool
) -> None:
    open_review(page, server.url)
    before = names_of_options(page)
    page.get_by_role("combobox", name="Reviewing as").click()
    page.keyboard.type("zzz")  # letters in the list of names make nobody
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    choose(page, "Reviewing as", "Ann", by_key=by_key)
    wait_for_card(page, "q-01")
    page.keyboard.press("y")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    wait_until_saved(page)
    expect(page.get_by_role("combobox", name="Reviewing as")).to_have_value("Ann")
    database = server.database()
    assert labels_by_name(database, "q-01") == {"Ann": "yes"}
    assert names_in(database) == before


def names_of_options(page: Page) -> set[str]:
    page.get_by_role("combobox", name="Reviewing as").click()
    found = {name for name in page.get_by_role("option").all_inner_texts() if name}
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    return found


def test_keys_belong_to_the_item_after_a_choice_in_the_side_bar(server: Any, page: Page) -> None:
    open_review(page, server.url)
    choose(page, "Reviewing as", "Reviewer 1", by_key=False)  # the same as before
    wait_for_card(page, "q-01")
    page.keyboard.press("n")
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked(timeout=5000)
    choose(page, "Queue", "Yes or no", by_key=False)
    wait_for_card(page, "q-01")
    expect(page.get_by_text("Only items with an answer")).to_have_count(0)
    page.keyboard.press("m")
    expect(page.get_by_role("radio", name="maybe", exact=True)).to_be_checked()

    open_review(page, server.url)
    page.get_by_text("Only items with an answer").click()
    wait_for_card(page, "q-01")
    page.keyboard.press("n")
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("q-01")
    page.keyboard.press("Enter")
    expect(on_desk(page, ".lc-progress")).to_contain_text(
        re.compile(r"Item 1 of 1\b"), use_inner_text=True
    )
    wait_for_card(page, "q-01")
    page.keyboard.press("m")
    expect(page.get_by_role("radio", name="maybe", exact=True)).to_be_checked()


def test_a_name_is_added_with_its_button_and_labels_from_then_on(server: Any, page: Page) -> None:
    open_review(page, server.url)
    page.get_by_role("button", name="Add a name").click()
    page.get_by_role("textbox", name="New name").click()
    page.keyboard.type("Dr. Okafor")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="New name")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Reviewing as")).to_have_value("Dr. Okafor")
    wait_for_card(page, "q-01")
    page.keyboard.press("y")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    wait_until_saved(page)
    assert labels_by_name(server.database(), "q-01") == {"Dr. Okafor": "yes"}


def test_who_came_by_the_address_stays_until_another_is_chosen_on_adjudicate(
    server: Any, page: Page
) -> None:
    page.goto(f"{server.url}/review?item=q-01&reviewer=Ann")
    box = page.get_by_role("combobox", name="Reviewing as")
    expect(box).to_have_value("Ann")
    page.get_by_role("link", name="Agreement").click()
    page.get_by_role("radio", name="Adjudicate").click()
    expect(page.locator("html[data-lc-listening-adjudicate]")).to_be_attached()
    expect(page.locator('.lc-adjudicate-marker[data-lc-on="q-12"]')).to_be_attached()
    expect(box).to_have_value("Ann")
    choose(page, "Reviewing as", "Bob", by_key=True)
    page.keyboard.press("n")
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()
    choose_option(page, "Reason for the disagreement", "Information is missing")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Every item in this list is adjudicated.")).to_be_visible()
    database = server.database()
    bob = next(one for one in list_people(database.cursor()) if one.name == "Bob")
    (decision,) = list_adjudications(database.cursor(), "q-12", EVERYTHING)
    assert (decision.label, decision.reviewer_id) == ("no", bob.reviewer_id)
