"""A real server over a real database file, and a headless Chromium to drive it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import streamlit_app
from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.records import Item
from tests.support.records import make_answer, make_item, make_options_item, make_run
from tests.support.stores import open_store

APP = Path(streamlit_app.__file__).with_name("app.py")
START_SECONDS = 60
EXPECT_MS = 20_000
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

    def __init__(self, home: Path, port: int, options: Sequence[str]) -> None:
        self.home, self.url = home, f"http://localhost:{port}"
        run = (sys.executable, "-m", "streamlit", "run", str(APP))
        self._command = [*run, f"--server.port={port}", *options]
        self.restart()

    def restart(self) -> None:
        """Start the app; where it ran before, on the same port and database."""
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=APP.parents[1],
                env={**os.environ, "LLAMACARE_HOME": str(self.home), "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _wait_until_healthy(self)

    def stop(self) -> None:
        """End the server, so that a test can open the database file."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def database(self) -> Database:
        """Stop the server and open its database."""
        self.stop()
        return Database.open(self.home / "review.duckdb")


class Line:
    """A line between browser and server that a test can cut, hold up and mend."""

    def __init__(self, server: AppServer) -> None:
        self._server_port = int(server.url.rsplit(":", 1)[1])
        self._is_whole = True
        self._flows = threading.Event()
        self._flows.set()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection and refuse new ones; what was held up is lost."""
        self._is_whole = False
        while self._ends:
            _close(self._ends.pop())
        self._flows.set()

    def hold(self) -> None:
        """Forward nothing more, in either direction, without a sign to either end."""
        self._flows.clear()

    def mend(self) -> None:
        """Take connections again."""
        self._is_whole = True

    def close(self) -> None:
        """Cut the line for good."""
        _close(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            try:
                if not self._is_whole:
                    raise ConnectionRefusedError
                server = socket.create_connection(("localhost", self._server_port))
            except OSError:
                _close(browser)
                continue
            self._ends += [browser, server]
            for source, sink in ((browser, server), (server, browser)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                self._flows.wait()
                sink.sendall(data)
        except OSError:
            pass  # cut
        _close(source)
        _close(sink)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Yield the system's Chromium, else the one that Playwright downloaded."""
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


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Yield a function that fills an empty database with a seed and serves the app over it."""
    with serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def serve_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Like ``serve``, for a server that tests of a module share, none changing what it shows."""
    with serving(tmp_path_factory.mktemp("shared")) as start:
        yield start


@contextmanager
def serving(folder: Path) -> Iterator[Serve]:
    """Return the function of ``serve``, for homes in a folder; stop its servers at the end."""
    running: list[AppServer] = []

    def start(seed: Seed, *options: str) -> AppServer:
        home = folder / f"home-{len(running)}"
        database = open_store(home / "review.duckdb")
        seed(database)
        database.close()
        server = AppServer(home, _free_port(), options)
        running.append(server)
        return server

    try:
        yield start
    finally:
        for server in running:
            server.stop()


@pytest.fixture
def connect() -> Iterator[Callable[[AppServer], Line]]:
    """Yield a function that puts a line in front of a server."""
    lines: list[Line] = []

    def start(server: AppServer) -> Line:
        lines.append(Line(server))
        return lines[-1]

    yield start
    for line in lines:
        line.close()


@pytest.fixture
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
        if server.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log = (server.home / "server.log").read_text(errors="replace")
    pytest.fail(f"The server did not start within {START_SECONDS} s. Its log:\n{log}")


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        end.shutdown(socket.SHUT_RDWR)
    end.close()
