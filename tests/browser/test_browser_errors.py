"""From a count on the Errors page to its items and on to Review, in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.items import add_items
from db.predictions import add_predictions
from db.records import Item, Prediction, Run
from db.runs import add_run

pytestmark = pytest.mark.browser


def fill(database: Database) -> None:
    """Give six items; the run is wrong on the two whose gold label is no."""
    gold = ["yes", "yes", "no", "no", "maybe", "maybe"]
    items = [
        Item(
            f"q-{n}",
            "clinic",
            f"Does drug {n} help?",
            (),
            "pubmedqa",
            ("yes", "no", "maybe"),
            (),
            label,
            "",
            "test",
        )
        for n, label in enumerate(gold)
    ]
    text = ["yes", "yes", "yes", "yes", "maybe", None]
    with database.transaction() as cur:
        add_items(cur, items, origin="items")
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        add_run(cur, Run("run-1", "First run", "imported", "a-model", {}, {}, moment))
        add_predictions(
            cur,
            [
                Prediction("run-1", f"q-{n}", "An answer.", label, "stated" if label else "absent")
                for n, label in enumerate(text)
            ],
        )


def click_cell(page: Page, row: int, column: int, *, rows: int = 3, columns: int = 4) -> None:
    plot = page.locator(".st-key-errors_confusion_text .nsewdrag").first
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    plot.click(
        position={
            "x": box["width"] * (column + 0.5) / columns,
            "y": box["height"] * (row + 0.5) / rows,
        }
    )


def test_a_click_on_a_cell_lists_its_items_and_a_row_leads_to_review(serve, page: Page):
    server = serve(fill)
    page.goto(f"{server.url}/errors")
    expect(page.get_by_text("6 items. Select a row")).to_be_visible()

    click_cell(page, row=1, column=0)
    expect(page.get_by_text("2 items. Select a row")).to_be_visible()
    expect(page).to_have_url(re.compile("errors_gold=no.*errors_text=yes"))

    click_cell(page, row=2, column=3)
    expect(page.get_by_text("1 items. Select a row")).to_be_visible()

    grid = page.locator(".st-key-errors_items [data-testid=stDataFrame]")
    grid.click(position={"x": 20, "y": 54})
    expect(page).to_have_url(re.compile("item=q-5"))
    expect(page.get_by_role("heading", name="Does drug 5 help?")).to_be_visible()


def test_a_link_restores_what_was_chosen(serve, page: Page):
    server = serve(fill)
    page.goto(f"{server.url}/errors?errors_gold=no&errors_text=yes")
    expect(page.get_by_text("2 items. Select a row")).to_be_visible()
