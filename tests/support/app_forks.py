"""Servers of the app for tests, forked from a process that has imported all of it already.

A server of its own for each test takes 5 s of imports; its fork takes a tenth of one, and is as
real: a process with its own database, which can be killed.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import psutil

import streamlit_app
from training.control import launch

APP = Path(streamlit_app.__file__).with_name("app.py")
_SCRIPTS = ("streamlit_app.app", "streamlit_app.shell", "streamlit_app.views")
"""Run by the server, not imported."""


class AppForks:
    """Starts servers from one process that waits, until it is closed."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._parent = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=APP.parents[1],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, home: Path, port: int, options: Sequence[str]) -> psutil.Process:
        """Start a server over the database in a folder, where its log is too."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        order = {"home": str(home), "port": port, "options": list(options)}
        self._parent.stdin.write(f"{json.dumps(order)}\n")
        self._parent.stdin.flush()
        return psutil.Process(int(self._parent.stdout.readline()))

    def close(self) -> None:
        """End the process that waits, and with it the servers that are left."""
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(20)


def main() -> None:
    """Import the app, then fork a server for each line that comes."""
    for module in pkgutil.walk_packages(streamlit_app.__path__, "streamlit_app."):
        if not module.name.startswith(_SCRIPTS):
            importlib.import_module(module.name)
    # Beside other tests a run that gives way would wait for minutes, and its test with it.
    launch.give_way = lambda pid: None
    assert threading.active_count() == 1, "a fork would lack what other threads do"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # servers that end leave nothing behind
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _serve(Path(order["home"]), order["port"], order["options"])
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _serve(home: Path, port: int, options: Sequence[str]) -> NoReturn:
    from streamlit.web import cli

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with what waits
    os.environ["LLAMACARE_HOME"] = str(home)
    log = os.open(home / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    status = 1
    try:
        cli.main(["run", str(APP), f"--server.port={port}", *options], standalone_mode=False)
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
