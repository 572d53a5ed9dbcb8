"""Every page read by axe-core, in light and dark: nothing serious or moderate is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from db.connection import Database
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.people.sign_in import sign_in_by_name
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from tests.support.annotations import annotate
from tests.support.browser import on_desk, wait_for_card
from tests.support.records import make_answer, make_run

pytestmark = pytest.mark.browser
axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")


def press(role: Any, name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role(role, name=name).first.click()


FADE_IN = """() => document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .forEach((one) => one.finish())"""
"""Colours while something fades in are not those that are read. One that is paused never ends."""


def label(page: Page) -> None:
    wait_for_card(page, "q-01")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    wait_for_card(page, "q-02")
    on_desk(page, '[data-lc-command="details"]').click()
    on_desk(page, ".lc-more").wait_for()


PAGES: dict[str, Callable[[Page], None] | None] = {
    "": None,
    "review?reviewer=Ann": label,
    "queues": press("button", "Create a queue"),
    "items": press("button", "Create a queue"),
    "agreement": None,
    "agreement?part=adjudicate": press("radio", "yes"),
    "quality": press("radio", "Slices"),
    "quality?errors_section=Confidence": press("radio", "Confusion"),
    "quality?part=compare": press("radio", "All runs"),
    "training": press("radio", "Adapter and head"),
    "training?part=data": None,
    "training?part=models": None,
    "training?part=lineage": None,
    "settings": None,
    "settings?part=label_sets": None,
    "settings?part=guidelines": None,
    "settings?part=people": None,
    "settings?part=programs": None,
    "settings?part=project": None,
    "glossary": None,
    "nonsense": None,
}
"""What is done on each page, once it has been read as it is."""
Scheme = Literal["light", "dark"]
RULES: dict[Scheme, dict[str, Any]] = {
    "light": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""In the dark a page differs in its colours alone."""
RUN = """async (rules) => (await axe.run(document, {runOnly: rules}))
    .violations.filter((found) => found.impact !== "minor")
    .map((found) => [found.id, ...found.nodes.map((node) => node.html.slice(0, 160))])"""
# axe-core does not look into drawings. What stands on a mark has the mark's colour behind it.
CHARTS = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const over = (front, share, back) => front.map((one, i) => one * share + back[i] * (1 - share));
  const light = (colour) => colour.map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = parts(getComputedStyle(at).backgroundColor);
      if ((found[3] ?? 1) === 1) return found;
    }
    return [255, 255, 255];
  };
  const texts = ":is(.xtick, .ytick, .legend, .infolayer) text";
  return [...document.querySelectorAll(`.js-plotly-plot svg ${texts}`)].flatMap((text) => {
    const page = behind(text.closest(".js-plotly-plot"));
    const box = text.closest(".legend")?.querySelector(".bg");
    const own = box && getComputedStyle(box);
    const back = own ? over(parts(own.fill).slice(0, 3), own.fillOpacity, page) : page;
    const style = getComputedStyle(text);
    const [r, g, b, a = 1] = parts(style.fill);
    const share = a * style.fillOpacity * style.opacity;
    const [one, other] = [light(over([r, g, b], share, back)), light(back)];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    return ratio >= 4.5 ? [] : [["chart", text.textContent, style.fill, ratio.toFixed(2)]];
  });
}"""


def fill(database: Database, review_seed: Callable[[Database], None]) -> None:
    """Fill a database with two runs, two people who differ, and a queue."""
    review_seed(database)
    with database.transaction() as cur:
        chief = sign_in_by_name(cur, "Reviewer 1").reviewer_id
        add_run(cur, make_run("second"))
        answers = {f"q-{number:02d}": "no" if number < 5 else "yes" for number in range(1, 13)}
        add_predictions(
            cur, [make_answer(item_id, one, one, "second") for item_id, one in answers.items()]
        )
        add_queue(cur, QueueSettings("First", ReviewFilter()), queue_id="queue", created_by=chief)
        for item_id in ("q-10", "q-11", "q-12"):
            annotate(cur, "Ann", item_id, "no")
            annotate(cur, "Bob", item_id, "maybe")


def wait_until_drawn(page: Page, scheme: str) -> None:
    """Wait until all of a page is there, in the colours asked for."""
    expect(page.locator("h1")).to_have_count(1)
    app = page.get_by_test_id("stApp")
    if app.count() == 0:  # a page without Streamlit
        return
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    expect(app).to_have_css("color-scheme", scheme)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    expect(page.locator('[data-stale="true"]')).to_have_count(0)
    expect(page.locator(".js-plotly-plot:not(:has(svg))")).to_have_count(0)
    page.evaluate(FADE_IN)


def read(page: Page, where: str) -> Iterator[str]:
    """Yield the faults of a page as it is, in light and in the dark."""
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme=scheme)
        wait_until_drawn(page, scheme)
        for _ in range(10):
            faults = page.evaluate(RUN, rules) + page.evaluate(CHARTS)
            if not faults:
                break
            page.wait_for_timeout(500)  # what changes colours is drawn a moment later
            wait_until_drawn(page, scheme)
        yield from (f"{where} in {scheme}: {fault}" for fault in faults)


@pytest.mark.parametrize("half", [0, 1])
def test_no_page_has_a_serious_or_moderate_fault(
    serve: Callable[..., Any],
    review_seed: Callable[[Database], None],
    page: Page,
    half: int,
) -> None:
    server = serve(lambda database: fill(database, review_seed))
    script = Path(str(files("axe_playwright_python") / "axe.min.js")).read_text("utf-8")
    found: list[str] = []
    for address, act in list(PAGES.items())[half::2]:
        page.goto(f"{server.url}/{address}")
        wait_until_drawn(page, "light")
        page.evaluate(script)
        found += read(page, address)
        if act is not None:
            page.emulate_media(color_scheme="light")
            wait_until_drawn(page, "light")
            act(page)
            found += read(page, f"{address} after its action")
        page.emulate_media(color_scheme="light")
    assert not found, "\n".join(found)
