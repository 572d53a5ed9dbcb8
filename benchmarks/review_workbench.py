"""How fast and how safe reviewing is at 200,000 items: one real server, one headless Chromium.

    python benchmarks/review_workbench.py              # everything, about fifteen minutes
    python benchmarks/review_workbench.py --only keys presses

Prints a table and writes it to benchmarks/results/review_workbench.md. "Painted" is the second
animation frame after the next item and its controls are in the page.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright
from scale_database import make
from training_beside import training_run
from websocket_reviewers import review_at_once

import streamlit_app
from db.connection import Database
from db.queues import Queue, add_queue
from db.review import ReviewFilter

APP: Final = Path(streamlit_app.__file__).with_name("app.py")
RESULTS: Final = Path(__file__).parent / "results" / "review_workbench.md"
CHROMIUM_ARGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

# Times each Enter from the key press to the second frame after the next item stands in the page
# with its controls, and notes every label that the page confirmed.
WATCH: Final = """
window.lcTimes = []; window.lcConfirmed = {}; window.lcPresses = []; let pressed = null;
addEventListener("keydown", (event) => {
  const item = document.querySelector("[data-lc-item]");
  window.lcPresses.push([event.key, item ? item.dataset.lcItem : null]);
  if (event.key === "Enter") pressed = { at: performance.now(), item: item && item.dataset.lcItem };
}, true);
new MutationObserver(() => {
  const line = document.querySelector(".lc-line");
  const said = line && line.textContent.match(/Saved (\\S+) for (\\S+?)\\.( |$)/);
  if (said) window.lcConfirmed[said[2]] = said[1];
  const item = document.querySelector("[data-lc-item]");
  const mark = document.querySelector(".lc-marker");
  if (!pressed || !item || !mark || item.dataset.lcItem === pressed.item) return;
  if (mark.dataset.lcOn !== item.dataset.lcItem) return;
  if (!document.querySelector('[class*="st-key-review_picker"] button')) return;
  const { at } = pressed; pressed = null;
  const note = () => window.lcTimes.push(performance.now() - at);
  requestAnimationFrame(() => requestAnimationFrame(note));
}).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
"""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    found: str
    reach: str
    is_reached: bool


@dataclass
class Server:
    """One running app over one database."""

    home: Path
    process: subprocess.Popen[bytes]
    url: str

    def kill(self) -> None:
        """End it without any warning, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it in an orderly way."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """Serve the database under a home folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(APP), f"--server.port={port}"],
            cwd=APP.parents[1],
            env={**os.environ, "LLAMACARE_HOME": str(home), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server = Server(home, process, f"http://localhost:{port}")
    try:
        _wait_until_healthy(server)
        yield server
    finally:
        if process.poll() is None:
            server.stop()


def _wait_until_healthy(server: Server) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=1):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"The app did not start; its log is {server.home / 'server.log'}.")


