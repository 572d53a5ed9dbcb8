"""From a gold label in doubt on the Agreement page to its decision, by keyboard, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.items import add_items
from db.people.sign_in import sign_in_by_name
from db.review.adjudications import list_adjudications
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.browser import choose_option
from tests.support.records import make_drug_item

pytestmark = pytest.mark.browser


def fill(database: Database) -> None:
    """Return three items with gold label yes, which two people do not accept."""
    with database.transaction() as cur:
        sign_in_by_name(cur, "Reviewer 1")
        items = [make_drug_item(n, gold_label="yes") for n in (1, 2, 3)]
        add_items(cur, items, origin="items")
        for item in items:
            annotate(cur, "Ann", item.item_id, "no")
            annotate(cur, "Bob", item.item_id, "maybe")


def test_items_in_doubt_are_settled_with_the_keyboard_alone(serve, page: Page) -> None:
    server = serve(fill)
    page.goto(f"{server.url}/agreement?part=doubtful")
    expect(page.get_by_text("3 of 3 items with a reference label")).to_be_visible()
    page.get_by_role("button", name="Adjudicate these").click()

    expect(page.get_by_role("heading", name="Does drug 1 help?")).to_be_visible()
    expect(page).to_have_url(re.compile("adjudicate_show=rejected"))
    # The keys are asked for by the page and listen a moment after the question is painted.
    expect(page.locator("html[data-lc-listening-adjudicate]")).to_be_attached()
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()
    page.keyboard.press("Enter")
    expect(
        page.get_by_text("Choose the reason for the disagreement before saving.")
    ).to_be_visible()
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()
    page.keyboard.press("t")
    expect(page.get_by_label("Note")).to_be_focused()
    page.keyboard.type("Enter, s and digits are text in here: 123")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.keyboard.type("incorrect")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Does drug 2 help?")).to_be_visible()
    expect(page.get_by_text("q-1: the label of record is now no.")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="Does drug 3 help?")).to_be_visible()
    # A reason that was chosen with the mouse has the focus still: Enter saves all the same.
    page.keyboard.press("3")
    choose_option(page, "Reason for the disagreement", "Information is missing")
    page.keyboard.press("Enter")
    expect(page.get_by_text("q-3: the label of record is now maybe.")).to_be_visible()

    cur = server.database().cursor()
    assert [one.label for one in list_adjudications(cur, "q-3", EVERYTHING)] == ["maybe"]
    (decision,) = list_adjudications(cur, "q-1", EVERYTHING)
    assert (decision.label, decision.reason) == ("no", "gold_mistaken")
    assert decision.note == "Enter, s and digits are text in here: 123"
    assert (decision.old_label, decision.old_origin) == ("yes", "imported")
