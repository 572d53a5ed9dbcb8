"""The run's own side: the frame around its work that says how it goes, until the very end."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import psutil

from db.records import TrainingState
from training.errors import LaunchError, RunDirError, Stopped
from training.run.device_lock import device_lock
from training.run.failures import explain
from training.run.process import ProcessId
from training.run.run_dir import Event, RunDir, resume_hint
from training.run.status import HEARTBEAT_SECONDS

HEAD_DEVICE = "head"
"""What runs wait for that fit a head on cached features: they need no turn on a processor."""
FINISHED = "Finished."
"""All that a run says at its end where it left nothing out."""
PROGRESS_SECONDS = 0.25
"""Progress goes to disk this often, in one write for all of it."""


class RunContext:
    """What the work of a run is given: where it writes, what it reports, when it must stop.

    Of several processes that share the work, the first alone writes, reports and decides to stop.
    """

    def __init__(self, run_dir: RunDir, *, rank: int = 0, num_processes: int = 1) -> None:
        self.run_dir = run_dir
        self.rank = rank
        self.num_processes = num_processes
        self._signalled = False
        self._is_running = False
        self._process = psutil.Process()
        self._lock = threading.Lock()
        self._pending: list[Event] = []
        self._is_over = False
        self._warnings: list[str] = []
        self._first_step: tuple[int, float] | None = None
        self._step = (0, 0)

    @property
    def is_first(self) -> bool:
        """Return whether this process writes the results; the only one of a run always does."""
        return self.rank == 0

    def should_stop(self) -> bool:
        """Return whether the run or its process was asked to stop; cheap, ask every step."""
        return self.is_first and (self._signalled or self.run_dir.is_cancel_requested())

    def check_stop(self) -> None:
        """Raise if the run should stop; ``execute`` catches it.

        Raises:
            Stopped: It should.
        """
        if self.should_stop():
            raise Stopped

    def report_progress(self, *, step: int, num_steps: int, **metrics: Any) -> None:
        """Report that ``step`` of ``num_steps`` steps are done, with their figures.

        The first report, which may be of step 0, makes the run ``running``. Memory and the time
        left are added unless given. Every report reaches the disk, the last one too.
        """
        if not self.is_first:
            return
        if not self._is_running:
            self._is_running = True
            self.run_dir.enter_state("running", "Running.")
        moment = time.monotonic()
        if self._first_step is None or step < self._first_step[0]:
            self._first_step = (step, moment)
        figures = {
            "step": step,
            "num_steps": num_steps,
            "rss_bytes": self._process.memory_info().rss,
            "seconds_left": self._seconds_left(step, num_steps, moment),
            **metrics,
        }
        with self._lock:
            self._pending.append(Event(datetime.now(UTC), "progress", figures))
            self._step = (step, num_steps)

    def report_evaluation(self, **figures: Any) -> None:
        """Append the figures of an evaluation to the events."""
        if not self.is_first:
            return
        self.flush()
        self.run_dir.append_event("evaluation", **figures)

    def report_message(self, text: str) -> None:
        """Report in one sentence what the run is doing now."""
        if not self.is_first:
            return
        self.flush()
        self.run_dir.update_status(message=text)
        self.run_dir.append_event("message", text=text)

    def warn(self, texts: Iterable[str]) -> None:
        """Report what a run that succeeds leaves out or cannot do; its last message repeats it."""
        for text in texts if self.is_first else ():
            self._warnings.append(text)
            self.run_dir.append_event("message", text=text)

    @property
    def success(self) -> str:
        """Return the last message of a run that succeeded."""
        return " ".join([FINISHED, *self._warnings])

    def flush(self) -> None:
        """Write the progress that is still only in memory."""
        with self._lock:
            if self._pending:
                self.run_dir.append_events(self._pending)
                self._pending = []
                step, num_steps = self._step
                self.run_dir.update_status(step=step, num_steps=num_steps)

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the step; before the first one, or when asked twice, stop here and now."""
        del signum, frame
        at_once = self._signalled or not self._is_running
        self._signalled = True
        if at_once and not self._is_over:
            raise Stopped

    def finish(self, state: TrainingState, message: str) -> None:
        """Write the last words of the run, on a full disk too; signals no longer disturb."""
        self._is_over = True
        self.run_dir.release_reserve()
        with suppress(OSError):
            self.flush()
        end = datetime.now(UTC)
        self.run_dir.enter_state(state, message, heartbeat_at=end, finished_at=end)

    def _seconds_left(self, step: int, num_steps: int, moment: float) -> float | None:
        if self._first_step is None or step <= self._first_step[0]:
            return None
        first, since = self._first_step
        return round((moment - since) / (step - first) * (num_steps - step), 1)


