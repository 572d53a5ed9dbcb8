"""A lost connection: the desk goes on, Adjudicate waits, and what is typed is never a command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.people.sign_in import sign_in_by_name
from db.review.adjudications import list_adjudications
from db.review.annotations import list_annotations
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.browser import (
    choose_option,
    on_desk,
    open_desk,
    wait_for_card,
    wait_until_saved,
)

pytestmark = pytest.mark.browser

Serve = Callable[..., Any]
Seed = Callable[[Database], None]
Connect = Callable[[Any], Any]

SENTENCE = "yes, but see above"
"""Letters of this pick labels, skip and undo where they are taken for keys."""
NUM_FAILED = 8
LATER_MS = 1500
"""Long enough for a press that waits to be played after all."""


def open_review(page: Page, url: str) -> None:
    """Open the desk and wait until items ahead are in the browser."""
    open_desk(page, f"{url}/review?item=q-01")
    expect(page.locator(".lc-card[hidden]").nth(3)).to_be_attached()


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
    line.restore()
    wait_until(page, "CONNECTED")
    page.wait_for_timeout(LATER_MS)


def assert_untouched(page: Page, item_id: str = "q-01") -> None:
    expect(page.locator(f'[data-lc-item="{item_id}"]:not(.lc-card[hidden] *)')).to_be_visible()
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()


def labels(server: Any) -> dict[str, tuple[str | None, str]]:
    """Stop the server; return the one label and note of each item that was labelled."""
    cur = server.database().cursor()
    stored = {f"q-{number:02d}": [] for number in range(1, 13)}
    for item_id in stored:
        stored[item_id] = list_annotations(cur, item_id, EVERYTHING)
    assert all(len(annotations) <= 1 for annotations in stored.values())
    return {
        item_id: (annotation.judgement.label, annotation.judgement.note)
        for item_id, annotations in stored.items()
        for annotation in annotations
    }


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_sentence_typed_into_a_note_stays_text_when_the_line_breaks(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect, is_noticed: bool
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line.url)
    pick_second(page)
    page.keyboard.press("t")
    note = on_desk(page, "[name=note]")
    expect(note).to_be_focused()
    page.keyboard.type("Small. ")
    lose(page, line, is_noticed=is_noticed)
    page.keyboard.type(SENTENCE, delay=20)
    assert_untouched(page)
    expect(note).to_have_value(f"Small. {SENTENCE}")
    page.keyboard.press("Control+Enter")
    wait_for_card(page, "q-02")
    expect(on_desk(page, ".lc-state")).to_have_text("waiting to be sent (1)")
    assert "aved" not in on_desk(page, ".lc-controls").inner_text().replace("Save & next", "")
    line.restore()
    wait_until_saved(page)
    assert labels(server) == {"q-01": ("no", f"Small. {SENTENCE}")}


def test_typing_goes_on_while_the_page_tries_to_connect_again(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line.url)
    page.keyboard.press("t")
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    lose(page, line)
    typed = ""
    while len(failed) < NUM_FAILED or len(typed) < 100:  # Streamlit's dialog comes with the sixth
        page.keyboard.type("yes n", delay=40)
        typed += "yes n"
    expect(on_desk(page, "[name=note]")).to_have_value(typed)
    expect(on_desk(page, "[name=note]")).to_be_focused()
    line.restore()
    wait_until(page, "CONNECTED")
    page.keyboard.type(" end")
    expect(on_desk(page, "[name=note]")).to_have_value(f"{typed} end")
    assert labels(server) == {}


def test_the_desk_goes_on_while_the_server_is_killed_and_started_again(
    serve: Serve, review_seed: Seed, page: Page
) -> None:
    server = serve(review_seed)
    open_review(page, server.url)
    server.process.kill()
    server.process.wait()
    for number in (1, 2, 3):
        wait_for_card(page, f"q-{number:02d}")
        page.keyboard.press("y")
        page.keyboard.press("Enter")
    wait_for_card(page, "q-04")
    page.keyboard.press("t")
    page.keyboard.type("half a thought")
    expect(on_desk(page, ".lc-state")).to_have_text("waiting to be sent (3)")
    server.restart()
    wait_until_saved(page)
    wait_until(page, "CONNECTED")
    expect(on_desk(page, "[name=note]")).to_have_value("half a thought")
    page.keyboard.type(", whole")
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-05")
    wait_until_saved(page)
    assert labels(server) == {
        **{f"q-{number:02d}": ("yes", "") for number in (1, 2, 3)},
        "q-04": ("maybe", "half a thought, whole"),
    }


def test_what_waits_survives_a_reload_of_the_page(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line.url)
    line.hold()
    pick_second(page)
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    expect(on_desk(page, ".lc-state")).to_have_text("waiting to be sent (1)")
    line.cut()
    line.restore()
    page.reload()
    wait_for_card(page, "q-02")
    expect(on_desk(page, ".lc-progress")).to_contain_text("1 of 13")
    assert labels(server) == {"q-01": ("no", "")}


def test_a_label_that_something_newer_stands_against_is_asked_about(
    serve: Serve, review_seed: Seed, page: Page, connect: Connect
) -> None:
    server = serve(review_seed)
    line = connect(server)
    open_review(page, line.url)
    lose(page, line)
    pick_second(page)
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    other = page.context.new_page()
    # Another origin: it knows nothing of the first.
    open_desk(other, f"{server.url}/review?item=q-01")
    other.keyboard.press("y")
    other.keyboard.press("Enter")
    wait_until_saved(other)
    line.restore()
    page.bring_to_front()
    decisions = page.locator(".lc-decisions")
    expect(decisions).to_contain_text("q-01: no.")
    expect(on_desk(page, ".lc-state")).to_have_text("needs your decision (1)")
    page.get_by_role("button", name="Keep what is stored").click()
    expect(decisions).to_have_count(0)
    assert labels(server) == {"q-01": ("yes", "")}


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
    note = page.locator('[class*="st-key-adjudicate_note_"] textarea')
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
