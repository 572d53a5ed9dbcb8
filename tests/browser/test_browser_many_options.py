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
from tests.support.records import make_options_item

pytestmark = pytest.mark.browser

Serve = Callable[[Callable[[Database], None]], Any]


def seed(database: Database) -> None:
    """Fill a database with three items of 26 options."""
    letters = string.ascii_uppercase
    items = [make_options_item(item_id, letters) for item_id in ("v-01", "v-02", "v-03")]
    with database.transaction() as cur:
        add_items(cur, items, origin="items")


def wait_for_item(page: Page, item_id: str) -> None:
    expect(page.locator("html[data-lc-listening]")).to_be_attached()
    expect(page.locator(f'.lc-marker[data-lc-on="{item_id}"]')).to_be_attached()


def test_options_whose_letter_is_a_command_are_picked_with_shift(serve: Serve, page: Page) -> None:
    server = serve(seed)
    page.goto(f"{server.url}/?item=v-01")
    wait_for_item(page, "v-01")
    picked = page.locator('[class*="st-key-review_picker"] [aria-checked="true"]')
    for key, label in (("3", "C"), ("j", "J"), ("z", "Z"), ("Shift+W", "W"), ("Shift+S", "S")):
        page.keyboard.press(key)
        expect(picked).to_have_text(label)
    page.keyboard.press("Enter")
    wait_for_item(page, "v-02")
    page.keyboard.press("s")
    wait_for_item(page, "v-03")
    database = server.database()
    (annotation,) = list_annotations(database.cursor(), "v-01", EVERYTHING)
    assert annotation.judgement.label == "S"
    assert list_annotations(database.cursor(), "v-02", EVERYTHING) == []
    database.close()
