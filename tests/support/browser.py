"""What a browser test does with a field or the review desk, as patiently as a person does it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

TRIES = 5
TRY_MS = 4_000
CARD = ".lc-card:not([hidden])"
"""The item on the desk; those ahead are in the page, hidden."""


def choose_option(page: Page, field: str, option: str) -> None:
    """Pick ``option`` of the select box ``field`` with the mouse.

    A redraw of the page that was asked for just before closes an open list of options; a person
    opens it again, and so does this.
    """
    options = page.get_by_role("option")
    for attempt in range(1, TRIES + 1):
        try:
            if options.count() == 0:
                page.get_by_role("combobox", name=field, exact=True).click(timeout=TRY_MS)
            page.get_by_role("option", name=option, exact=True).click(timeout=TRY_MS)
            expect(page.get_by_role("combobox", name=field, exact=True)).to_have_value(
                option, timeout=TRY_MS
            )
            break
        except (PlaywrightTimeoutError, AssertionError):
            if attempt == TRIES:
                raise
    expect(options).to_have_count(0)


def on_desk(page: Page, what: str = "") -> Locator:
    """Return something of the item on the desk, or its card."""
    return page.locator(f"{CARD} {what}".strip())


def wait_for_card(page: Page, item_id: str) -> None:
    """Wait until the desk shows an item and takes keys for it."""
    expect(page.locator(f'{CARD}[data-lc-card="{item_id}"]')).to_be_visible()
    expect(page.locator(f'.lc-desk[data-lc-ready="{item_id}"]')).to_be_attached()


def open_desk(page: Page, url: str, item_id: str = "q-01") -> None:
    """Open the Review page at an item and wait until the desk has the focus."""
    page.goto(url)
    wait_for_card(page, item_id)
    expect(page.locator(".lc-desk:focus")).to_be_attached()


def wait_until_saved(page: Page) -> None:
    """Wait until the server has confirmed all that was saved."""
    state = page.locator(f":is({CARD}, .lc-ending:not([hidden])) .lc-state")
    expect(state).to_have_text("saved")
