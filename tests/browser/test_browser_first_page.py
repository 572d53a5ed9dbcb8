"""A queue's address shows its first item before the page around it is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from db.connection import Database
from db.people.sign_in import add_person
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from tests.support.browser import on_desk, wait_for_card, wait_until_saved

pytestmark = pytest.mark.browser
SIZES: dict[str, tuple[int, int, Any]] = {
    "Ann": (1440, 900, "light"),
    "Bob": (768, 1024, "dark"),
    "Cem": (390, 844, "light"),
}
"""Whose window has which width, height and theme."""
SCRIPTS = "**/static/js/index.*.js"
PARTS = (".lc-picker", ".lc-save", "[name=note]", ".lc-question")


def fill_queue(database: Database, review_seed: Callable[[Database], None]) -> None:
    """Fill a database with people who label, each with a queue of all items."""
    review_seed(database)
    with database.transaction() as cur:
        admin = add_person(cur, "Ada", role="admin").reviewer_id
        for name in SIZES:
            person = add_person(cur, name, role="reviewer").reviewer_id
            settings = QueueSettings(name, ReviewFilter(), reviewer_ids=(person,))
            add_queue(cur, settings, queue_id=name, created_by=admin)


@pytest.fixture
def server(serve: Callable[..., Any], review_seed: Callable[[Database], None]) -> Any:
    """Return a server whose people each have a queue."""
    return serve(lambda database: fill_queue(database, review_seed))


def boxes(page: Page) -> dict[str, dict[str, float]]:
    """Return where parts of the item are, in pixels."""
    found = {part: on_desk(page, part).first.bounding_box() for part in PARTS}
    return {part: dict(box) for part, box in found.items() if box is not None}


def test_an_item_is_there_before_the_page_and_stays_where_it_is(
    server: Any, chromium: Browser
) -> None:
    for name in SIZES:
        label_before_the_page(chromium, server.url, name)
    cur = server.database().cursor()
    query = "select label, note from annotation join reviewer using (reviewer_id) where name = ? "
    for name in SIZES:
        said = cur.execute(query + "order by annotation.created_at", [name]).fetchall()
        assert said == [("no", ""), ("yes", "typed before and after")], name


def label_before_the_page(chromium: Browser, url: str, name: str) -> None:
    """Label an item that is there before the page, and one while the page comes."""
    width, height, scheme = SIZES[name]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(SCRIPTS, hold)
    page.goto(f"{url}/review?queue={name}&reviewer={name}", wait_until="commit")
    wait_for_card(page, on_desk(page).get_attribute("data-lc-card") or "")
    assert page.locator('[data-testid="stMain"]').count() == 0
    expect(page.locator(".lc-desk:focus")).to_be_attached()
    first = on_desk(page).get_attribute("data-lc-card")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(on_desk(page)).not_to_have_attribute("data-lc-card", first or "")
    wait_until_saved(page)
    page.keyboard.press("y")
    page.keyboard.press("t")
    page.keyboard.type("typed before")
    before = boxes(page)
    for route in held:
        route.continue_()
    expect(page.locator('[data-testid="stMain"] .lc-desk')).to_be_attached()
    page.keyboard.type(" and after")
    expect(on_desk(page, "[name=note]")).to_have_value("typed before and after")
    expect(page.get_by_role("radio", name="yes", exact=True)).to_be_checked()
    expect(page.locator(".lc-first")).to_have_count(0)
    after = boxes(page)
    moved = {
        (part, side): (box[side], after[part][side])
        for part, box in before.items()
        for side in ("x", "y", "width")
        if abs(box[side] - after[part][side]) > 2
    }
    assert not moved
    page.keyboard.press("Control+Enter")
    wait_until_saved(page)
    context.close()


def pick_first(page: Page, url: str) -> str:
    """Open Ann's queue, pick a label for its first item once the page is drawn; return its id."""
    page.goto(f"{url}/review?queue=Ann&reviewer=Ann")
    expect(page.locator('[data-testid="stMain"] .lc-desk')).to_be_visible()
    expect(page.locator(".lc-card[hidden]").nth(1)).to_be_attached()
    item_id = on_desk(page).get_attribute("data-lc-card") or ""
    wait_for_card(page, item_id)
    page.keyboard.press("n")
    return item_id


def test_a_line_that_breaks_before_the_page_is_drawn_leads_back_to_the_queue(
    server: Any, page: Page
) -> None:
    lines: list[WebSocketRoute] = []

    def connect(line: WebSocketRoute) -> None:
        lines.append(line)
        far = line.connect_to_server()
        if len(lines) > 1:
            return

        def break_it(message: str | bytes) -> None:
            line.send(message)
            far.close()
            line.close(code=1011)

        far.on_message(break_it)

    page.route_web_socket(re.compile("_stcore/stream"), connect)
    page.goto(f"{server.url}/review?queue=Ann&reviewer=Ann", wait_until="commit")
    wait_for_card(page, on_desk(page).get_attribute("data-lc-card") or "")
    page.keyboard.press("t")
    page.keyboard.type("typed while", delay=20)
    expect(page.locator('[data-testid="stMain"] .lc-desk-frame')).to_be_attached()
    page.keyboard.type(" it came", delay=20)
    assert len(lines) > 1
    assert urlsplit(page.url).path == "/review"
    expect(on_desk(page, "[name=note]")).to_have_value("typed while it came")
    expect(page.locator(".lc-desk")).to_be_visible()


def test_the_desk_outlives_the_page_around_it(server: Any, page: Page) -> None:
    item_id = pick_first(page, server.url)
    page.keyboard.press("t")
    page.keyboard.type("half of it", delay=20)
    page.evaluate("document.getElementById('root').replaceChildren()")
    page.keyboard.type(", and all", delay=20)
    expect(page.locator(".lc-connection")).to_contain_text("The page around the item has stopped")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(on_desk(page)).not_to_have_attribute("data-lc-card", item_id)
    wait_until_saved(page)
    query = "select label, note from annotation where item_id = ?"
    said = server.database().cursor().execute(query, [item_id]).fetchall()
    assert said == [("no", "half of it, and all")]


def test_a_word_whose_first_key_came_too_early_is_no_command(server: Any, page: Page) -> None:
    item_id = pick_first(page, server.url)
    # Enter, the key of the note before the next item was painted, and on as fast as one types: from
    # within the page, since the way to it takes longer next to other tests.
    page.evaluate(
        """async () => {
          const press = (key) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true }));
          ["Enter", "t"].forEach(press);
          for (const key of "undo, skip this") {
            await new Promise((done) => setTimeout(done, 30));
            press(key);
          }
        }"""
    )
    second = on_desk(page).get_attribute("data-lc-card") or ""
    assert second != item_id
    expect(on_desk(page, '[role="radio"][aria-checked="true"]')).to_have_count(0)
    wait_for_card(page, second)
    page.keyboard.press("t")
    page.keyboard.type("meant for it", delay=20)
    expect(on_desk(page, "[name=note]")).to_have_value("meant for it")
    wait_until_saved(page)
    query = "select item_id, label from annotation"
    assert server.database().cursor().execute(query).fetchall() == [(item_id, "no")]
