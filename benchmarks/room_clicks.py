"""What six pieces of work cost by hand: clicks, keys and seconds, on the demo with three people."""

from __future__ import annotations

import os
import re
import runpy
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from history import Measured
from measuring import ROOT
from playwright.sync_api import Browser, Locator, Page
from served_app import serving

WAIT_MS: Final = 300_000
"""A refit on two shared cores takes minutes."""
BEFORE: Final = {
    "a blind queue for three people": 21,
    "the worst slice to review": 8,
    "corrections out": 7,
    "refit, and see what changed": 4,
    "adjudicate five items": 55,
    "compare two runs": 5,
}
"""Clicks, or keys, with thirteen pages; counted by hand in November 2026 from the first page on."""
PEOPLE: Final = ("Dr Amara Osei", "Dr Lena Vogt", "Dr Tomas Rey")
_ROW: Final = {"x": 16, "y": 52}
"""The box of the first row of a table."""


class Hand:
    """A person at the page: counts the clicks and keys of one piece of work, and its seconds."""

    def __init__(self, page: Page) -> None:
        self.page, self.count, self._begun = page, 0, time.perf_counter()

    def click(self, what: Locator, **how: dict[str, int]) -> None:
        """Click once."""
        what.click(**how)  # type: ignore[arg-type]
        self.count += 1

    def go(self, room: str) -> None:
        """Click a room in the navigation."""
        self.click(self.page.get_by_role("link", name=room, exact=True))

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.count += 1

    def done(self, what: str, unit: str = "clicks") -> list[Measured]:
        """Return what the work took."""
        limit, seconds = BEFORE[what] / 2, time.perf_counter() - self._begun
        note = f"before: {BEFORE[what]}"
        section = "By hand"
        return [
            Measured(what, unit, self.count, "", at_most=limit, note=note, section=section),
            Measured(what, "time", seconds, "s", section=section),
        ]


def measure_clicks(browser: Browser) -> list[Measured]:
    """Do each piece of work once, from the first page on, in a fresh tab."""
    figures: list[Measured] = []
    work: tuple[Callable[[Hand], list[Measured]], ...] = (
        *(_make_queue, _review_slice, _export, _adjudicate, _refit, _compare),
    )
    with _demo() as home, serving(home, OMP_NUM_THREADS="1") as server:
        for one in work:
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.set_default_timeout(WAIT_MS)
            page.goto(server.url)
            page.locator("ol.lc-funnel").wait_for()
            figures += one(Hand(page))
            page.context.close()
    return figures


@contextmanager
def _demo() -> Iterator[Path]:
    """Fill a home folder as for the screenshots of the guide."""
    with tempfile.TemporaryDirectory(prefix="room-clicks-") as folder:
        before = os.environ.get("LLAMACARE_HOME")
        os.environ["LLAMACARE_HOME"] = folder
        try:
            runpy.run_path(str(ROOT / "docs" / "screenshots" / "seed.py"), run_name="__main__")
        finally:
            os.environ.pop("LLAMACARE_HOME")
            if before is not None:
                os.environ["LLAMACARE_HOME"] = before
        yield Path(folder)


def _make_queue(hand: Hand) -> list[Measured]:
    page = hand.page
    hand.go("Queues")
    hand.click(page.get_by_role("button", name="Create a queue"))
    hand.click(page.get_by_role("combobox", name="Reviewers"))
    for name in PEOPLE:
        hand.click(page.get_by_role("option", name=name, exact=True))
    hand.press("Escape")
    hand.click(page.get_by_role("button", name="Create queue", exact=True))
    page.get_by_text("Created the queue").wait_for()
    return hand.done("a blind queue for three people")


def _review_slice(hand: Hand) -> list[Measured]:
    page = hand.page
    hand.go("Quality")
    hand.click(page.get_by_role("radio", name="Slices"))
    hand.click(page.locator(".st-key-errors_slice_table .dvn-scroller"), position=_ROW)
    page.get_by_role("button", name="Save as a slice").wait_for()  # something is chosen
    hand.click(page.locator(".st-key-errors_queue_review button"))
    page.locator(".lc-card:not([hidden])").wait_for()
    return hand.done("the worst slice to review")


def _export(hand: Hand) -> list[Measured]:
    page = hand.page
    hand.go("Settings")
    with page.expect_download():
        hand.click(page.locator(".st-key-data_download button"))
    return hand.done("corrections out")


def _adjudicate(hand: Hand) -> list[Measured]:
    page = hand.page
    hand.go("Agreement")
    hand.click(page.get_by_role("radio", name="Adjudicate"))
    page.locator("html[data-lc-listening-adjudicate]").wait_for(state="attached")
    for _ in range(5):
        question = page.locator("h2.lc-question, h2.lc-case").first.inner_text()
        hand.press("1", "w", "ArrowDown", "Enter", "Enter")
        page.wait_for_function(
            "(was) => document.querySelector('h2.lc-question, h2.lc-case').innerText !== was",
            arg=question,
        )
    return hand.done("adjudicate five items", "clicks and keys")


def _refit(hand: Hand) -> list[Measured]:
    page = hand.page
    hand.go("Training")
    find = r"document.body.innerText.match(/\d{8}-\d{6}-refit-[0-9a-f]{4}/)?.[0]"
    page.locator(".st-key-training_source").wait_for()
    before = page.evaluate(find)
    hand.click(page.locator(".st-key-training_retrain button"))
    page.wait_for_function(f"before => {find} !== before", arg=before)
    page.get_by_text("Finished").wait_for()
    page.locator(".st-key-training_compare").wait_for()  # below what was fixed and broken
    return hand.done("refit, and see what changed")


def _compare(hand: Hand) -> list[Measured]:
    page = hand.page
    hand.go("Quality")
    hand.click(page.get_by_role("radio", name="Compare runs"))
    page.get_by_role("radio", name=re.compile(r"Fixed \(")).wait_for()
    return hand.done("compare two runs")
