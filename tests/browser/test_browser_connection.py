"""A lost connection: keys do nothing until it is back, and what is typed is never a command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from db.connection import Database
from db.people.sign_in import sign_in_by_name
from db.review.adjudications import list_adjudications
from db.review.annotations import list_annotations
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.browser import choose_option

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
Seed = Callable[[Database], None]
Connect = Callable[[Any], Any]

SENTENCE = "yes, but see above"
"""Letters of this pick labels, skip and undo where they are taken for keys."""
LOST = '.lc-connection:has-text("connection is lost")'
LATER_MS = 1500
"""Long enough for a press that waits to be played after all."""


def open_review(page: Page, line: Any) -> None:
    page.goto(f"{line.url}/?item=q-01")
    expect(page.locator("html[data-lc-listening]")).to_be_attached()
    expect(page.locator('.lc-marker[data-lc-on="q-01"]')).to_be_attached()


def pick_second(page: Page) -> None:
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()


def wait_until(page: Page, state: str) -> None:
    found = page.locator(f'[data-testid="stApp"][data-test-connection-state="{state}"]')
    expect(found).to_be_attached()


def lose(page: Page, line: Any, *, is_noticed: bool = True) -> None:
    line.cut()
    if is_noticed:
        expect(page.locator('[data-test-connection-state="CONNECTED"]')).to_have_count(0)


def get_back(page: Page, line: Any) -> None:
    line.mend()
    wait_until(page, "CONNECTED")
    page.wait_for_timeout(LATER_MS)


def assert_untouched(page: Page, item_id: str = "q-01") -> None:
    expect(page.locator(f'[data-lc-item="{item_id}"]')).to_be_visible()
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()


def note_of(page: Page, name: str) -> Locator:
    return page.locator(f'[class*="st-key-{name}_note_"] textarea')


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_sentence_typed_into_a_note_stays_text_when_the_line_breaks(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect, is_noticed: bool
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line)
    pick_second(page)
    page.keyboard.press("t")
    note = note_of(page, "review")
    expect(note).to_be_focused()
    with page.expect_response("**/review/draft"):
        page.keyboard.type("Small. ")
    expect(page.locator(".lc-draft")).to_have_text("Draft saved")

    lose(page, line, is_noticed=is_noticed)
    page.keyboard.type(SENTENCE, delay=20)
    page.keyboard.press("Control+Enter")
    draft, notice = (page.locator(name).all_inner_texts() for name in (".lc-draft", LOST))
    get_back(page, line)
    assert_untouched(page)
    assert draft != ["Draft saved"]
    assert notice
    expect(page.locator(".lc-connection")).to_contain_text("connection is back")
    expect(note).to_be_focused()
    assert note.input_value().startswith("Small. ")
    page.keyboard.press("Control+A")
    page.keyboard.type("Small, yes.")
    page.keyboard.press("Control+Enter")
    expect(page.locator('.lc-marker[data-lc-on="q-02"]')).to_be_attached()
    expect(page.locator(".lc-connection")).to_be_empty()
    cur = server.database().cursor()
    assert [
        (one.judgement.label, one.judgement.note)
        for one in list_annotations(cur, "q-01", EVERYTHING)
    ] == [("no", "Small, yes.")]
    assert list_annotations(cur, "q-02", EVERYTHING) == []


def test_keys_pressed_while_the_line_is_down_are_never_played(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line)
    pick_second(page)
    lose(page, line)
    for key in ("y", "Enter", "s", "ArrowRight", "f", "v", "t", "u", "Control+Enter"):
        page.keyboard.press(key)
    get_back(page, line)
    assert_untouched(page)
    expect(page.get_by_role("button", name="Flag")).to_have_count(1)
    expect(page.locator(".st-key-review_more")).to_have_count(0)
    page.keyboard.press("Enter")  # keys work again without a click
    expect(page.locator('.lc-marker[data-lc-on="q-02"]')).to_be_attached()
    cur = server.database().cursor()
    assert [one.judgement.label for one in list_annotations(cur, "q-01", EVERYTHING)] == ["no"]


def test_presses_that_wait_for_a_draw_are_dropped_when_the_line_breaks(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line)
    page.keyboard.press("f")  # after a draw of its part Streamlit draws the page when it is back
    expect(page.locator(".lc-line")).to_contain_text("Flagged q-01.")
    pick_second(page)
    line.hold()
    page.keyboard.press("f")  # on its way for good: what comes after waits for the answer
    for key in ("y", "Enter"):
        page.keyboard.press(key)
    lose(page, line)
    get_back(page, line)
    assert_untouched(page)
    assert list_annotations(server.database().cursor(), "q-01", EVERYTHING) == []


def test_text_kept_by_nobody_is_kept_when_the_line_is_back(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line)
    page.keyboard.press("t")
    expect(note_of(page, "review")).to_be_focused()
    line.hold()
    page.keyboard.type("On its way.")
    page.wait_for_timeout(600)  # sent, and not answered
    expect(page.locator(".lc-draft")).not_to_have_text("Draft saved")
    lose(page, line)
    get_back(page, line)
    expect(note_of(page, "review")).to_have_value("On its way.")
    expect(page.locator(".lc-draft")).to_have_text("Draft saved")
    page.reload()
    expect(note_of(page, "review")).to_have_value("On its way.")


def add_dispute(database: Database, review_seed: Seed) -> None:
    """Fill a database with one item on which two people differ."""
    review_seed(database)
    with database.transaction() as cur:
        sign_in_by_name(cur, "Reviewer 1")
        for who, label in (("Ann", "yes"), ("Bob", "no")):
            annotate(
                cur,
                who,
                "q-01",
                label,
                created_at=datetime(2026, 3, 1, tzinfo=UTC),
            )


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_note_on_a_decision_stays_text_when_the_line_breaks(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect, is_noticed: bool
) -> None:
    server = serve(lambda database: add_dispute(database, review_seed))
    line = connect(server)
    page.goto(f"{line.url}/adjudicate")
    expect(page.locator("html[data-lc-listening-adjudicate]")).to_be_attached()
    expect(page.locator('.lc-adjudicate-marker[data-lc-on="q-01"]')).to_be_attached()
    choose_option(page, "Reason for the disagreement", "Information is missing")
    page.keyboard.press("Escape")
    pick_second(page)
    page.keyboard.press("t")
    note = note_of(page, "adjudicate")
    expect(note).to_be_focused()
    page.keyboard.type("Small. ")

    lose(page, line, is_noticed=is_noticed)
    page.keyboard.type(SENTENCE, delay=20)
    page.keyboard.press("Control+Enter")
    expect(page.locator('[data-test-connection-state="CONNECTED"]')).to_have_count(0)
    get_back(page, line)
    assert_untouched(page)
    expect(page.locator(".lc-connection")).to_contain_text("connection is back")
    expect(note).to_be_focused()
    assert note.input_value().startswith("Small. ")
    assert list_adjudications(server.database().cursor(), "q-01", EVERYTHING) == []
