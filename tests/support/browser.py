"""What a browser test does with a field, as patiently as a person does it."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

TRIES = 5
TRY_MS = 4_000


def choose_option(page: Page, field: str, option: str) -> None:
    """Pick ``option`` of the select box ``field`` with the mouse.

    A redraw of the page that was asked for just before closes an open list of options; a person
    opens it again, and so does this.
    """
    options = page.get_by_role("option")
    for attempt in range(1, TRIES + 1):
        try:
            if options.count() == 0:
                page.get_by_role("combobox", name=field).click(timeout=TRY_MS)
            page.get_by_role("option", name=option, exact=True).click(timeout=TRY_MS)
            expect(page.get_by_role("combobox", name=field)).to_have_value(option, timeout=TRY_MS)
            break
        except (PlaywrightTimeoutError, AssertionError):
            if attempt == TRIES:
                raise
    expect(options).to_have_count(0)
