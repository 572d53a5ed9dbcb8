"""The app on a free port over one home folder, and a headless Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

import streamlit_app

APP = Path(streamlit_app.__file__).with_name("app.py")
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_STARTING_SECONDS = 120
_CALM_SECONDS = 120
_CALM_PERCENT = 5


class Server:
    """One app over the database in a folder, on a port of its own; its log is in the folder."""

    def __init__(self, home: Path, environment: Mapping[str, str], app: Path = APP) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.home, self.url = home, f"http://localhost:{port}"
        self._log = home / "server.log"
        self._command = [sys.executable, "-m", "streamlit", "run", str(app)]
        self._command.append(f"--server.port={port}")
        # Features ahead are a process of their own that a run's end or a kill does not stop.
        ours = {"LLAMACARE_HOME": str(home), "LLAMACARE_FEATURES_AHEAD": "0"}
        self._environment = {**os.environ, **ours, **environment}
        self.start()

    def start(self) -> None:
        """Start the app; where it ran before, on the same port and database.

        Raises:
            SystemExit: It did not start.
        """
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=APP.parents[1],
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if not _is_healthy(self.url):
            self.kill()
            raise SystemExit(f"The app did not start:\n{self._log.read_text('utf-8')[-2000:]}")

    def wait_until_calm(self) -> None:
        """Wait, two minutes at most, until what it counts once after its start is counted."""
        process = psutil.Process(self.process.pid)
        for _ in range(_CALM_SECONDS // 3):
            if process.cpu_percent(3) < _CALM_PERCENT:
                return

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
def serving(home: Path, app: Path = APP, /, **environment: str) -> Iterator[Server]:
    """Serve the database in a folder, where the server writes its log too.

    Args:
        home: The folder.
        app: Another script than the app's, to compare with.
        **environment: Variables for the server alone.

    Raises:
        SystemExit: The app did not start.
    """
    server = Server(home, environment, app)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def _is_healthy(url: str) -> bool:
    deadline = time.monotonic() + _STARTING_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # noqa: S310
            return True
        time.sleep(0.05)
    return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open a headless browser: the system's, or else Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()
