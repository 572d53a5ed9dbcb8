"""One run per device at a time; the others wait in the order in which they were started."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from training.errors import RunDirError
from training.run.run_dir import RunDir, list_run_dirs
from training.run.status import Status

_POLL_SECONDS = 0.25
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@contextmanager
def device_lock(
    run_dir: RunDir, device: str, check_stop: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Lock a device for one run; while another holds it, wait and report in the status for whom.

    The lock belongs to this process: the system frees it when the process ends, however it ends.
    The run's status must already name ``device``.

    Args:
        run_dir: The run that asks; its neighbours are the other runs.
        device: Name of what is computed on, such as ``cpu`` or ``cuda:0``.
        check_stop: Called between two looks; raises when the run should wait no longer.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", device)
    lock = FileLock(run_dir.path.parent / f".device-{name}.lock")
    said = ""
    while True:
        check_stop()
        ahead = _queued_ahead(run_dir, device)
        if not ahead and _try_acquire(lock):
            break
        message = _whose_turn(run_dir, device, len(ahead))
        if message != said:
            run_dir.update_status(message=message)
            said = message
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _try_acquire(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _queued_ahead(run_dir: RunDir, device: str) -> list[str]:
    mine = _ticket(run_dir, run_dir.read_status())
    return [
        other.run_id
        for other, status in _others(run_dir, device)
        if status.state == "queued" and _ticket(other, status) < mine
    ]


def _whose_turn(run_dir: RunDir, device: str, num_ahead: int) -> str:
    holders = [
        other.run_id for other, status in _others(run_dir, device) if status.state != "queued"
    ]
    at_work = f"run {holders[0]} is at work" if holders else "it is about to be free"
    before = f"; {num_ahead} more before this one" if num_ahead else ""
    return f"Waiting for {device}: {at_work}{before}."


def _others(run_dir: RunDir, device: str) -> Iterator[tuple[RunDir, Status]]:
    for other in list_run_dirs(run_dir.path.parent):
        if other.run_id == run_dir.run_id:
            continue
        try:
            status = other.read_status()
        except RunDirError:
            continue  # a damaged neighbour is no reason to wait
        if status.is_active and status.device == device and not status.is_abandoned:
            yield other, status


def _ticket(run_dir: RunDir, status: Status) -> tuple[datetime, str]:
    return (status.queued_at or _LONG_AGO, run_dir.run_id)
