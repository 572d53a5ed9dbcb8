"""What a person may do at the desk beyond labelling: mark words, choose keys, get them back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.review.annotations import list_annotations
from db.viewer import EVERYTHING
from tests.support.browser import on_desk, open_desk, wait_for_card, wait_until_saved
from tests.support.records import make_answer, make_item, make_run

pytestmark = pytest.mark.browser

ANSWER = (
    "## Reasoning\r\n\r\n- **Aspirin** \N{PILL} helps\u200b most.\r\n- It harms a few.\r\n\r\n"
    "يساعد الدواء المرضى. So the answer is yes.\r\n"
)
"""Markdown, a character of two UTF-16 units, an invisible one, CRLF and two directions."""


def seed(database: Database) -> None:
    """Fill a database with three items whose answers are hard to count in."""
    with database.transaction() as cur:
        names = ("q-01", "q-02", "q-03")
        add_items(cur, [make_item(name, gold_label="no") for name in names], origin="items")
        add_run(cur, make_run())
        at = ANSWER.rindex("yes")
        place = {"answer_start": at, "answer_end": at + 3}
        add_predictions(cur, [make_answer(name, ANSWER, "yes", **place) for name in names])


def select(page: Page, first: str, last: str) -> None:
    """Select with the mouse from the beginning of one word to the end of another."""
    box = """([word, isEnd]) => {
        const walker = document.createTreeWalker(document.querySelector(
            ".lc-card:not([hidden]) .lc-answer-text"), NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const at = walker.currentNode.data.indexOf(word);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + word.length);
            const box = range.getBoundingClientRect();
            return [isEnd ? box.right : box.left, (box.top + box.bottom) / 2];
        }
    }"""
    page.mouse.move(*page.evaluate(box, [first, False]))
    page.mouse.down()
    page.mouse.move(*page.evaluate(box, [last, True]), steps=5)
    page.mouse.up()


def test_words_marked_with_mouse_or_keys_are_stored_as_characters_of_the_answer(
    serve: Any, page: Page
) -> None:
    server = serve(seed)
    open_desk(page, f"{server.url}/review?item=q-01")
    marked = on_desk(page, ".lc-marked")

    # With the mouse, through bold, an emoji, an invisible character and the sign of a list.
    select(page, "Aspirin", "harms")
    page.keyboard.press("v")
    on_desk(page, ".lc-more").get_by_role("button", name="Mark in the answer").click()
    expect(marked).to_have_text("Aspirin** \N{PILL} helps\u200b most.\r\n- It harms")
    assert page.evaluate("CSS.highlights.get('lc-support').size") == 1
    page.wait_for_timeout(600)  # the draft is on its way
    page.reload()
    wait_for_card(page, "q-01")
    page.keyboard.press("v")
    expect(marked).to_have_text("Aspirin** \N{PILL} helps\u200b most.\r\n- It harms")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    wait_until_saved(page)
    page.keyboard.press("u")
    wait_for_card(page, "q-01")
    expect(marked).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")

    # With keys: the sentence that decided, then the one before; its second word and one further on.
    # The page runs from right to left there, and so does the key.
    page.keyboard.press("h")
    for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowRight", "ArrowRight", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(marked).to_have_text("يساعد الدواء")
    page.keyboard.press("y")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-03")
    page.keyboard.press("h")  # the whole sentence that decided
    page.keyboard.press("Enter")
    page.keyboard.press("y")
    page.keyboard.press("Enter")
    wait_until_saved(page)
    database = server.database()
    texts = []
    for item_id in ("q-01", "q-02", "q-03"):
        span = list_annotations(database.cursor(), item_id, EVERYTHING)[-1].judgement.span
        assert span is not None
        texts.append(ANSWER[span.start : span.end])
    assert texts == [
        "Aspirin** \N{PILL} helps\u200b most.\r\n- It harms",
        "يساعد الدواء",
        "So the answer is yes.",
    ]


def test_a_person_has_their_own_keys_on_every_machine_and_reads_when_keys_are_off(
    serve: Any, chromium: Browser, page: Page
) -> None:
    server = serve(seed)
    open_desk(page, f"{server.url}/review?item=q-01")
    page.keyboard.press("?")
    told = on_desk(page, ".lc-help-panel [role=status]")

    def ask_for(command: str, key: str) -> None:
        on_desk(page, f'[data-lc-rekey="{command}"]').click()
        expect(told).to_contain_text("Press the new key")
        page.keyboard.press(key)

    ask_for("flag", "s")
    expect(told).to_contain_text("S is taken by “Skip")
    ask_for("flag", "7")
    expect(told).to_contain_text("digits pick labels")
    ask_for("flag", "n")
    expect(told).to_contain_text("N now does this: Flag")
    expect(on_desk(page, '[data-lc-command="flag"] kbd')).to_have_text("Shift N")
    page.keyboard.press("Escape")
    page.keyboard.press("n")  # the label wins
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()

    other = chromium.new_context().new_page()
    open_desk(other, f"{server.url}/review?item=q-02", "q-02")
    other.keyboard.press("Shift+N")
    expect(on_desk(other, '[data-lc-command="flag"]')).to_contain_text("Unflag")
    other.context.close()

    off = on_desk(page, ".lc-keys-off")
    for take_back in (off.click, lambda: page.keyboard.press("Escape")):
        expect(off).to_be_hidden()
        page.get_by_role("link", name="Items").focus()
        expect(off).to_be_visible()
        take_back()
        page.keyboard.press("y")
        expect(page.get_by_role("radio", name="yes", exact=True)).to_be_checked()
        page.keyboard.press("n")
    page.keyboard.press("?")
    on_desk(page, "[data-lc-reset-keys]").click()
    expect(on_desk(page, '[data-lc-command="flag"] kbd')).to_have_text("F")


def test_every_button_of_details_has_a_key(serve: Any, page: Page) -> None:
    server = serve(seed)
    open_desk(page, f"{server.url}/?item=q-01")
    for key in ("x", "2", "x", "1", "r", "1", "k", "2", "k", "3", "l", "n"):
        page.keyboard.press(key)
    page.keyboard.press("x")
    page.keyboard.press("9")  # no button has it, and no label is picked while one is asked for
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    page.keyboard.press("h")
    page.keyboard.press("Enter")
    expect(on_desk(page, ".lc-marked")).to_be_visible()
    page.keyboard.press("Delete")
    expect(on_desk(page, ".lc-marked")).to_be_hidden()
    keyless = (
        "buttons => buttons.filter(one => !one.querySelector('kbd')).map(one => one.innerText)"
    )
    shown = on_desk(page, "button:not(.lc-help *, .lc-keys-off):visible")
    assert shown.evaluate_all(keyless) == []
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    wait_until_saved(page)
    judgement = list_annotations(server.database().cursor(), "q-01", EVERYTHING)[-1].judgement
    assert judgement.labels == ("yes", "no")
    assert len(judgement.verdicts) == 2
    assert (judgement.severity, judgement.confidence) == ("minor", "high")
    assert judgement.span is None


def test_leaving_keeps_the_words_just_typed_and_a_second_tab_is_reported(
    serve: Any, page: Page
) -> None:
    server = serve(seed)
    open_desk(page, f"{server.url}/review?item=q-01")
    tabs = page.locator(".lc-tabs")
    expect(tabs).to_have_count(0)
    other = page.context.new_page()
    open_desk(other, f"{server.url}/review?item=q-02", "q-02")
    expect(tabs).to_contain_text("open in another tab")
    expect(other.locator(".lc-tabs")).to_contain_text("open in another tab")
    other.keyboard.press("t")
    other.keyboard.type("typed a moment ago")
    other.goto("about:blank")  # sooner than a pause in typing sends the draft
    expect(tabs).to_have_count(0)
    other.close()
    open_desk(page, f"{server.url}/review?item=q-02", "q-02")
    expect(on_desk(page, "textarea[name=note]")).to_have_value("typed a moment ago")
