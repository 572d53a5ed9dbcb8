"""How fast and how safe reviewing is at 200,000 items: one real server, one headless Chromium.

    python benchmarks/review_workbench.py              # everything, about fifteen minutes
    python benchmarks/review_workbench.py --only first keys steady reveal --saves 60

"Painted" is the end of the first frame in which the next item and its controls are in sight.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from delayed_line import delayed_line
from history import Measured
from measuring import make_parser, record, spread
from playwright.sync_api import Browser, Page
from review_peers import potato_server, time_potato
from room_clicks import measure_clicks
from scale_database import make
from served_app import Server, chromium, serving
from training_beside import training_run
from websocket_reviewers import review_at_once

from db.connection import Database
from db.people.reviewers import add_reviewer
from db.review.item_list import ReviewFilter
from db.review.queues import Queue, QueueSettings, add_queue

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1"}

# Times each Enter from the key press until the frame with the next item was painted, and notes
# every label that the page confirmed.
WATCH: Final = """
window.lcTimes = []; window.lcConfirmed = {}; window.lcPresses = []; let pressed = null;
const shown = () => document.querySelector(".lc-card:not([hidden])");
const itemOf = (card) => (card ? card.dataset.lcCard : null);
const faceOf = (card) => (card ? `${card.dataset.lcPhase} ${card.dataset.lcCard}` : null);
addEventListener("keydown", (event) => {
  const ready = document.querySelector(".lc-desk")?.dataset.lcReady;
  window.lcPresses.push([event.key, itemOf(shown()), ready]);
  if (event.key === "Enter") pressed = { at: event.timeStamp, face: faceOf(shown()) };
}, true);
new MutationObserver(() => {
  const line = document.querySelector(".lc-live");
  const said = line && line.textContent.match(/Saved (\\S+) for (\\S+?)\\.( |$)/);
  if (said) window.lcConfirmed[said[2]] = said[1];
  if (!pressed || !shown() || faceOf(shown()) === pressed.face) return;
  const { at } = pressed; pressed = null;
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(); // its message comes after the paint
    port1.onmessage = () => window.lcTimes.push(performance.now() - at);
    port2.postMessage(null);
  });
}).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
"""


DELAYS: Final = (0, 75, 150)
"""Milliseconds each way between browser and server."""
FIRST: Final = {0: 1.2, 75: 2.2}
"""Seconds to reach for the first item, by the delay each way."""
NAMES = (
    *("Warm", *(f"Cold{delay}-{number}" for delay in FIRST for number in range(5))),
    *(f"{part}{delay}" for part in ("Keys", "Blind", "Steady") for delay in DELAYS),
    *("Alone", "Beside", "Gap20", "Gap60", "Gap150", "Killed"),
    *(f"Crowd{count}-{number}" for count in (5, 20, 100) for number in range(count)),
)
"""Who reviews here; a name in the address must be known."""


def open_page(browser: Browser, url: str, queue: Queue, who: str) -> Page:
    """Open the queue as somebody in a fresh profile and wait for the first item."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    page.goto(f"{url}/review?queue={queue.queue_id}&reviewer={who}", wait_until="commit")
    _wait_for_controls(page)
    return page


def _wait_for_controls(page: Page) -> None:
    ready = '.lc-desk[data-lc-ready]:not([data-lc-ready=""]) .lc-card:not([hidden])'
    page.locator(ready).wait_for(timeout=60_000)


def measure_first_page(browser: Browser, server: Server, queue: Queue) -> list[Measured]:
    """Time the first item with a cold browser and a warm server, five times each way.

    Beside it, in the same run: the page around it, and a page of Streamlit with one word.
    """
    open_page(browser, server.url, queue, "Warm").context.close()
    figures = []
    with _empty_server() as empty:
        _time_empty_page(browser, empty, 0)
        for delay, reach in FIRST.items():
            figures += _measure_first(browser, server, queue, delay, reach)
            floor = [_time_empty_page(browser, empty, delay) for _ in range(5)]
            figures += spread(f"an empty page of Streamlit, {delay} ms each way", floor, "s")
    return figures


