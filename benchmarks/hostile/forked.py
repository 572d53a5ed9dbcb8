"""Children that start in milliseconds: forked from a process that has imported the product.

A child does one call and may be killed, abort, or hang; what it writes to its output file before
that remains. The parent has no thread and no database open, so that a fork is safe.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]


class Forks:
    """Starts children; used by one thread."""

    def __init__(self) -> None:
        paths = [str(ROOT), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
        self._server = subprocess.Popen(
            [sys.executable, str(HERE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()

    def start(
        self, call: str, home: Path, output: Path, limit_seconds: int = 60, **rest: Any
    ) -> int:
        """Start ``module:function(**rest)`` with a home and return the process id.

        The child's standard output and error are the output file. It is killed with SIGALRM after
        the limit.
        """
        order = {"call": call, "home": str(home), "output": str(output), "limit": limit_seconds}
        return int(self._ask({**order, "rest": rest}))

    def wait(self, pid: int) -> int:
        """Wait for a child and return its exit code, negative for a signal."""
        return int(self._ask({"wait": pid}))

    def kill(self, pid: int) -> int:
        """Kill a child and return its exit code: that of its own, if it ended before."""
        os.kill(pid, signal.SIGKILL)  # it is there, if only as a zombie, until it is waited for
        return self.wait(pid)

    def run(self, call: str, home: Path, output: Path, **rest: Any) -> int:
        """Start a child, wait for it, and return its exit code."""
        return self.wait(self.start(call, home, output, **rest))

    def ask(self, call: str, home: Path, output: Path, **rest: Any) -> Any:
        """Return what a call prints as JSON in a child.

        Raises:
            AssertionError: The child failed; the message holds what it wrote.
        """
        output.unlink(missing_ok=True)
        code = self.run(call, home, output, **rest)
        text = output.read_text("utf-8", errors="replace")
        assert code == 0, f"{call} in {home}: exit {code}\n{text}"
        return json.loads(text.splitlines()[-1])

    def _ask(self, order: dict[str, Any]) -> str:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return self._server.stdout.readline()


def _serve() -> None:
    for name in ("db.cli.main", "training.control.ingest", "hostile.damaged", "hostile.kills"):
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _become(order)
        print(pid, flush=True)


def _become(order: dict[str, Any]) -> None:
    code = 1
    try:
        signal.alarm(order["limit"])
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ["LLAMACARE_HOME"] = order["home"]
        module, _, function = order["call"].partition(":")
        getattr(importlib.import_module(module), function)(**order["rest"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
