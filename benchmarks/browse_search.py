"""How fast pages open, how fast Items turns, filters and searches, and how fast annotations export.

    python benchmarks/browse_search.py                 # about seven minutes
    python benchmarks/browse_search.py --only-pages    # about three minutes

One real server and one headless Chromium over 200,000 items, 1,000,000 predictions and 100,000
annotations. "Painted" is the second animation frame after the page has finished its run.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from history import Measured
from measuring import make_parser, record, spread
from playwright.sync_api import Page
from scale_database import make
from served_app import chromium, serving

from db.connection import Database
from db.exporters import EXPORT_FORMATS, export_file
from db.review.item_list import ReviewFilter, item_id_array
from db.viewer import EVERYTHING

RUN: Final = "scale-run-02"
WORDS: Final = (
    "sepsis",
    "patients",
    "diabet renal",
    "hypertension diabetes cancer sepsis",
    "cortisol thyroid biopsy",
    "checked table",
    "10150000",
    "nosuchword",
    "ren",
    "lymphoma trial cohort",
)
SHOWS: Final = (
    "Text wrong",
    "Head wrong",
    "Text and head disagree",
    "No label in the text",
    "Reviewers disagree",
    "Not labelled by me",
    "Labelled by me",
    "All items",
)
ROOMS: Final = {
    "Home": ("home",),
    "Review": ("review",),
    "Queues": ("queues",),
    "Items": ("items",),
    "Agreement": ("agreement", "agreement", "adjudicate"),
    "Quality": ("quality", "errors", "compare"),
    "Training": ("training", "runs", "data", "models", "lineage"),
    "Settings": ("settings", "data", "label_sets", "guidelines", "people", "programs", "project"),
}
"""Address of each room by its name in the navigation, and its parts."""
# Resolves with the milliseconds from the next press to the second frame after the run that follows.
WATCH: Final = """
() => new Promise((resolve) => {
  let pressed = null, running = false;
  const app = document.querySelector('[data-testid="stApp"]');
  const press = () => { pressed = pressed ?? performance.now(); };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, press, true);
  new MutationObserver((_, observer) => {
    if (pressed === null) return;
    if (app.dataset.testScriptState === "running") running = true;
    else if (running) {
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(
        () => resolve(performance.now() - pressed)));
    }
  }).observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
})
"""


def main() -> None:
    """Make the databases, measure and record the figures."""
    parser = make_parser(__doc__)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3, help="of pages, filters and searches")
    parser.add_argument("--only-pages", action="store_true", help="measure how pages open alone")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="llamacare-browse-"))
    try:
        figures = measure(folder, options.items, options.rounds, only_pages=options.only_pages)
    finally:
        shutil.rmtree(folder)
    record(__file__, figures, options)


def measure(folder: Path, items: int, rounds: int, *, only_pages: bool) -> list[Measured]:
    """Return all figures."""
    path = folder / "review.duckdb"
    make(path, items, 5 * items, items // 2)
    if only_pages:
        return measure_rooms(folder, rounds)
    begin = time.perf_counter()
    Database.open(path).close()  # the words are indexed where rows were written past our functions
    indexed = time.perf_counter() - begin
    return [
        Measured("indexing the words of all items and answers, once", "median", indexed, "s", n=1),
        *measure_queries(path, rounds),
        *measure_rooms(folder, rounds),
        *measure_browser(folder, rounds),
        *measure_exports(folder),
    ]


def measure_queries(path: Path, rounds: int) -> list[Measured]:
    """Measure searches in the store alone: all ids, without the page."""
    database = Database.open(path)
    times = [
        timed(lambda word=word: item_id_array(database.cursor(), searched(word), EVERYTHING))  # type: ignore[misc]
        for _ in range(rounds)
        for word in WORDS
    ]
    database.close()
    return figures("word search, all ids, in the store", times, p95=300)


def searched(words: str) -> ReviewFilter:
    """Return the filter of a search on Browse."""
    return ReviewFilter(run_id=RUN, search=words, only_predicted=True)


def measure_browser(folder: Path, rounds: int) -> list[Measured]:
    """Measure Browse as somebody sees it: from the press to the painted page."""
    with serving(folder) as server, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(f"{server.url}/items?run={RUN}")
        page.locator(".lc-count").wait_for()
        settle(page)
        pages, filters, searches = [], [], []
        turner = page.locator('[data-testid="stPagination"]')
        for _ in range(rounds):
            for number in ("2", "3", "4", "5"):
                button = turner.get_by_text(number, exact=True)
                pages.append(watched(page, button.first.click))
            # The list keeps its page: back to where the next round begins.
            turner.get_by_text("1", exact=True).first.click()
            settle(page)
            for show in SHOWS:
                page.locator(".st-key-show").get_by_role("combobox").click()
                option = page.get_by_role("option", name=show, exact=True)
                filters.append(watched(page, option.click))
            for words in WORDS:
                box = page.locator(".st-key-search input")
                box.fill(words)
                searches.append(watched(page, lambda: box.press("Enter")))  # noqa: B023
            box.fill("")
            box.press("Enter")
            settle(page)
    return [
        *figures("Browse: page turn, painted", pages, p95=400),
        *figures("Browse: filter, painted", filters, p95=400),
        *figures("Browse: word search, painted", searches),
    ]


def measure_rooms(folder: Path, rounds: int) -> list[Measured]:
    """Measure each page in a new browser, and by a click from another page."""
    loads: dict[str, list[float]] = {}
    clicks: dict[str, list[float]] = {}
    with serving(folder) as server, chromium() as browser:
        time.sleep(10)  # the server counts what Home shows when it starts
        for _ in range(rounds):
            for room, part, name in each_part():
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                query = f"?part={part}" if part else ""
                address = f"{server.url}/{'' if room == 'home' else room}{query}"
                page = context.new_page()
                loads.setdefault(name, []).append(timed(lambda: open_page(page, address)))  # noqa: B023
                context.close()
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        open_page(page, server.url)
        for _ in range(rounds):
            for title, (room, *parts) in ROOMS.items():
                link = page.get_by_role("link", name=title, exact=True)
                clicks.setdefault(title, []).append(watched(page, link.click))
                choices = page.locator(f".st-key-{room}_part button")
                for place, part in list(enumerate(parts))[1:]:
                    name = f"{title}, {part}"
                    press = choices.nth(place).click
                    clicks.setdefault(name, []).append(watched(page, press))
    return [
        figure
        for measured, how, most in (
            (loads, "opened in a new browser", 1200),
            (clicks, "opened by a click", 400),
        )
        for name, times in measured.items()
        for figure in figures(f"{name}: {how}", times, median=most)
    ]


def each_part() -> Iterator[tuple[str, str | None, str]]:
    """Yield address, part and name of each page; the first part of a room is the room itself."""
    for title, (room, *parts) in ROOMS.items():
        yield room, None, title
        for part in parts[1:]:
            yield room, part, f"{title}, {part}"


def open_page(page: Page, address: str) -> None:
    """Open an address and wait until its script has run and the browser has painted."""
    page.goto(address, wait_until="commit")
    page.locator("h1").first.wait_for(state="attached")
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def measure_exports(folder: Path) -> list[Measured]:
    """Measure each format over 50,000 annotations."""
    path = folder / "exports.duckdb"
    make(path, 40_000, 40_000, 50_000)
    database = Database.open(path)
    measured = []
    for file_format in EXPORT_FORMATS:
        out = folder / f"out.{file_format}"

        def export(name: str = file_format, to: Path = out) -> None:
            export_file(database.cursor(), "annotations", name, to, EVERYTHING)  # type: ignore[arg-type]

        times = [timed(export) for _ in range(3)]
        measured += figures(f"export of 50,000 annotations, {file_format}", times, p95=3000)
    database.close()
    return measured


def watched(page: Page, press: Callable[[], object]) -> float:
    """Press, and give the milliseconds until the page is painted."""
    page.evaluate(f"window.lcPainted = ({WATCH})(); undefined")
    press()
    milliseconds = float(page.evaluate("window.lcPainted"))
    settle(page)
    return milliseconds


def settle(page: Page) -> None:
    """Wait until the page rests, so that one measurement does not run into the next."""
    page.wait_for_function(
        """() => document.querySelector('[data-testid="stApp"]')
            .dataset.testScriptState === "notRunning" """
    )
    page.wait_for_timeout(300)


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def figures(what: str, milliseconds: list[float], **at_most: float) -> list[Measured]:
    """Return median, 95th percentile and slowest."""
    return spread(what, milliseconds, "ms", quantile=0.95, at_most=at_most)


if __name__ == "__main__":
    main()
