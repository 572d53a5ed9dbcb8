"""Access that is taken away while a page is open in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.people.sign_in import add_person
from tests.support.browser import choose_option, wait_for_card

pytestmark = pytest.mark.browser


KEYS = {"Bob": "Enter", "Cem": "f", "Dee": "s", "Eve": "ArrowRight"}
"""What each person presses once their access is gone."""


def seed(database: Database, review_seed: Callable[[Database], None]) -> None:
    """Fill a database with items, an admin and four reviewers."""
    review_seed(database)
    with database.transaction() as cur:
        add_person(cur, "Chief", role="admin")
        for name in KEYS:
            add_person(cur, name, role="reviewer")


def take_away(people: Page, name: str) -> None:
    choose_option(people, "Person", name)
    save = people.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_visible()  # the form is theirs now, no longer that of a new person
    choose_option(people, "Role", "No access")
    save.click()
    expect(people.get_by_text(f"Saved {name} with the role No access.")).to_be_visible()


def test_open_tabs_show_and_store_nothing_more(
    serve: Callable[..., Any], page: Page, review_seed: Callable[[Database], None]
) -> None:
    server = serve(lambda database: seed(database, review_seed))
    tabs = {name: page.context.new_page() for name in KEYS}
    for name, tab in tabs.items():
        tab.goto(f"{server.url}/review?reviewer={name}&item=q-01")
        wait_for_card(tab, "q-01")
        tab.keyboard.press("2")
        expect(tab.get_by_role("radio", name="no", exact=True)).to_be_checked()
    page.goto(f"{server.url}/people?reviewer=Chief")
    for name in KEYS:
        take_away(page, name)

    for name, tab in tabs.items():
        tab.bring_to_front()
        tab.keyboard.press(KEYS[name])
        expect(tab.get_by_text("may not see items").first).to_be_visible()
        expect(tab.get_by_text("Does drug")).to_have_count(0)
    # What was not stored can be typed in elsewhere.
    tab = tabs["Bob"]
    waiting = tab.locator(".lc-decisions")
    expect(waiting).to_contain_text("q-01: no.")
    with tab.expect_download() as download:
        waiting.get_by_role("button", name="Export as a file").click()
    (entry,) = json.loads(download.value.path().read_text())
    assert (entry["item_id"], entry["body"]["judgement"]["labels"]) == ("q-01", ["no"])
    assert "token" not in entry and "card" not in entry
    tab.reload()  # nothing is lost, though nothing more is shown
    expect(tab.get_by_text("so nothing can be shown").first).to_be_visible()
    expect(waiting).to_contain_text("q-01: no.")
    expect(waiting.get_by_role("button", name="Export as a file")).to_be_visible()
    cur = server.database().cursor()
    for table in ("annotation", "reservation"):
        assert cur.execute(f"select count(*) from {table}").fetchone() == (0,)
    actions = "select count(*) from review_event where action != 'open'"
    assert cur.execute(actions).fetchone() == (0,)
