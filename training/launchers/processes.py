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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from training.errors import Stopped, WorkerError
from training.execution import RunContext
from training.failures import again

EXIT_STOPPED = 75
"""Exit code of a process that stopped because it was asked to."""
_POLL_SECONDS = 0.1
# A process that dies takes the others' connections with it: theirs are consequences, not causes.
_SETTLE_SECONDS = 1.0

_Processes = Sequence[subprocess.Popen[bytes]]


def run_processes(context: RunContext, num_processes: int) -> None:
    """Let several processes do the work of a run together; returns when all have done it.

    Raises:
        Stopped: The run was asked to stop, and they have.
        WorkerError: One of them failed or died; the others are ended.
    """
    with TemporaryDirectory(prefix="llamacare-") as name:
        meeting = Path(name)
        with _started(context, num_processes, meeting) as processes:
            try:
                _wait(context, processes, meeting)
            except Stopped:
                if any(process.poll() is not None for process in processes):
                    raise
                processes[0].terminate()
                _wait(context, processes, meeting)
            context.check_stop()


def error_path(meeting: Path, rank: int) -> Path:
    """Give the file in which a process says why it failed."""
    return meeting / f"failed-{rank}.txt"


@contextmanager
def _started(context: RunContext, num_processes: int, meeting: Path) -> Iterator[_Processes]:
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(num_processes):
            processes.append(_start(context, rank, num_processes, meeting))
        yield processes
    finally:
        for process in processes:
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
    """Keep what the processes say to each other off the network."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == "127.0.0.1" for address in addresses):
            return {"GLOO_SOCKET_IFNAME": name}
    return {}


def _wait(context: RunContext, processes: _Processes, meeting: Path) -> None:
    is_asked = False
    while any(process.poll() is None for process in processes):
        if any(process.poll() for process in processes):
            break
        if not is_asked and context.should_stop():
            is_asked = True
            # The first process decides, so that all of them stop after the same step.
            processes[0].terminate()
        time.sleep(_POLL_SECONDS)
    _raise_failure(context, processes, meeting)


def _raise_failure(context: RunContext, processes: _Processes, meeting: Path) -> None:
    if not any(process.poll() for process in processes):
        return
    time.sleep(_SETTLE_SECONDS)
    codes = [process.poll() for process in processes]
    if EXIT_STOPPED in codes or context.should_stop():
        raise Stopped
    of = len(processes)
    for rank, code in enumerate(codes):
        if code is not None and code < 0:
            raise WorkerError(
                f"Process {rank + 1} of {of} was ended by signal {-code} "
                f"({signal.Signals(-code).name}); the others cannot go on without it and were "
                "ended. Signal 9 comes from a person or from the system when memory runs out: "
                f"take fewer processes or a smaller batch then. {again(context.run_dir)}"
            )
    said = [path for rank in range(of) if (path := error_path(meeting, rank)).exists()]
    if said:
        first = min(said, key=lambda path: path.stat().st_mtime_ns)
        raise WorkerError(first.read_text(encoding="utf-8"))
    rank, code = next((rank, code) for rank, code in enumerate(codes) if code)
    raise WorkerError(
        f"Process {rank + 1} of {of} ended with exit code {code} before it could say why. The end "
        f"of the log tells more: {context.run_dir.log_path}. {again(context.run_dir)}"
    )
