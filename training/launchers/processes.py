"""Several processes of this machine that share one run's work: start them, watch them, end them.

They are children in the run's own process group, so what kills the run kills them. They are not
started by ``accelerate launch``: its agent outlives a killed parent, and ends everything at SIGTERM
before a checkpoint is written.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from training.errors import Stopped, WorkerError
from training.run.execution import RunContext
from training.run.failures import again
from training.run.run_dir import RunDir

EXIT_STOPPED = 75
"""Exit code of a process that stopped because it was asked to."""
_POLL_SECONDS = 0.1
# A process that dies takes the others' connections with it: theirs are consequences, not causes.
_SETTLE_SECONDS = 1.0

STOP_SIGNAL = signal.SIGUSR1
"""Tells the first process to stop. Others reach the whole group, some of them twice."""


def run_processes(context: RunContext, num_processes: int) -> None:
    """Execute a run in several processes; returns when all have finished.

    Raises:
        Stopped: The run was asked to stop, and they have.
        WorkerError: One of them failed or died; the others are ended.
    """
    with TemporaryDirectory(prefix="llamacare-") as name:
        group = _Group(context, Path(name))
        try:
            group.start(num_processes)
            try:
                group.wait()
            except Stopped:
                # A signal, which may come at any moment. The next one ends them here and now.
                group.ask_to_stop()
                group.wait()
        finally:
            group.kill()
    context.check_stop()


def error_path(meeting: Path, rank: int) -> Path:
    """Return the file in which a process says why it failed."""
    return meeting / f"failed-{rank}.txt"


class _Group:
    """The processes, from their start to the end of the last one."""

    def __init__(self, context: RunContext, meeting: Path) -> None:
        self._context = context
        self._meeting = meeting
        self._processes: list[subprocess.Popen[bytes]] = []
        self._is_asked = False

    def start(self, num_processes: int) -> None:
        for rank in range(num_processes):
            self._processes.append(_start(self._context, rank, num_processes, self._meeting))

    def wait(self) -> None:
        """Return when all have succeeded. Raises Stopped or WorkerError where one has not."""
        while any(process.poll() is None for process in self._processes):
            if any(process.poll() for process in self._processes):
                break
            if self._context.should_stop():
                self.ask_to_stop()
            time.sleep(_POLL_SECONDS)
        if any(process.poll() for process in self._processes):
            time.sleep(_SETTLE_SECONDS)
            codes = [process.poll() for process in self._processes]
            if EXIT_STOPPED in codes or self._context.should_stop():
                raise Stopped
            raise WorkerError(_why(self._context.run_dir, codes, self._meeting))

    def ask_to_stop(self) -> None:
        """Return the first process, once; it decides, so that all stop after the same step."""
        if not self._is_asked:
            self._is_asked = True
            self._processes[0].send_signal(STOP_SIGNAL)

    def kill(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


def _start(
    context: RunContext, rank: int, num_processes: int, meeting: Path
) -> subprocess.Popen[bytes]:
    threads = max(1, (os.cpu_count() or 1) // num_processes)
    environment = {
        "OMP_NUM_THREADS": str(threads),
        **_loopback_alone(),
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(num_processes),
        "LOCAL_WORLD_SIZE": str(num_processes),
    }
    path = str(context.run_dir.path.resolve())
    return subprocess.Popen(  # noqa: S603 - the command is ours and no shell reads it
        [sys.executable, "-m", "training.launchers.worker", path, str(meeting), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def _loopback_alone() -> dict[str, str]:
    """Restrict the traffic between the processes to the loopback interface."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == "127.0.0.1" for address in addresses):
            return {"GLOO_SOCKET_IFNAME": name}
    return {}


def _why(run_dir: RunDir, codes: Sequence[int | None], meeting: Path) -> str:
    """Describe which process ended the run, and how.

    Args:
        codes: Exit codes by rank; negative for a signal, None where one still runs.
    """
    of = len(codes)
    for rank, code in enumerate(codes):
        if code is not None and code < 0:
            return (
                f"Process {rank + 1} of {of} was ended by signal {-code} "
                f"({signal.Signals(-code).name}); the others cannot go on without it and were "
                "ended. Signal 9 comes from a person or from the system when memory runs out: "
                f"take fewer processes or a smaller batch then. {again(run_dir)}"
            )
    said = [path for rank in range(of) if (path := error_path(meeting, rank)).exists()]
    if said:
        return min(said, key=lambda path: path.stat().st_mtime_ns).read_text(encoding="utf-8")
    rank, code = next((rank, code) for rank, code in enumerate(codes) if code)
    return (
        f"Process {rank + 1} of {of} ended with exit code {code} before it could report why. The "
        f"end of the log has details: {run_dir.log_path}. {again(run_dir)}"
    )
