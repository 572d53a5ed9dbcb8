"""A real server over a real database file, and a headless Chromium to drive it."""

from __future__ import annotations

import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from delayed_line import DelayedLine, delayed_line
from playwright.sync_api import Browser, Page, expect, sync_playwright

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.records import Item
from tests.support.app_forks import AppForks
from tests.support.records import make_answer, make_item, make_options_item, make_run
from tests.support.stores import open_store

START_SECONDS = 60
EXPECT_MS = 40_000
"""Longest wait for something to appear: test machines are slow when busy."""
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Seed = Callable[[Database], None]
Serve = Callable[..., "AppServer"]
"""Takes a seed, then options of ``streamlit run`` as further texts."""


class AppServer:
    """One running app; it alone may open its database until it is stopped."""

    def __init__(self, forks: AppForks, home: Path, port: int, options: Sequence[str]) -> None:
        self.home, self.url = home, f"http://localhost:{port}"
        self._forks, self._port, self._options = forks, port, options
        self.restart()

    def restart(self) -> None:
        """Start the app; where it ran before, on the same port and database."""
        self.process = self._forks.start(self.home, self._port, self._options)
        _wait_until_healthy(self)

    def stop(self) -> None:
        """End the server, so that a test can open the database file."""
        with suppress(psutil.NoSuchProcess):
            self.process.terminate()
            try:
                self.process.wait(20)
            except psutil.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def database(self) -> Database:
        """Stop the server and open its database."""
        self.stop()
        return Database.open(self.home / "review.duckdb")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Yield the system's Chromium, else the one that Playwright downloaded.

    For one file: while Playwright is on, an event loop runs, and other tests start theirs.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Yield a page in a fresh browser profile."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(EXPECT_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def forks() -> Iterator[AppForks]:
    """Yield what starts servers."""
    started = AppForks()
    yield started
    started.close()


@pytest.fixture
def serve(forks: AppForks, tmp_path: Path) -> Iterator[Serve]:
    """Yield a function that fills an empty database with a seed and serves the app over it."""
    with serving(forks, tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def serve_once(forks: AppForks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Like ``serve``, for a server that tests of a module share, none changing what it shows."""
    with serving(forks, tmp_path_factory.mktemp("shared")) as start:
        yield start


@contextmanager
def serving(forks: AppForks, folder: Path) -> Iterator[Serve]:
    """Return the function of ``serve``, for homes in a folder; stop its servers at the end."""
    running: list[AppServer] = []

    def start(seed: Seed, *options: str) -> AppServer:
        home = folder / f"home-{len(running)}"
        database = open_store(home / "review.duckdb")
        seed(database)
        database.close()
        server = AppServer(forks, home, _free_port(), options)
        running.append(server)
        return server

    try:
        yield start
    finally:
        for server in running:
            server.stop()


@pytest.fixture
def connect() -> Iterator[Callable[[AppServer], DelayedLine]]:
    """Yield a function that puts a line in front of a server."""
    with ExitStack() as lines:
        yield lambda server: lines.enter_context(delayed_line(server.url))


@pytest.fixture(scope="session")
def review_seed() -> Seed:
    """Return a seed of twelve yes/no/maybe items and a vignette, all answered by one run."""
    return fill_for_review


def fill_for_review(database: Database) -> None:
    """Fill a database with thirteen items and one run that answered yes or A throughout."""
    items = [_yes_no_item(f"q-{number:02d}") for number in range(1, 13)]
    vignette = make_options_item("v-01", question="A man coughs. Which drug?")
    head = {"head_label": "no", "head_probabilities": (0.3, 0.6, 0.1)}
    answers = [make_answer(item.item_id, "Yes, it helps.", "yes", **head) for item in items]
    answers.append(make_answer("v-01", "The answer is A.", "A"))
    with database.transaction() as cur:
        add_items(cur, [*items, vignette], origin="items")
        add_run(cur, make_run())
        add_predictions(cur, answers)


def _yes_no_item(item_id: str) -> Item:
    return make_item(item_id, question=f"Does drug {item_id} help?", gold_label="no", split="train")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(server: AppServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not server.process.is_running():
            break
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log = (server.home / "server.log").read_text(errors="replace")
    pytest.fail(f"The server did not start within {START_SECONDS} s. Its log:\n{log}")
