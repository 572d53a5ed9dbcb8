"""One of several processes that share a run's work: ``python -m training.launchers.worker``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from training.errors import Stopped
from training.launchers.processes import EXIT_STOPPED, STOP_SIGNAL, error_path
from training.launchers.tasks import work_of
from training.run.execution import RunContext, pulse
from training.run.failures import explain
from training.run.run_dir import RunDir

_WATCH_SECONDS = 0.5


def main(folder: str, meeting: str, parent: str) -> int:
    """Execute this process's part of the run.

    Args:
        meeting: Folder in which the processes find each other and leave word of failures.
        parent: Id of the process that watches this one.

    Returns:
        The exit code.
    """
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    rank, num_processes = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    context = RunContext(RunDir(Path(folder)), rank=rank, num_processes=num_processes)
    for number in (signal.SIGTERM, signal.SIGINT):
        # They reach the whole group, and the one that watches it passes them on in its own way.
        signal.signal(number, signal.SIG_IGN)
    try:
        if context.is_first:
            signal.signal(STOP_SIGNAL, context.on_signal)
            with pulse(context):
                try:
                    _work(context, Path(meeting))
                finally:
                    context.flush()
        else:
            _work(context, Path(meeting))
    except (Stopped, KeyboardInterrupt):
        return EXIT_STOPPED
    except (Exception, SystemExit) as error:
        error_path(Path(meeting), rank).write_text(explain(error, context.run_dir), "utf-8")
        traceback.print_exc()
        return 1
    return 0


def _work(context: RunContext, meeting: Path) -> None:
    from training.run.process_group import join_group

    stored = context.run_dir.read_settings()
    device = str(stored["settings"]["model"]["device"])
    join_group(meeting / "group", context.rank, context.num_processes, device=device)
    work_of(stored.get("task"))(context)


def _end_with(parent: int) -> None:
    """Exit when the process that watches this one is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    # No clean-up of libraries: a connection to a process that died may never answer.
    code = main(*sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
