"""A server that is gone: every page says so in the app's own words, and comes back on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from db.connection import Database

pytestmark = pytest.mark.browser
WAIT_MS = 40_000
PAGES: dict[str, Literal["light", "dark"]] = {"/items": "dark", "/glossary": "light"}
NUM_FAILED = 8
"""Failed attempts to connect; Streamlit's dialog comes with the sixth."""
STREAMLIT = ("streamlit run", "yourscript", "Streamlit", "Connection error")


def test_a_lost_server_is_reported_in_our_words(
    serve: Callable[..., Any],
    chromium: Browser,
    connect: Callable[[Any], Any],
    review_seed: Callable[[Database], None],
) -> None:
    line = connect(serve(review_seed))
    pages: list[tuple[Page, list[str]]] = []
    for path, scheme in PAGES.items():
        page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        page.goto(f"{line.url}{path}")
        expect(page.locator("html[data-lc-watching]")).to_be_attached()
        expect(page.locator(".lc-connection-texts")).to_be_attached()
        failed: list[str] = []
        page.on("requestfailed", lambda request, failed=failed: failed.append(request.url))
        pages.append((page, failed))
    line.cut()
    for page, failed in pages:
        page.bring_to_front()
        notice = page.locator(".lc-connection")
        expect(notice).to_contain_text("The connection is lost", timeout=WAIT_MS)
        expect(notice).to_contain_text("the server does not answer", timeout=WAIT_MS)
        while len(failed) < NUM_FAILED:
            page.wait_for_event("requestfailed", timeout=WAIT_MS)
        expect(page.get_by_role("dialog")).to_have_count(0)
        shown = page.locator("body").inner_text()
        assert not [text for text in STREAMLIT if text in shown]
        expect(notice).to_be_in_viewport(ratio=1)
    line.restore()
    for page, _ in pages:
        expect(page.locator(".lc-connection")).to_contain_text(
            "The connection is back", timeout=WAIT_MS
        )
        page.close()