def open_page(browser: Browser, server: Server, queue: Queue, who: str) -> Page:
    """Open the queue as somebody in a fresh profile and wait for the first item."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    page.goto(f"{server.url}/?queue={queue.queue_id}&reviewer={who}")
    _wait_for_controls(page)
    return page


def _wait_for_controls(page: Page) -> None:
    page.wait_for_function(
        """() => { const m = document.querySelector(".lc-marker");
        const i = document.querySelector("[data-lc-item]");
        return document.documentElement.dataset.lcListening
          && m && i && m.dataset.lcOn === i.dataset.lcItem
          && document.querySelector('[class*="st-key-review_picker"] button'); }""",
        timeout=60_000,
    )


def measure_first_page(browser: Browser, server: Server, queue: Queue) -> list[Figure]:
    """Time the first page with a cold browser and a warm server, five times."""
    open_page(browser, server, queue, "Warm").context.close()
    seconds = []
    for number in range(5):
        begun = time.perf_counter()
        page = open_page(browser, server, queue, f"Cold{number}")
        seconds.append(time.perf_counter() - begun)
        page.context.close()
    found = statistics.median(seconds)
    text = f"median {found:.2f} s, longest {max(seconds):.2f} s (n = {len(seconds)})"
    return [Figure("first page, cold browser, warm server", text, "<= 2.5 s", found <= 2.5)]


def measure_keys(browser: Browser, server: Server, queue: Queue, num_saves: int) -> list[Figure]:
    """Time Enter to the next item painted, at a pace of two items a second."""
    middle, late = time_keys(browser, server, queue, "Keys", num_saves)
    text = f"median {middle:.0f} ms, p95 {late:.0f} ms (n = {num_saves})"
    reach = "median <= 100 ms, p95 <= 150 ms"
    return [Figure("key press to next item painted", text, reach, middle <= 100 and late <= 150)]


def measure_beside(browser: Browser, server: Server, queue: Queue, num_saves: int) -> list[Figure]:
    """Time the same with nothing else going on, and while a joint QLoRA run takes its steps."""
    _, alone = time_keys(browser, server, queue, "Alone", num_saves)
    with training_run():
        middle, late = time_keys(browser, server, queue, "Beside", num_saves)
    text = f"median {middle:.0f} ms, p95 {late:.0f} ms, {late / alone:.1f} times {alone:.0f} ms"
    what = "the same while a QLoRA run trains on the machine"
    return [Figure(what, text, "p95 <= 3 times", late <= 3 * alone)]


def time_keys(
    browser: Browser, server: Server, queue: Queue, who: str, num_saves: int
) -> tuple[float, float]:
    """Give median and 95th percentile in ms of ``num_saves`` saves, after ten to warm up."""
    page = open_page(browser, server, queue, who)
    for number in range(num_saves + 10):
        page.keyboard.press("1")
        page.wait_for_timeout(150)
        page.keyboard.press("Enter")
        page.wait_for_function(f"() => window.lcTimes.length > {number}", timeout=30_000)
        page.wait_for_timeout(250)
    times = sorted(page.evaluate("() => window.lcTimes")[10:])
    page.context.close()
    return statistics.median(times), times[int(0.95 * len(times))]


def measure_presses(browser: Browser, server: Server, queue: Queue) -> list[Figure]:
    """Press label and Enter 20 times each, faster than the page can follow."""
    figures = []
    for gap in (20, 60, 150):
        page = open_page(browser, server, queue, f"Gap{gap}")
        for _ in range(20):
            for key in ("1", "Enter"):
                page.keyboard.press(key)
                page.wait_for_timeout(gap)
        page.wait_for_timeout(1500)
        presses = page.evaluate("() => window.lcPresses")
        confirmed = page.evaluate("() => window.lcConfirmed")
        page.context.close()
        picked = {item for key, item in presses if key == "1"}
        entered = {item for key, item in presses if key == "Enter"}
        wrong = set(confirmed) - (picked & entered)
        text = f"{len(wrong)} of {len(confirmed)} labels"
        what = f"40 key presses {gap} ms apart: labels on an item that was not on screen"
        figures.append(Figure(what, text, "0", not wrong and bool(confirmed)))
    return figures


def measure_kills(browser: Browser, home: Path, queue: Queue, num_kills: int) -> list[Figure]:
    """Kill the server amid saves; every save that was confirmed on screen must be stored."""
    confirmed: dict[str, str] = {}
    rng = random.Random(0)  # noqa: S311
    for _ in range(num_kills):
        with serving(home) as server:
            page = open_page(browser, server, queue, "Killed")
            ends = time.monotonic() + rng.uniform(1.5, 3)
            while time.monotonic() < ends:
                page.keyboard.press("1")
                page.wait_for_timeout(20)
                page.keyboard.press("Enter")
                page.wait_for_timeout(rng.randrange(60, 160))
            server.kill()
            page.wait_for_timeout(100)
            confirmed |= page.evaluate("() => window.lcConfirmed")
            page.context.close()
    database = Database.open(home / "review.duckdb")
    query = (
        "select item_id, label from standing_annotation join reviewer using (reviewer_id) "
        "where queue_id = ? and reviewer.name = 'Killed'"
    )
    stored = dict(database.cursor().execute(query, [queue.queue_id]).fetchall())
    database.close()
    lost = [item_id for item_id, label in confirmed.items() if stored.get(item_id) != label]
    text = f"{len(lost)} of {len(confirmed)} confirmed saves lost"
    what = f"kill -9 of the server amid saves, {num_kills} times"
    return [Figure(what, text, "0 lost", not lost and bool(confirmed))]


def measure_crowd(
    server: Server,
    queue: Queue,
    num_people: int,
    every: float,
    seconds: float,
    reach: float,
    megabytes: float,
) -> list[Figure]:
    """Let many websocket sessions save at once."""
    # What is loaded once, whoever comes, is loaded by now.
    review_at_once(server.url, queue.queue_id, 5, every, 10)
    before = _rss(server)
    crowd = review_at_once(server.url, queue.queue_id, num_people, every, seconds)
    times = sorted(crowd.milliseconds)
    late = times[int(0.95 * len(times))]
    grown = (_rss(server) - before) / num_people / 2**20
    text = (
        f"p95 {late:.0f} ms, median {statistics.median(times):.0f} ms (n = {len(times)}), "
        f"{crowd.num_lost} lost, {crowd.num_twice} places given twice"
    )
    is_reached = late <= reach and not crowd.num_lost and not crowd.num_twice
    what = f"{num_people} reviewers, each saving every {every:g} s for {seconds:.0f} s"
    return [
        Figure(what, text, f"p95 <= {reach:.0f} ms, 0 lost, none twice", is_reached),
        Figure(
            f"memory of the server after it, by session ({num_people})",
            f"{grown:.1f} MB more than before",
            f"<= {megabytes:g} MB",
            grown <= megabytes,
        ),
    ]


def _rss(server: Server) -> int:
    text = Path(f"/proc/{server.process.pid}/statm").read_text(encoding="utf-8")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def prepare(home: Path, template: Path | None, counts: Sequence[int]) -> Queue:
    """Make the database, or copy one made before, and a queue of all its items."""
    path = home / "review.duckdb"
    if template is not None and template.exists():
        shutil.copy(template, path)
    else:
        make(path, *counts, seed=0)
        if template is not None:
            shutil.copy(path, template)
    database = Database.open(path)
    with database.transaction() as cur:
        admin = cur.execute("select reviewer_id from reviewer where role = 'admin'").fetchone()
        run = cur.execute("select max(run_id) from run").fetchone()
        assert admin is not None
        assert run is not None
        queue = add_queue(
            cur, queue_id=str(uuid.uuid4()), name="Benchmark", created_by=admin[0],
            flt=ReviewFilter(run_id=run[0]), order="uncertain",
        )  # fmt: skip
    database.close()
    return queue


def measure(options: argparse.Namespace, home: Path) -> list[Figure]:
    """Run the parts asked for on a new database under a home folder."""
    figures: list[Figure] = []
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    counts = (options.items, options.predictions, options.annotations)
    seconds = options.crowd_seconds
    queue = prepare(home, options.template, counts)

    def run(part: str, work: Callable[[], list[Figure]]) -> None:
        if part in options.only:
            for figure in work():
                print(figure.what, "|", figure.found, flush=True)
                figures.append(figure)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        with serving(home) as server:
            run("first", lambda: measure_first_page(browser, server, queue))
            run("keys", lambda: measure_keys(browser, server, queue, options.saves))
            run("beside", lambda: measure_beside(browser, server, queue, options.saves))
            run("presses", lambda: measure_presses(browser, server, queue))
            run("20", lambda: measure_crowd(server, queue, 20, 2, seconds, 60, 2))
            run("100", lambda: measure_crowd(server, queue, 100, 4, seconds, 150, 2))
        run("kills", lambda: measure_kills(browser, home, queue, options.kills))
        browser.close()
    return figures


def table(figures: Sequence[Figure], options: argparse.Namespace) -> str:
    """Give the figures as a page."""
    lines = [
        "# Reviewing at scale",
        "",
        f"{options.items:,} items, {options.predictions:,} predictions, {options.annotations:,} "
        f"annotations. {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, load average {os.getloadavg()[1]:.1f} (server, browser and "
        "clients share the machine). Made by `python benchmarks/review_workbench.py`.",
        "",
        "| what | found | reach | |",
        "|---|---|---|---|",
        *(f"| {f.what} | {f.found} | {f.reach} | {'✗✓'[f.is_reached]} |" for f in figures),
    ]
    return "\n".join(lines) + "\n"


PARTS: Final = ("first", "keys", "beside", "presses", "20", "100", "kills")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--saves", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--crowd-seconds", type=float, default=120)
    parser.add_argument("--template", type=Path, help="keep the database here for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="review-workbench-") as home:
        figures = measure(options, Path(home))
    text = table(figures, options)
    print(text)
    if set(options.only) == set(PARTS):
        RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