def _measure_first(
    browser: Browser, server: Server, queue: Queue, delay: float, reach: float
) -> list[Measured]:
    items, pages, sizes, asked = [], [], [], 0
    for number in range(5):
        with delayed_line(server.url, delay) as line:
            begun = time.perf_counter()
            page = open_page(browser, line.url, queue, f"Cold{delay}-{number}")
            items.append(time.perf_counter() - begun)
            page.locator('[data-testid="stMain"] .lc-desk').wait_for(timeout=60_000)
            pages.append(time.perf_counter() - begun)
            sizes.append(line.num_bytes / 1e6)
            asked = page.evaluate("() => performance.getEntriesByType('resource').length")
            page.context.close()
    what = f"first item, cold browser, {delay} ms each way"
    whole = f"side bar and navigation around it, {delay} ms each way"
    return [
        *spread(what, items, "s", at_most={"median": reach}),
        *spread(whole, pages, "s"),
        Measured(whole, "received", max(sizes), "MB", 5),
        Measured(whole, "requests", asked, "", 5),
    ]


@contextmanager
def _empty_server() -> Iterator[Server]:
    """Serve a page with one word, by Streamlit as it comes."""
    with tempfile.TemporaryDirectory(prefix="empty-page-") as folder:
        app = Path(folder) / "empty.py"
        app.write_text("import streamlit as st\nst.write('empty')\n", encoding="utf-8")
        with serving(Path(folder), app) as server:
            yield server


def _time_empty_page(browser: Browser, server: Server, delay: float) -> float:
    with delayed_line(server.url, delay) as line:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        begun = time.perf_counter()
        page.goto(line.url, wait_until="commit")
        page.get_by_text("empty", exact=True).wait_for(timeout=60_000)
        seconds = time.perf_counter() - begun
        page.context.close()
    return seconds


def measure_keys(browser: Browser, server: Server, queue: Queue, num_saves: int) -> list[Measured]:
    """Time Enter to the next item painted, for one who reads each item for a second."""
    figures = []
    for delay in DELAYS:
        with delayed_line(server.url, delay) as line:
            times = time_keys(browser, line.url, queue, f"Keys{delay}", num_saves, pause=1000)
        what = f"key press to next item painted, {delay} ms each way"
        limits = {"median": 20, "p95": 34}
        figures += spread(what, times, "ms", quantile=0.95, at_most=limits)
    return figures


def measure_reveals(
    browser: Browser, server: Server, queue: Queue, num_saves: int
) -> list[Measured]:
    """Time Enter on a blind label to what it reveals painted."""
    figures = []
    for delay in DELAYS:
        with delayed_line(server.url, delay) as line:
            times = time_keys(browser, line.url, queue, f"Blind{delay}", 2 * num_saves, pause=600)
        what = f"blind label to reveal painted, {delay} ms each way"
        limits = {"median": 2 * delay + 40}
        figures += spread(what, times[::2], "ms", quantile=0.95, at_most=limits)
    return figures


def measure_steady(browser: Browser, server: Server, queue: Queue) -> list[Measured]:
    """Label five items a second for ten seconds: what is in sight at each press is labelled."""
    figures = []
    for delay in DELAYS:
        with delayed_line(server.url, delay) as line:
            page = open_page(browser, line.url, queue, f"Steady{delay}")
            page.wait_for_timeout(2000)
            begun = time.perf_counter()
            for number in range(50):
                page.keyboard.press("1")
                page.keyboard.press("Enter")
                due = begun + (number + 1) * 0.2 - time.perf_counter()
                page.wait_for_timeout(max(due, 0.0) * 1000)
            page.wait_for_function(_ALL_SAVED, timeout=60_000)
            presses = page.evaluate("() => window.lcPresses")
            page.context.close()
        # As a person sees it: a press on an item that took no keys yet is refused in words.
        picked, entered = (
            {ready for key, _, ready in presses if key == one} for one in ("1", "Enter")
        )
        seen = picked & entered - {"", None}
        stored = _list_stored(server, f"Steady{delay}")
        what = f"five items a second, {delay} ms each way"
        n = len(presses) // 2
        figures += [
            _count(f"{what}: presses lost", len(seen - stored), n),
            _count(f"{what}: labels on an item that was not in sight", len(stored - seen), n),
            Measured(f"{what}: presses that met no item", "count", 50 - len(seen), n=n),
        ]
    return figures


