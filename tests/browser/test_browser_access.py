"""Access that is taken away while a page is open in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from db.connection import Database
from db.people.sign_in import add_person
from tests.support.browser import choose_option, wait_for_card

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("key", ["Enter", "f", "s", "ArrowRight"])
def test_an_open_tab_shows_and_stores_nothing_more(
    serve: Callable[..., Any],
    chromium: Browser,
    page: Page,
    review_seed: Callable[[Database], None],
    key: str,
) -> None:
    def seed(database: Database) -> None:
        review_seed(database)
        with database.transaction() as cur:
            add_person(cur, "Chief", role="admin")
            add_person(cur, "Bob", role="reviewer")

    server = serve(seed)
    page.goto(f"{server.url}/review?reviewer=Bob&item=q-01")
    wait_for_card(page, "q-01")
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()

    chief = chromium.new_context(viewport={"width": 1440, "height": 900})
    people = chief.new_page()
    people.goto(f"{server.url}/people?reviewer=Chief")
    choose_option(people, "Person", "Bob")
    save = people.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_visible()  # the form is Bob's now, no longer that of a new person
    choose_option(people, "Role", "No access")
    save.click()
    expect(people.get_by_text("Saved Bob with the role No access.")).to_be_visible()
    chief.close()

    page.keyboard.press(key)
    expect(page.get_by_text("may not see items").first).to_be_visible()
    expect(page.get_by_text("Does drug")).to_have_count(0)
    if key == "Enter":  # what was not stored can be typed in elsewhere
        waiting = page.locator(".lc-decisions")
        expect(waiting).to_contain_text("q-01: no.")
        with page.expect_download() as download:
            waiting.get_by_role("button", name="Export as a file").click()
        (entry,) = json.loads(download.value.path().read_text())
        assert (entry["item_id"], entry["body"]["judgement"]["labels"]) == ("q-01", ["no"])
        assert "token" not in entry and "card" not in entry
        page.reload()  # nothing is lost, though nothing more is shown
        expect(page.get_by_text("so nothing can be shown").first).to_be_visible()
        expect(waiting).to_contain_text("q-01: no.")
        expect(waiting.get_by_role("button", name="Export as a file")).to_be_visible()
    cur = server.database().cursor()
    for table in ("annotation", "reservation"):
        assert cur.execute(f"select count(*) from {table}").fetchone() == (0,)
    actions = "select count(*) from review_event where action != 'open'"
    assert cur.execute(actions).fetchone() == (0,)
