"""Reviewing by keyboard in a real browser against a real server and database file."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.people.reviewers import add_reviewer, list_reviewers
from db.people.sign_in import sign_in_by_name
from db.records import Annotation
from db.review.annotations import list_annotations
from db.review.drafts import find_draft
from db.review.settings import ReviewSettings, save_settings
from db.viewer import EVERYTHING
from tests.support.browser import on_desk, open_desk, wait_for_card, wait_until_saved
from tests.support.records import make_item, make_prediction, make_run

pytestmark = pytest.mark.browser

ZONE = "Asia/Tokyo"
"""The zone of the reviewer's browser; the server's is UTC."""
Serve = Callable[[Callable[[Database], None]], Any]

# Notes each key press with the question on screen at that moment, before the page handles it.
LOG_KEYS = """
window.presses = [];
window.addEventListener("keydown", (event) => {
  const card = document.querySelector(".lc-card:not([hidden])");
  window.presses.push([event.key, card ? card.dataset.lcCard : null]);
}, true);
"""


def standing(database: Database) -> dict[str, Annotation]:
    """Return the annotation of each item; each has one reviewer here, and nothing
    was taken back."""
    cur = database.cursor()
    query = "select item_id from standing_annotation where origin = 'review' order by item_id"
    ids = [item_id for (item_id,) in cur.execute(query).fetchall()]
    return {item_id: list_annotations(cur, item_id, EVERYTHING)[-1] for item_id in ids}


def test_three_corrections_by_keyboard_survive_a_reload(
    serve: Serve, review_seed: Callable[[Database], None], page: Page
) -> None:
    def seed(database: Database) -> None:
        review_seed(database)
        with database.transaction() as cur:
            sign_in_by_name(cur, "Dr. Okafor")

    server = serve(seed)
    emulated = page.context.new_cdp_session(page)
    emulated.send("Emulation.setTimezoneOverride", {"timezoneId": ZONE})
    open_desk(page, f"{server.url}/review?reviewer=Dr.%20Okafor")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    expect(on_desk(page, ".lc-line")).to_contain_text("Saved no for q-01.")
    page.keyboard.press("3")
    page.keyboard.press("t")
    page.keyboard.type("Too small a trial.")
    page.keyboard.press("Control+Enter")
    wait_for_card(page, "q-03")
    page.keyboard.press("y")
    page.keyboard.press("w")
    expect(on_desk(page, "[name=corrected]")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Yes, but c and s need no key here.")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-04")
    wait_until_saved(page)
    page.reload()
    wait_for_card(page, "q-04")
    expect(on_desk(page, ".lc-progress")).to_contain_text("3 of 13 reviewed")
    page.keyboard.press("ArrowLeft")
    wait_for_card(page, "q-03")
    expect(page.get_by_role("radio", name="yes", exact=True)).to_be_checked()
    expect(on_desk(page, ".lc-history")).to_contain_text("Dr. Okafor no → yes")
    labelled = on_desk(page, ".lc-history time").first
    stored_at = datetime.fromisoformat(labelled.get_attribute("datetime") or "")
    at = stored_at.astimezone(ZoneInfo(ZONE))
    expect(labelled).to_have_text(f"{at:%Y-%m-%d %H:%M}")
    page.keyboard.press("ArrowLeft")
    wait_for_card(page, "q-02")
    expect(on_desk(page, ".lc-history")).to_contain_text("Too small a trial.")

    database = server.database()
    stored = standing(database)
    assert {item_id: a.judgement.label for item_id, a in stored.items()} == {
        "q-01": "no",
        "q-02": "maybe",
        "q-03": "yes",
    }
    assert stored["q-02"].judgement.note == "Too small a trial."
    assert stored["q-02"].judgement.answer is None
    assert stored["q-03"].judgement.answer == "Yes, but c and s need no key here."
    assert stored["q-03"].old_answer == "Yes, it helps."
    database.close()


def test_fast_presses_never_label_an_item_that_is_not_on_screen(
    serve: Serve, review_seed: Callable[[Database], None], page: Page
) -> None:
    gaps_ms = {"Ann": 20, "Bob": 60, "Cem": 150}

    def seed(database: Database) -> None:
        review_seed(database)
        with database.transaction() as cur:
            for name in gaps_ms:
                add_reviewer(cur, name)

    server = serve(seed)
    page.add_init_script(LOG_KEYS)
    presses = {}
    for name, gap_ms in gaps_ms.items():
        open_desk(page, f"{server.url}/review?source=pubmedqa&reviewer={name}")
        for _ in range(20):
            for key in ("y", "Enter"):
                page.keyboard.press(key)
                page.wait_for_timeout(gap_ms)
        expect(page.locator(".lc-ending")).to_contain_text("every item in this queue")
        presses[name] = page.evaluate("() => window.presses")
    database = server.database()
    stored = database.cursor().execute(
        "select name, item_id from annotation join reviewer using (reviewer_id)"
    )
    labelled = stored.fetchall()
    assert len(labelled) == len(set(labelled)) == 12 * len(gaps_ms)
    for name, item_id in labelled:
        assert ["y", item_id] in presses[name]
        assert ["Enter", item_id] in presses[name]
    database.close()


def test_skip_undo_help_and_the_letter_c_work_without_the_mouse(
    serve: Serve, review_seed: Callable[[Database], None], page: Page
) -> None:
    server = serve(review_seed)
    open_desk(page, f"{server.url}/review?item=v-01", "v-01")
    page.keyboard.press("c")
    expect(page.get_by_role("radio", name="C", exact=True)).to_be_checked()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    wait_for_card(page, "q-01")
    page.keyboard.press("Enter")
    expect(on_desk(page, ".lc-line")).to_contain_text("Choose a label before saving")
    page.keyboard.press("u")
    wait_for_card(page, "v-01")
    expect(on_desk(page, ".lc-history")).to_contain_text("retracted the label")
    page.keyboard.press("?")
    expect(on_desk(page, ".lc-help table")).to_be_visible()
    page.keyboard.press("Escape")
    expect(on_desk(page, ".lc-help table")).to_be_hidden()
    page.keyboard.press("s")
    wait_for_card(page, "q-01")
    database = server.database()
    assert standing(database) == {}
    assert [a.action for a in list_annotations(database.cursor(), "v-01", EVERYTHING)] == [
        "label",
        "retract",
    ]
    database.close()


def test_a_click_in_browse_opens_the_item_and_the_list_is_the_queue(
    serve: Serve, review_seed: Callable[[Database], None], page: Page
) -> None:
    server = serve(review_seed)
    page.goto(f"{server.url}/items?source=pubmedqa")
    expect(page.locator(".lc-count")).to_have_text("12 items")
    table = page.get_by_test_id("stDataFrame")
    expect(table.locator("canvas").first).to_be_visible()
    row_height = 34
    table.click(position={"x": 100, "y": row_height * 3.5})
    wait_for_card(page, "q-03")
    expect(on_desk(page, ".lc-progress")).to_contain_text("Item 3 of 12")
    # All of it is in the address from the first draw on, so that one step back is enough.
    expect(page).to_have_url(re.compile(r"/review\?(?=.*item=q-03)(?=.*source=pubmedqa)"))
    page.go_back()
    expect(page.locator(".lc-count")).to_have_text("12 items")


def fill_with_hostile_text(database: Database) -> None:
    payload = (
        "<script>document.title='taken'</script>"
        "<img src=https://tracker.example/a.png onerror=\"document.title='taken'\">"
        "![x](https://tracker.example/b.png) :green-badge[GOLD yes]"
        "<style>body{display:none}</style><h1>Forged</h1>"
    )
    item = make_item(
        "q-01", question=payload, source=payload, context=(), gold_label="no", long_answer=payload
    )
    run = make_run(name=payload, model=payload)
    with database.transaction() as cur:
        add_items(cur, [item], origin="items")
        add_run(cur, run)
        add_predictions(cur, [make_prediction("q-01", answer=payload, answer_label=None)])


def test_hostile_text_stays_text_and_nothing_leaves_the_machine(serve: Serve, page: Page) -> None:
    server = serve(fill_with_hostile_text)
    hosts: set[str | None] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    open_desk(page, f"{server.url}/review")
    expect(on_desk(page, ".lc-answer-text")).to_contain_text("<h1>Forged</h1>")
    expect(page.locator("h1", has_text="Forged")).to_have_count(0)
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    expect(page.locator(".lc-ending")).to_contain_text("every item in this queue")
    page.keyboard.press("u")
    wait_for_card(page, "q-01")
    page.get_by_role("link", name="Items").click()
    expect(page.locator(".lc-count")).to_have_text("1 item")
    assert "taken" not in page.title()
    assert hosts <= {"localhost", None}


def test_drafts_survive_a_kill_and_nothing_hidden_reaches_the_browser(
    serve: Serve, review_seed: Callable[[Database], None], page: Page
) -> None:
    def blind(database: Database) -> None:
        review_seed(database)
        with database.transaction() as cur:
            admin = add_reviewer(cur, "Ada", "admin").reviewer_id
            save_settings(cur, ReviewSettings("blind"), admin)

    frames: list[str] = []
    page.on("response", lambda answer: answers.append(answer) if "/api/" in answer.url else None)
    answers: list[Any] = []
    page.on(
        "websocket",
        lambda socket: socket.on(
            "framereceived",
            lambda frame: frames.append(
                frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
            ),
        ),
    )
    server = serve(blind)
    open_desk(page, f"{server.url}/review?item=q-01&reviewer=Ada")
    page.keyboard.press("n")
    page.keyboard.press("t")
    with page.expect_response("**/desk/drafts") as answer:
        page.keyboard.type("half a thought")
    assert answer.value.status == 200
    sent = [*frames, *(answer.text() for answer in answers)]
    assert not any("Yes, it helps." in text for text in sent)
    server.process.kill()
    server.process.wait()
    database = server.database()
    ada = next(r for r in list_reviewers(database.cursor()) if r.name == "Ada")
    draft = find_draft(database.cursor(), "q-01", ada.reviewer_id, "blind")
    database.close()
    assert draft is not None
    assert (draft["label"], draft["note"]) == ("no", "half a thought")