_ALL_SAVED: Final = """() => {
  const state = document.querySelector(":is(.lc-card, .lc-ending):not([hidden]) .lc-state");
  return state?.dataset.lcState === "saved";
}"""


def _list_stored(server: Server, who: str) -> set[str]:
    """Return the items that somebody labelled; the server is stopped meanwhile."""
    server.stop()
    database = Database.open(server.home / "review.duckdb")
    query = (
        "select item_id from standing_annotation join reviewer using (reviewer_id) "
        "where reviewer.name = ?"
    )
    stored = {row[0] for row in database.cursor().execute(query, [who]).fetchall()}
    database.close()
    server.start()
    return stored


def measure_beside(
    browser: Browser, server: Server, queue: Queue, num_saves: int
) -> list[Measured]:
    """Time the same with nothing else going on, and while a joint QLoRA run takes its steps."""
    alone = time_keys(browser, server.url, queue, "Alone", num_saves)
    with training_run():
        beside = time_keys(browser, server.url, queue, "Beside", num_saves)
    what = "the same while a QLoRA run trains on the machine"
    figures = spread(what, beside, "ms", quantile=0.95)
    without = spread("the same at that time without it", alone, "ms", quantile=0.95)
    late, late_alone = (part[1].figure or 0 for part in (figures, without))
    ratio = Measured("with it / without it", "p95", late / late_alone, at_most=3)
    return [*figures, *without, ratio]


def time_keys(
    browser: Browser, url: str, queue: Queue, who: str, num_saves: int, pause: float = 250
) -> list[float]:
    """Return the milliseconds of ``num_saves`` saves, after ten to warm up."""
    page = open_page(browser, url, queue, who)
    for number in range(num_saves + 10):
        page.keyboard.press("1")
        page.wait_for_timeout(150)
        page.keyboard.press("Enter")
        page.wait_for_function(f"() => window.lcTimes.length > {number}", timeout=30_000)
        page.wait_for_timeout(pause)
    times: list[float] = page.evaluate("() => window.lcTimes")[10:]
    page.context.close()
    return times


def measure_presses(browser: Browser, server: Server, queue: Queue) -> list[Measured]:
    """Press label and Enter 20 times each, faster than the page can follow."""
    figures = []
    for gap in (20, 60, 150):
        page = open_page(browser, server.url, queue, f"Gap{gap}")
        for _ in range(20):
            for key in ("1", "Enter"):
                page.keyboard.press(key)
                page.wait_for_timeout(gap)
        page.wait_for_timeout(1500)
        presses = page.evaluate("() => window.lcPresses")
        confirmed = page.evaluate("() => window.lcConfirmed")
        page.context.close()
        picked = {item for key, item, _ in presses if key == "1"}
        entered = {item for key, item, _ in presses if key == "Enter"}
        wrong = set(confirmed) - (picked & entered)
        what = f"40 key presses {gap} ms apart: labels on an item that was not on screen"
        figures.append(_count(what, len(wrong), len(confirmed)))
    return figures


def measure_kills(browser: Browser, home: Path, queue: Queue, num_kills: int) -> list[Measured]:
    """Kill the server amid saves; every save that was confirmed on screen must be stored."""
    confirmed: dict[str, str] = {}
    rng = random.Random(0)  # noqa: S311
    for _ in range(num_kills):
        with serving(home, **ONE_THREAD) as server:
            page = open_page(browser, server.url, queue, "Killed")
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
    what = f"kill -9 of the server amid saves, {num_kills} times: confirmed saves lost"
    return [_count(what, len(lost), len(confirmed))]


def _count(what: str, bad: int, n: int) -> Measured:
    """Return how many of n went wrong, where none may; without any n, nothing was shown."""
    note = "" if n else "nothing was confirmed"
    return Measured(
        what, "count", bad if n else None, n=n, at_most=0, section="Nothing goes wrong", note=note
    )


