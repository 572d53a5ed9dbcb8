"""The app's side of a run: start its process, request it to stop, read its status.

The process is its own session, so it lives on when the app, its tab or its terminal goes away.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import psutil
from filelock import FileLock

from db.paths import home_dir
from training.errors import LaunchError, RunDirError, TrainingError
from training.run.process import ProcessId
from training.run.run_dir import RunDir, current_status, end_of_abandoned
from training.run.status import Status
from training.settings.endpoints import SECONDS_TO_FINISH

GRACE_SECONDS = 10.0
"""How long a run may take to stop on its own before ``reap`` kills it."""
ENDPOINT_GRACE_SECONDS = SECONDS_TO_FINISH + GRACE_SECONDS
"""The same of a run that asks an endpoint: what it drops is paid for twice."""

# Added to the scheduling priority of a run; higher yields.
_NICENESS = 19

# By pid: the runs that this process started and that have not ended, for their exit codes.
_children: dict[int, subprocess.Popen[bytes]] = {}


def launch(run_dir: RunDir, *, python: str = sys.executable) -> None:
    """Start the process of a new run, or resume one that was interrupted, cancelled or failed.

    Returns at once; the run waits in its own process for its device.

    Raises:
        LaunchError: The run is going on or has succeeded, or no process could be started.
        RunDirError: The run directory is damaged.
    """
    launch_command(run_dir, [python, "-m", "training", "execute", str(run_dir.path.resolve())])


def launch_command(run_dir: RunDir, command: Sequence[str]) -> None:
    """Start a run like ``launch``, with the command given; it must call ``execute``."""
    with FileLock(run_dir.path / ".launch.lock"):
        _refuse_unless_startable(run_dir)
        now = datetime.now(UTC)
        run_dir.withdraw_cancel()
        run_dir.enter_state(
            "queued",
            "Starting the run's process.",
            device=None,
            pid=None,
            pid_created_at=None,
            queued_at=now,
            heartbeat_at=now,
            started_at=None,
            finished_at=None,
        )
        process = _start(run_dir, command)
        identity = ProcessId.of(process.pid)
        run_dir.update_status(pid=identity.pid, pid_created_at=identity.created_at)
    _children[process.pid] = process
    threading.Thread(target=_watch, args=(run_dir, process), daemon=True).start()


def cancel(run_dir: RunDir) -> None:
    """Request a run to stop; one that is not active is left alone.

    Returns at once. The run ends after the step it is in; ``reap`` kills it if it does not.
    """
    if not run_dir.read_status().is_active:
        return
    run_dir.request_cancel()
    # Read again: a process recorded in between sees the request, and the signal wakes it.
    process = run_dir.read_status().process
    if process is not None:
        process.ask_to_stop()
    settle(run_dir)


def reap(run_dir: RunDir) -> Status:
    """Poll a run: kill it if it ignores its cancel, write down its end if its process is gone.

    Never waits, so a page may call it each time it is drawn.

    Raises:
        RunDirError: The run directory is damaged.
    """
    status = run_dir.read_status()
    requested_at = run_dir.cancel_requested_at()
    if status.is_active and status.process is not None and requested_at is not None:
        waited = (datetime.now(UTC) - requested_at).total_seconds()
        if waited > GRACE_SECONDS and (waited > ENDPOINT_GRACE_SECONDS or not _asks(run_dir)):
            status.process.kill()
    return settle(run_dir)


def _asks(run_dir: RunDir) -> bool:
    """Return whether a run asks an endpoint; one with damaged settings does not."""
    try:
        return run_dir.asks_endpoint()
    except RunDirError:
        return False


def settle(run_dir: RunDir) -> Status:
    """Write down the end of a run whose process is gone without doing so; give the status.

    Where the disk is too full to write, the status is given all the same.

    Raises:
        RunDirError: The run directory is damaged.
    """
    status = run_dir.read_status()
    if not status.is_abandoned:
        return status
    process = status.process
    end = end_of_abandoned(run_dir, _exit_code(process))
    try:
        run_dir.release_reserve()
        run_dir.enter_state(
            # Not when it wrote its end itself meanwhile, or was started again.
            condition=lambda now: now.process == process and now.is_abandoned,
            **end,
            finished_at=datetime.now(UTC),
        )
    except OSError:
        return current_status(run_dir)
    return run_dir.read_status()


def _refuse_unless_startable(run_dir: RunDir) -> None:
    status = current_status(run_dir)
    if status.state == "succeeded":
        raise LaunchError(
            f"Run {run_dir.run_id} has already succeeded, so it cannot be started again. "
            "Start a new run instead."
        )
    if status.is_active and status.process is not None:
        raise LaunchError(
            f"Run {run_dir.run_id} is {status.state} (process {status.pid}), so it cannot be "
            "started a second time. Wait for its end, or cancel it first."
        )


def _start(run_dir: RunDir, command: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "LLAMACARE_HOME": str(home_dir()),
        "PYTHONUNBUFFERED": "1",  # the log is read while it is written
        "PYTHONFAULTHANDLER": "1",  # a crash in native code leaves its stack in the log
        "TOKENIZERS_PARALLELISM": "false",
    }
    try:
        with run_dir.log_path.open("ab") as log:
            # The command is ours and no shell reads it.
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        message = (
            f"The process of run {run_dir.run_id} could not be started: {error} (command: "
            f"{' '.join(command)}). Check that the installation is complete and the disk not full, "
            "then start it again."
        )
        run_dir.enter_state("failed", message, finished_at=datetime.now(UTC))
        raise LaunchError(message) from error
    give_way(process.pid)
    return process


def give_way(pid: int) -> None:
    """Restrict a process to time that no other wants, so that reviewing stays fast."""
    with suppress(psutil.Error):
        # From here and not in the run itself: every thread started later inherits it.
        psutil.Process(pid).nice(_NICENESS)
    if sys.platform == "linux":
        # Low priority still keeps a core until its turn is over; this gives way at once.
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def _watch(run_dir: RunDir, process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a child, so that it leaves no zombie and its exit code is known."""
    process.wait()
    with suppress(OSError, TrainingError):  # the directory may be gone by now
        settle(run_dir)
    del _children[process.pid]


def _exit_code(process: ProcessId | None) -> int | None:
    child = _children.get(process.pid) if process is not None else None
    if child is None:
        return None
    # It is dead already; this waits only while `_watch` collects it.
    with suppress(subprocess.TimeoutExpired):
        return child.wait(timeout=1.0)
    return None
