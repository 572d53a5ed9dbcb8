"""What a reviewer pressed and typed, through lost connections and killed servers: all of it stored.

One real server behind a line that breaks, one headless Chromium, a person who labels and types on.
What they pressed is compared with what the database holds afterwards.

    python benchmarks/desk_faults.py --dry-run --cuts 5 --kills 3 --tabs 5 --pace 0.02
    python benchmarks/desk_faults.py                     # everything

Cuts of 2, 10 and 60 s last ``--pace`` of that here, so that hundreds take minutes. The desk's own
waits (between tries, for an answer) are as ever, so a short cut is met by fewer tries than a long
one; ``--pace 1`` is the real thing.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from delayed_line import DelayedLine, delayed_line
from desk_tabs import Tab, TwoTabs
from history import Measured
from measuring import make_parser, record
from playwright.sync_api import Page
from scale_database import make
from served_app import chromium, serving

from db.connection import Database
from db.people.reviewers import add_reviewer
from db.review.annotations import list_annotations, standing_annotations
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING

WHO: Final = "Cut off"
SECONDS: Final = (2, 10, 60)
WORDS: Final = ("yes", "no", "maybe", "small trial", "undo", "skip this", "m", "naïve", "Über 60")
"""Letters of these pick labels, skip and undo where they are taken for keys."""
LOOK: Final = """() => {
  const place = document.querySelector(":is(.lc-card, .lc-ending):not([hidden])");
  const picks = [...(place?.querySelectorAll(".lc-pick") ?? [])];
  return {
    ready: document.querySelector(".lc-desk")?.dataset.lcReady ?? "",
    labels: picks.map((one) => one.getAttribute("aria-label")),
    state: place?.querySelector(".lc-state")?.dataset.lcState ?? "",
    decisions: document.querySelectorAll(".lc-decisions li").length,
  };
}"""
_READY_SECONDS: Final = 90
_SECTION: Final = "Nothing lost, nothing invented"


class Person:
    """Someone at the desk who labels what is in sight, and what they pressed."""

    def __init__(self, page: Page, seed: int) -> None:
        self.page, self._rng = page, random.Random(seed)  # noqa: S311
        self.pressed: dict[str, tuple[str, str]] = {}
        """By item: the label that was picked and the note that was typed when Enter was pressed."""

    def look(self) -> dict[str, Any]:
        """Return what is in sight: the item that takes keys, its labels, what the line says."""
        found: dict[str, Any] = self.page.evaluate(LOOK)
        return found

    def wait_for(self, what: str, seconds: float = _READY_SECONDS) -> dict[str, Any]:
        """Wait until an item takes keys (``ready``) or all that was saved is confirmed (``saved``).

        Raises:
            TimeoutError: It did not come to that.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            seen = self.look()
            if seen["ready"] if what == "ready" else seen["state"] == "saved":
                return seen
            self.page.wait_for_timeout(20)
        raise TimeoutError(f"not {what} after {seconds:g} s: {self.look()}")

    def label(self, during_note: Any = None) -> None:
        """Label the item in sight, with a note now and then; break something amid its words."""
        seen = self.wait_for("ready")
        place = self._rng.randrange(min(3, len(seen["labels"])))
        keyboard = self.page.keyboard
        keyboard.press(str(place + 1))
        note = ""
        if during_note is not None or self._rng.random() < 0.4:
            note = " ".join(self._rng.sample(WORDS, 3))
            keyboard.press("t")
            keyboard.type(note[: len(note) // 2], delay=5)
            if during_note is not None:
                during_note()
            keyboard.type(note[len(note) // 2 :], delay=5)
            keyboard.press("Escape")
        self.pressed[seen["ready"]] = seen["labels"][place], note
        keyboard.press("Enter")

    def work(self, seconds: float) -> None:
        """Label on for a while, as long as there are items in sight."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if self.look()["ready"]:
                self.label()
            self.page.wait_for_timeout(self._rng.randrange(20, 120))

    def meet_cut(self, line: DelayedLine, seconds: float) -> None:
        """Label while the line is cut, or silent, for some seconds from amid a note or a label."""
        break_it = self._rng.choice([line.cut, line.cut, line.hold])
        self.work(self._rng.uniform(0, 0.3))
        if self._rng.random() < 0.6:
            self.label(during_note=break_it)
        else:
            break_it()
        self.work(seconds)
        if break_it == line.hold and self._rng.random() < 0.5:
            line.cut()
        line.restore()


@dataclass
class Comparison:
    """What was pressed against what the database holds."""

    num_pressed: int
    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    misspelt: list[str] = field(default_factory=list)


def compare(
    database: Database, pressed: Mapping[str, tuple[str, str]], who: str, order: list[str]
) -> Comparison:
    """Compare what a person pressed with what is stored of them.

    Args:
        order: The items in the order in which they came.
    """
    cur = database.cursor()
    query = "select reviewer_id from reviewer where name = ?"
    row = cur.execute(query, [who]).fetchone()
    assert row is not None
    result = Comparison(len(pressed))
    for item_id in order:
        history = [
            one for one in list_annotations(cur, item_id, EVERYTHING) if one.reviewer_id == row[0]
        ]
        standing = standing_annotations(history).get(row[0])
        wanted = pressed.get(item_id)
        if wanted is None:
            result.invented += [item_id] * len(history)
        elif standing is None or len(history) != 1:
            (result.lost if standing is None else result.invented).append(item_id)
        elif standing.judgement.labels != (wanted[0],):
            result.invented.append(item_id)
        elif standing.judgement.note != wanted[1]:
            result.misspelt.append(item_id)
    places = [place for place, item_id in enumerate(order) if item_id in pressed]
    passed = order[: max(places, default=-1) + 1]
    result.skipped = [item_id for item_id in passed if item_id not in pressed]
    return result


def open_desk(page: Page, url: str, queue_id: str, who: str) -> None:
    """Open a queue at the desk and wait until items ahead are in the browser."""
    page.goto(f"{url}/review?queue={queue_id}&reviewer={who}")
    page.locator(".lc-card[hidden]").nth(3).wait_for(state="attached", timeout=90_000)


def prepare(home: Path, num_items: int) -> tuple[str, list[str]]:
    """Make a database with a queue; return the queue's id and its items in their order."""
    path = home / "review.duckdb"
    make(path, num_items, num_items, 0, seed=0)
    database = Database.open(path)
    with database.transaction() as cur:
        admin = cur.execute("select reviewer_id from reviewer where role = 'admin'").fetchone()
        run = cur.execute("select max(run_id) from run").fetchone()
        assert admin is not None
        assert run is not None
        add_reviewer(cur, WHO)
        settings = QueueSettings("Faults", ReviewFilter(run_id=run[0]))
        queue = add_queue(cur, settings, queue_id=str(uuid.uuid4()), created_by=admin[0])
        query = 'select item_id from queue_item order by "position"'
        order = [row[0] for row in cur.execute(query).fetchall()]
    database.close()
    return queue.queue_id, order


@contextmanager
def _at_desk(url: str, queue_id: str, seed: int) -> Iterator[Person]:
    with chromium() as browser:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        open_desk(page, url, queue_id, WHO)
        yield Person(page, seed)


def measure_cuts(num_cuts: int, pace: float, seed: int) -> list[Measured]:
    """Cut the line again and again while a person labels, each length as often."""
    figures = []
    for seconds in SECONDS:
        with tempfile.TemporaryDirectory(prefix="desk-faults-") as folder:
            home = Path(folder)
            queue_id, order = prepare(home, 40 * num_cuts + 500)
            with (
                serving(home) as server,
                delayed_line(server.url) as line,
                _at_desk(line.url, queue_id, seed + seconds) as person,
            ):
                for _ in range(num_cuts):
                    person.meet_cut(line, seconds * pace)
                num_asked = person.wait_for("saved")["decisions"]
            what = f"connection cut for {seconds} s, {num_cuts} times"
            figures += _figures(what, home, person, order, num_asked)
    return figures


def measure_kills(num_kills: int, seed: int) -> list[Measured]:
    """Kill the server amid labels and notes and start it again, while a person labels on."""
    with tempfile.TemporaryDirectory(prefix="desk-faults-") as folder:
        home = Path(folder)
        queue_id, order = prepare(home, 40 * num_kills + 500)
        with serving(home) as server, _at_desk(server.url, queue_id, seed) as person:
            for _ in range(num_kills):
                person.work(0.5)
                person.label(during_note=server.kill)
                person.work(0.3)
                server.start()
                person.wait_for("ready")
            num_asked = person.wait_for("saved")["decisions"]
        what = f"server killed and started again, {num_kills} times"
        return _figures(what, home, person, order, num_asked)


def _figures(
    what: str, home: Path, person: Person, order: list[str], num_asked: int
) -> list[Measured]:
    database = Database.open(home / "review.duckdb")
    found = compare(database, person.pressed, WHO, order)
    database.close()
    counts = {
        "lost": len(found.lost),
        "stored that nobody pressed": len(found.invented),
        "skipped": len(found.skipped),
        "words missing": len(found.misspelt),
        "asked without a cause": num_asked,
    }
    for name in ("lost", "invented", "skipped", "misspelt"):
        if getattr(found, name):
            print(what, name, getattr(found, name)[:5], flush=True)
    return [
        Measured(what, name, count, n=found.num_pressed, at_most=0, section=_SECTION)
        for name, count in counts.items()
    ]


def measure_tabs(num_interleavings: int, num_steps: int, seed: int) -> list[Measured]:
    """Let one person label, undo and skip in two tabs in random orders."""
    with tempfile.TemporaryDirectory(prefix="desk-faults-") as folder:
        home = Path(folder)
        os.environ["LLAMACARE_HOME"] = folder  # whose key signs the tokens
        _, order = prepare(home, 500)
        items = [item_id for item_id in order if item_id.startswith("pubmedqa")][:2]
        database = Database.open(home / "review.duckdb")
        with database.transaction() as cur:
            people = [add_reviewer(cur, f"Tabs {n}") for n in range(num_interleavings)]
        database.close()
        models = []
        with (
            serving(home) as server,
            httpx.Client(base_url=f"{server.url}/api/v1/", timeout=60) as client,
        ):
            for number, person in enumerate(people):
                tabs = [Tab(client, person.reviewer_id, items) for _ in range(2)]
                models.append(TwoTabs(tabs, seed + number))
                for _ in range(num_steps):
                    models[-1].step()
        faults = [fault for model in models for fault in model.faults]
        for fault in faults[:5]:
            print(fault, flush=True)
        database = Database.open(home / "review.duckdb")
        wrong = 0
        for person, model in zip(people, models, strict=True):
            for item_id in items:
                history = list_annotations(database.cursor(), item_id, EVERYTHING)
                standing = standing_annotations(history).get(person.reviewer_id)
                wrong += (standing and standing.annotation_id) != model.standing(item_id)
        database.close()
    what = f"two tabs, {num_interleavings} interleavings of {num_steps} steps"
    n = num_interleavings * num_steps
    asked = sum(model.num_asked for model in models)
    return [
        Measured(what, "replaced without being asked", wrong, n=n, at_most=0, section=_SECTION),
        Measured(what, "answered wrongly", len(faults), n=n, at_most=0, section=_SECTION),
        Measured(what, "asked", asked, n=n, section=_SECTION),
    ]


def main() -> None:
    """Run the parts and record the figures."""
    parser = make_parser(__doc__)
    parser.add_argument("--cuts", type=int, default=100, help="of each length")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--tabs", type=int, default=50, help="interleavings")
    parser.add_argument("--steps", type=int, default=30, help="of each interleaving")
    parser.add_argument("--pace", type=float, default=0.05, help="share of its time a cut lasts")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figures: list[Measured] = []
    if options.tabs:
        figures += measure_tabs(options.tabs, options.steps, options.seed)
    if options.cuts:
        figures += measure_cuts(options.cuts, options.pace, options.seed)
    if options.kills:
        figures += measure_kills(options.kills, options.seed)
    record(__file__, figures, options)


if __name__ == "__main__":
    main()
