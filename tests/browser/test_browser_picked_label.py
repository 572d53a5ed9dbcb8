"""The text on a picked label can be read, by the colours that the browser computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from db.connection import Database
from db.people.sign_in import sign_in_by_name
from tests.support.annotations import annotate
from tests.support.browser import on_desk, open_desk

pytestmark = pytest.mark.browser

AA = 4.5
"""The contrast that WCAG 2 asks of text (success criterion 1.4.3)."""
MEASURE = """
(button) => {
  // The innermost element with text of its own is what the eye reads.
  const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
  const inner = texts.nextNode().parentElement;
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const seen = (colors) => {
    for (const color of ["#fff", ...colors]) {
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
    }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const grounds = [];
  for (let box = inner; box; box = box.parentElement) {
    grounds.unshift(getComputedStyle(box).backgroundColor);
  }
  const luminance = (rgb) => {
    const [r, g, b] = rgb
      .map((channel) => channel / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = luminance(seen(grounds));
  const text = luminance(seen([...grounds, getComputedStyle(inner).color]));
  return (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
}
"""


@pytest.fixture(params=["light", "dark"])
def themed_page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme=request.param,
        reduced_motion="reduce",
    )
    context.set_default_timeout(40_000)
    yield context.new_page()
    context.close()


def contrast(button: Locator) -> float:
    """Return the contrast once the colours have stopped moving."""
    before, now = 0.0, float(button.evaluate(MEASURE))
    for _ in range(40):
        if before == now:
            break
        button.page.wait_for_timeout(100)
        before, now = now, float(button.evaluate(MEASURE))
    return now


def pick_each(buttons: Locator, labels: str) -> dict[str, tuple[float, float]]:
    """Pick one label after the other; return the contrast of each, picked and not picked."""
    page = buttons.page
    expect(buttons).to_have_count(len(labels.split()))
    page.mouse.move(5, 600)
    found = {}
    for place, label in enumerate(labels.split()):
        plain = contrast(buttons.nth(place))
        page.keyboard.press(str(place + 1))
        expect(buttons.nth(place)).to_have_attribute("aria-checked", "true")
        found[label] = contrast(buttons.nth(place)), plain
    return found


def add_disputes(database: Database, review_seed: Callable[[Database], None]) -> None:
    """Fill a database with a named and a lettered item on which two people differ."""
    review_seed(database)
    with database.transaction() as cur:
        sign_in_by_name(cur, "Reviewer 1")
        for item_id, labels in (("q-01", ("yes", "no")), ("v-01", ("A", "C"))):
            for who, label in zip(("Ann", "Bob"), labels, strict=True):
                annotate(
                    cur,
                    who,
                    item_id,
                    label,
                    created_at=datetime(2026, 3, 1, tzinfo=UTC),
                )


def assert_readable(found: dict[str, tuple[float, float]]) -> None:
    faint = {label: pair for label, pair in found.items() if min(pair) < AA}
    assert not faint


def test_every_label_can_be_read(
    serve: Callable[..., Any], review_seed: Callable[[Database], None], themed_page: Page
) -> None:
    server = serve(lambda database: add_disputes(database, review_seed))
    for item_id, labels in (("q-01", "yes no maybe"), ("v-01", "A B C D")):
        open_desk(themed_page, f"{server.url}/review?item={item_id}", item_id)
        assert_readable(pick_each(on_desk(themed_page, '[role="radio"]'), labels))
    themed_page.goto(f"{server.url}/adjudicate")
    buttons = themed_page.locator('[role="radio"]:not(.st-key-lc_room_head *)')  # not the room's
    # First the item on which more runs gave a label that a decision makes right or wrong.
    for item_id, labels in (("v-01", "A B C D"), ("q-01", "yes no maybe")):
        expect(themed_page.locator("html[data-lc-listening-adjudicate]")).to_be_attached()
        expect(themed_page.locator(f'[data-lc-on="{item_id}"]')).to_be_attached()
        assert_readable(pick_each(buttons, labels))
        themed_page.keyboard.press("s")