def measure_crowd(
    server: Server,
    queue: Queue,
    num_people: int,
    every: float,
    seconds: float,
    reach: float,
    megabytes: float,
) -> list[Measured]:
    """Let many websocket sessions save at once."""
    # What is loaded once, whoever comes, is loaded by now.
    review_at_once(server.url, queue.queue_id, 5, every, 10)
    before = _rss(server)
    crowd = review_at_once(server.url, queue.queue_id, num_people, every, seconds)
    grown = (_rss(server) - before) / num_people / 2**20
    what = f"{num_people} reviewers, each saving every {every:g} s for {seconds:.0f} s"
    memory = f"memory of the server after it, by session ({num_people})"
    num_saves = len(crowd.milliseconds)
    return [
        *spread(what, crowd.milliseconds, "ms", quantile=0.95, at_most={"p95": reach}),
        _count(f"{what}: saves lost", crowd.num_lost, num_saves),
        _count(f"{what}: places given twice", crowd.num_twice, num_saves),
        Measured(memory, "growth", grown, "MB", at_most=megabytes, section="Memory"),
    ]


def measure_potato(browser: Browser, environment: Path, num_saves: int) -> list[Measured]:
    """Time the key that goes on to the next text painted in Potato, in the same browser."""
    figures = []
    with potato_server(environment) as url:
        for delay in DELAYS:
            times = time_potato(browser, url, delay, num_saves)
            what = f"Potato: key press to next text painted, {delay} ms each way"
            figures += spread(what, times, "ms", quantile=0.95)
    return figures


def _rss(server: Server) -> int:
    text = Path(f"/proc/{server.process.pid}/statm").read_text(encoding="utf-8")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def prepare(home: Path, template: Path | None, counts: Sequence[int]) -> tuple[Queue, Queue]:
    """Make the database, or copy one, and two queues of all its items: an open and a blind one."""
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
        people = {name: add_reviewer(cur, name).reviewer_id for name in NAMES}
        blind_ids = tuple(one for name, one in people.items() if name.startswith("Blind"))
        of_blind: dict[str, Any] = {"name": "Blind", "mode": "blind", "reviewer_ids": blind_ids}
        flt = ReviewFilter(run_id=run[0])
        settings = QueueSettings("Benchmark", flt, order="uncertain")
        queue, blind = (
            add_queue(cur, one, queue_id=str(uuid.uuid4()), created_by=admin[0])
            for one in (settings, replace(settings, **of_blind))
        )
    database.close()
    return queue, blind


def measure(options: argparse.Namespace, home: Path) -> list[Measured]:
    """Run the parts asked for on a new database under a home folder."""
    figures: list[Measured] = []
    counts = (options.items, options.predictions, options.annotations)
    seconds = options.crowd_seconds
    if options.only == ["clicks"]:  # on the demo
        with chromium() as browser:
            return measure_clicks(browser)
    queue, blind = prepare(home, options.template, counts)

    def run(part: str, work: Callable[[], list[Measured]]) -> None:
        if part in options.only:
            for figure in work():
                print(figure.what, figure.measure, figure.figure, figure.unit, flush=True)
                figures.append(figure)

    with chromium() as browser:
        with serving(home, **ONE_THREAD) as server:
            server.wait_until_calm()
            run("first", lambda: measure_first_page(browser, server, queue))
            run("keys", lambda: measure_keys(browser, server, queue, options.saves))
            run("reveal", lambda: measure_reveals(browser, server, blind, options.saves // 2))
            run("steady", lambda: measure_steady(browser, server, queue))
            run("beside", lambda: measure_beside(browser, server, queue, options.saves))
            run("presses", lambda: measure_presses(browser, server, queue))
            run("20", lambda: measure_crowd(server, queue, 20, 2, seconds, 60, 2))
            run("100", lambda: measure_crowd(server, queue, 100, 4, seconds, 150, 2))
        run("kills", lambda: measure_kills(browser, home, queue, options.kills))
        if options.potato:
            run("peers", lambda: measure_potato(browser, options.potato, options.saves // 2))
        run("clicks", lambda: measure_clicks(browser))
    return figures


PARTS: Final = (
    *("first", "keys", "reveal", "steady", "beside", "presses", "20", "100", "kills"),
    *("peers", "clicks"),
)


def main() -> None:
    """Run the parts asked for and record the figures."""
    parser = make_parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--saves", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--crowd-seconds", type=float, default=120)
    parser.add_argument("--potato", type=Path, help="its environment; see review_peers.py")
    parser.add_argument("--template", type=Path, help="keep the database here for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="review-workbench-") as home:
        figures = measure(options, Path(home))
    record(__file__, figures, options, is_partial=set(options.only) != set(PARTS))


if __name__ == "__main__":
    main()