def execute(
    run_dir: RunDir, work: Callable[[RunContext], None], *, device: str = "cpu"
) -> TrainingState:
    """Execute a run in this process, from waiting for the device to its last state.

    Whatever happens in ``work``, the run ends in a state with a message that a person can act on;
    tracebacks go to standard error, which is the run's log. A return from ``work`` after it was
    asked to stop counts as having stopped, not as success.

    Args:
        run_dir: The run; its settings need not be readable, ``work`` may be what finds out.
        work: Trains, evaluates and writes the results. It asks ``should_stop`` at each step.
        device: Name of what it computes on. Runs that give the same name take turns.

    Returns:
        The state it ended in.

    Raises:
        LaunchError: Another process works on this run.
        RunDirError: The status of the run cannot be read.
    """
    _refuse_if_taken(run_dir)
    context = RunContext(run_dir)
    identity = ProcessId.of(os.getpid())
    run_dir.update_status(
        state="queued",
        device=device,
        pid=identity.pid,
        pid_created_at=identity.created_at,
        heartbeat_at=datetime.now(UTC),
        finished_at=None,
    )
    with _signals(context), pulse(context):
        state, message = _work_to_end(context, work, device)
        context.finish(state, message)
    return state


def _refuse_if_taken(run_dir: RunDir) -> None:
    status = run_dir.read_status()
    process = status.process
    if status.is_active and process and process.pid != os.getpid() and process.is_alive():
        raise LaunchError(
            f"Run {run_dir.run_id} is {status.state} in process {process.pid}, so this one leaves "
            "it alone. Wait for its end, or cancel it first."
        )


def _work_to_end(
    context: RunContext, work: Callable[[RunContext], None], device: str
) -> tuple[TrainingState, str]:
    run_dir = context.run_dir
    try:
        run_dir.keep_reserve()
        with device_lock(run_dir, device, context.check_stop):
            run_dir.enter_state("starting", "Starting.", started_at=datetime.now(UTC))
            work(context)
        context.check_stop()
    except (Stopped, KeyboardInterrupt):
        return _stopped(run_dir)
    except (Exception, SystemExit) as error:
        run_dir.release_reserve()
        with suppress(OSError):  # the log may lie on the disk that is full
            traceback.print_exc()
        return "failed", explain(error, run_dir)
    return "succeeded", context.success


def _stopped(run_dir: RunDir) -> tuple[TrainingState, str]:
    if run_dir.is_cancel_requested():
        return "cancelled", "Cancelled."
    continues = run_dir.job_path, run_dir.answers_path
    if run_dir.latest_checkpoint() is None and not any(path.exists() for path in continues):
        return "cancelled", (
            "Stopped from outside (a shutdown, or a signal) before its first checkpoint. "
            "Start it again to train from the beginning."
        )
    return "interrupted", f"Stopped from outside (a shutdown, or a signal). {resume_hint(run_dir)}"


@contextmanager
def _signals(context: RunContext) -> Iterator[None]:
    """Handle SIGTERM and SIGINT as a request to stop.

    Not in a thread of the app, where a short run may be done: signals are the main thread's.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, context.on_signal) for number in caught]
    try:
        yield
    finally:
        for number, handler in zip(caught, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def pulse(context: RunContext) -> Iterator[None]:
    """Update the heartbeat and the progress on disk while one step takes long."""
    beaten_at = time.monotonic()

    def beat() -> None:
        nonlocal beaten_at
        context.flush()
        if time.monotonic() - beaten_at >= HEARTBEAT_SECONDS:
            beaten_at = time.monotonic()
            context.run_dir.heartbeat()

    # A full disk is for the work to find out, and to explain.
    with repeated(beat, PROGRESS_SECONDS, OSError, RunDirError):
        yield


@contextmanager
def repeated(
    work: Callable[[], object], seconds: float, *passed: type[Exception]
) -> Iterator[None]:
    """Run work in a thread again and again, ``seconds`` apart, until the block ends.

    Args:
        passed: Errors of the work that stop nothing; it is done again.
    """
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(seconds):
            with suppress(*passed):
                work()

    thread = threading.Thread(target=repeat, name="repeated work", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
