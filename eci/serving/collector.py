"""Dynamic batching: what many callers ask for within a few milliseconds is computed together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from eci.errors import EciError

Asked = TypeVar("Asked")
Found = TypeVar("Found")


class BusyError(EciError):
    """More waits to be computed than the server takes on."""


@dataclass(frozen=True)
class _Job(Generic[Asked, Found]):
    asked: Sequence[Asked]
    arrived: float = field(default_factory=time.monotonic)
    found: Future[list[Found]] = field(default_factory=Future)


class Collector(Generic[Asked, Found]):
    """Compute what is asked for in one thread, as much together as has arrived.

    While a batch is computed the next one gathers, so under load batches are full without waiting;
    ``wait_seconds`` is what a lone caller loses, and what the first of a burst gains.

    Args:
        compute: Returns one result for each thing asked, in their order.
        most_together: How much is computed at once; one caller's request is never divided.
        most_waiting: How much may wait; more is refused.
        wait_seconds: How long the first to arrive waits for others.
    """

    def __init__(
        self,
        compute: Callable[[list[Asked]], list[Found]],
        *,
        most_together: int,
        most_waiting: int,
        wait_seconds: float = 0.004,
    ) -> None:
        self._compute = compute
        self._most_together = most_together
        self._wait_seconds = wait_seconds
        self.most_waiting = most_waiting
        self.num_waiting = 0
        self._jobs: deque[_Job[Asked, Found]] = deque()
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="collector", daemon=True)
        self._thread.start()

    @property
    def is_working(self) -> bool:
        """Return whether requests are still answered."""
        return self._thread.is_alive() and not self._is_closed

    def submit(self, asked: Sequence[Asked]) -> Future[list[Found]]:
        """Return the results of one caller's request as a future.

        Raises:
            BusyError: Too much waits already, or the server is about to stop.
        """
        with self._changed:
            if self._is_closed:
                raise BusyError("The server is about to stop. Send the request again in a moment.")
            if self.num_waiting + len(asked) > self.most_waiting:
                raise BusyError(
                    f"{self.num_waiting} questions are waiting and {len(asked)} more were sent; at "
                    f"most {self.most_waiting} may wait. Send them again in a moment."
                )
            job: _Job[Asked, Found] = _Job(asked)
            self.num_waiting += len(asked)
            self._jobs.append(job)
            self._changed.notify_all()
        return job.found

    def close(self) -> None:
        """Refuse more from now on, and return once everything that waits was computed."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while jobs := self._gather():
            # Who went away meanwhile is left out; from here on no caller can cancel any more.
            jobs = [job for job in jobs if job.found.set_running_or_notify_cancel()]
            if not jobs:
                continue
            asked = [one for job in jobs for one in job.asked]
            try:
                found = self._compute(asked)
            except Exception as error:
                for job in jobs:
                    job.found.set_exception(error)
                continue
            for job in jobs:
                job.found.set_result(found[: len(job.asked)])
                found = found[len(job.asked) :]

    def _gather(self) -> list[_Job[Asked, Found]]:
        """Return the next batch of requests; none once the collector is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._is_closed)
            if self._jobs:
                remaining = self._jobs[0].arrived + self._wait_seconds - time.monotonic()
                self._changed.wait_for(
                    lambda: self._is_closed or self.num_waiting >= self._most_together,
                    max(0.0, remaining),
                )
            jobs: list[_Job[Asked, Found]] = []
            size = 0
            while self._jobs and (
                not jobs or size + len(self._jobs[0].asked) <= self._most_together
            ):
                jobs.append(self._jobs.popleft())
                size += len(jobs[-1].asked)
            self.num_waiting -= size
            return jobs
