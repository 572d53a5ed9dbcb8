"""Processes identified for good: a pid alone is reused after a while."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

# A creation time is counted in clock ticks from a boot time that the kernel rounds to a second.
_CREATED_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True)
class ProcessId:
    """One process of this machine, now and after its pid has been given to another one."""

    pid: int
    created_at: datetime

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Identify a process that runs now.

        Raises:
            psutil.NoSuchProcess: It does not.
        """
        created = psutil.Process(pid).create_time()
        return cls(pid, datetime.fromtimestamp(created, UTC))

    def is_alive(self) -> bool:
        """Return whether this very process still runs; one that waits to be reaped does not."""
        try:
            process = psutil.Process(self.pid)
            if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                return False
            difference: float = process.create_time() - self.created_at.timestamp()
        except psutil.NoSuchProcess:
            return False
        return abs(difference) <= _CREATED_TOLERANCE_SECONDS

    def ask_to_stop(self) -> None:
        """Send SIGTERM, unless the process is gone."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the process, and to its whole group where it leads one."""
        if not self.is_alive():
            return
        with suppress(ProcessLookupError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
