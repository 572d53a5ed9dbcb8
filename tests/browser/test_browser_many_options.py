"""An item with an option for each letter is labelled by keyboard alone."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.items import add_items
from db.review.annotations import list_annotations
from db.viewer import EVERYTHING
from tests.support.browser import on_desk, open_desk, wait_for_card, wait_until_saved
from tests.support.records import make_options_item

pytestmark = pytest.mark.browser

Serve = Callable[[Callable[[Database], None]], Any]


def seed(database: Database) -> None:
    """Fill a database with three items of 26 options."""
    letters = string.ascii_uppercase
    items = [make_options_item(item_id, letters) for item_id in ("v-01", "v-02", "v-03")]
    with database.transaction() as cur:
        add_items(cur, items, origin="items")


def test_a_letter_picks_its_option_and_its_command_takes_shift(serve: Serve, page: Page) -> None:
    server = serve(seed)
    open_desk(page, f"{server.url}/review?item=v-01", "v-01")
    for key, label in (("3", "C"), ("0", "J"), ("z", "Z"), ("f", "F"), ("w", "W"), ("s", "S")):
        page.keyboard.press(key)
        expect(page.get_by_role("radio", name=label, exact=True)).to_be_checked()
    expect(on_desk(page, "[data-lc-command=skip]")).to_contain_text("Shift S")
    page.keyboard.press("Enter")
    wait_for_card(page, "v-02")
    page.keyboard.press("Shift+S")
    wait_for_card(page, "v-03")
    wait_until_saved(page)
    database = server.database()
    (annotation,) = list_annotations(database.cursor(), "v-01", EVERYTHING)
    assert annotation.judgement.label == "S"
    assert list_annotations(database.cursor(), "v-02", EVERYTHING) == []
    database.close()
