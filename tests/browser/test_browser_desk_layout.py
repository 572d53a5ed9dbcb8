"""The desk at the widths of a large screen, a tablet and a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.records import Section
from tests.support.browser import on_desk, open_desk
from tests.support.records import make_answer, make_item, make_run

pytestmark = pytest.mark.browser

SENTENCE = "The effect held in every subgroup that was looked at. "


def seed(database: Database) -> None:
    """Fill a database with one item: a long text in Arabic, and a long answer that ends in yes."""
    arabic = Section("النتائج", "تحسن المرضى خلال ستة أسابيع. " * 60)
    item = make_item("q-01", question="هل يفيد الدواء؟", context=(arabic,), gold_label="no")
    answer = f"{SENTENCE * 60}So the answer is yes."
    with database.transaction() as cur:
        add_items(cur, [item], origin="items")
        add_run(cur, make_run())
        at = len(answer) - 4
        add_predictions(
            cur, [make_answer("q-01", answer, "yes", answer_start=at, answer_end=at + 3)]
        )


@pytest.fixture(scope="module")
def server(serve_once: Callable[..., Any]) -> Any:
    return serve_once(seed)


def test_labels_and_save_are_in_sight_and_texts_run_their_own_way(server: Any, page: Page) -> None:
    for width, height in ((1440, 900), (1280, 720), (768, 1024), (390, 844), (720, 450)):
        page.set_viewport_size({"width": width, "height": height})
        open_desk(page, f"{server.url}/review?item=q-01")
        for name in ("yes", "no", "maybe"):
            expect(page.get_by_role("radio", name=name, exact=True)).to_be_in_viewport(ratio=1)
        expect(on_desk(page, ".lc-save")).to_be_in_viewport(ratio=1)
        question = on_desk(page, ".lc-question")
        assert question.evaluate("text => getComputedStyle(text).direction") == "rtl"
        mark = on_desk(page, "mark")
        if width >= 1280:
            expect(mark).to_be_in_viewport(ratio=1)
            expect(question).to_be_in_viewport(ratio=1)
            expect(on_desk(page, ".lc-strip i")).to_have_count(1)
        else:
            expect(mark).not_to_be_in_viewport()
            page.keyboard.press("j")
            expect(mark).to_be_in_viewport(ratio=1)


def test_keys_of_other_keyboards_pick_the_same_label(server: Any, page: Page) -> None:
    open_desk(page, f"{server.url}/review?item=q-01")
    for key, code in (("&", "Digit1"), ("н", "KeyY"), ("1", "Numpad1"), ("Y", "KeyY")):
        page.keyboard.press("n")
        expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()
        page.evaluate(
            """([key, code]) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, code, bubbles: true }))""",
            [key, code],
        )
        expect(page.get_by_role("radio", name="yes", exact=True)).to_be_checked()
