"""How fast Browse turns, filters and searches, and how fast annotations are exported.

    python benchmarks/browse_search.py                 # about four minutes

One real server and one headless Chromium over 200,000 items, 1,000,000 predictions and 100,000
annotations. "Painted" is the second animation frame after the page has finished its run. Prints a
table and writes it to benchmarks/results/browse_search.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import Page, sync_playwright
from scale_database import make

import streamlit_app
from db.connection import Database
from db.exporters import EXPORT_FORMATS, export_file
from db.review import ReviewFilter, count_rows

APP: Final = Path(streamlit_app.__file__).with_name("app.py")
RESULTS: Final = Path(__file__).parent / "results" / "browse_search.md"
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
    "Text and head differ",
    "No label in the text",
    "Reviewers differ",
    "Not labelled by me",
    "Labelled by me",
    "All items",
)
CHROMIUM_ARGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

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


def main() -> int:
    """Make the databases, measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3, help="of pages, filters and searches")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="llamacare-browse-"))
    try:
        lines = measure(folder, arguments.items, arguments.rounds)
    finally:
        shutil.rmtree(folder)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def measure(folder: Path, items: int, rounds: int) -> list[str]:
    """Give the lines of the result page."""
    path = folder / "review.duckdb"
    make(path, items, 5 * items, items // 2)
    begin = time.perf_counter()
    Database.open(path).close()  # the words are indexed where rows were written past our functions
    indexed = time.perf_counter() - begin
    rows = [
        *measure_queries(path, rounds),
        *measure_browser(folder, rounds),
        *measure_exports(folder),
    ]
    return [
        "# Browse, search and export",
        "",
        f"{items:,} items, {5 * items:,} predictions, {items // 2:,} annotations; exports over "
        f"50,000 annotations. {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, load average {os.getloadavg()[1]:.1f} over five minutes; "
        "the browser shares the machine. Made by `python benchmarks/browse_search.py`.",
        "",
        f"Indexing the words of all items and answers anew: {indexed:.0f} s, once.",
        "",
        "| what | n | median | p95 | worst | to reach |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def measure_queries(path: Path, rounds: int) -> list[str]:
    """Measure searches in the store alone: the count, without the page."""
    database = Database.open(path)
    times = [
        timed(lambda word=word: count_rows(database.cursor(), searched(word)))  # type: ignore[misc]
        for _ in range(rounds)
        for word in WORDS
    ]
    database.close()
    return [row("word search, true total, in the store", times, "300 ms")]


def searched(words: str) -> ReviewFilter:
    """Give the filter of a search on Browse."""
    return ReviewFilter(run_id=RUN, search=words, only_predicted=True)


def measure_browser(folder: Path, rounds: int) -> list[str]:
    """Measure Browse as somebody sees it: from the press to the painted page."""
    with serving(folder) as url, sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_ARGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(f"{url}/browse?run={RUN}")
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
        browser.close()
    return [
        row("Browse: page turn, painted", pages, "p95 400 ms"),
        row("Browse: filter, painted", filters, "p95 400 ms"),
        row("Browse: word search, painted", searches, ""),
    ]


def measure_exports(folder: Path) -> list[str]:
    """Measure each format over 50,000 annotations."""
    path = folder / "exports.duckdb"
    make(path, 40_000, 40_000, 50_000)
    database = Database.open(path)
    rows = []
    for file_format in EXPORT_FORMATS:
        out = folder / f"out.{file_format}"

        def export(name: str = file_format, to: Path = out) -> None:
            export_file(database.cursor(), "annotations", name, to)  # type: ignore[arg-type]

        times = [timed(export) for _ in range(3)]
        rows.append(row(f"export of 50,000 annotations, {file_format}", times, "3,000 ms"))
    database.close()
    return rows


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


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Serve the app over the database in a folder and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(APP), f"--server.port={port}"],
            cwd=APP.parents[1],
            env={**os.environ, "LLAMACARE_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://localhost:{port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # noqa: S310
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def timed(work: Callable[[], object]) -> float:
    """Give the milliseconds that a call takes."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def row(what: str, milliseconds: Sequence[float], reach: str) -> str:
    """Give one line of the table."""
    median, p95 = np.percentile(milliseconds, [50, 95])
    worst = max(milliseconds)
    return (
        f"| {what} | {len(milliseconds)} | {median:,.0f} ms | {p95:,.0f} ms | {worst:,.0f} ms "
        f"| {reach} |"
    )


if __name__ == "__main__":
    raise SystemExit(main())
