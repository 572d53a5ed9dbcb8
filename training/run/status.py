"""What a run reports about itself, and whether its process is still alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from db.conversions import Moment
from db.records import TrainingState
from training.run.process import ProcessId

HEARTBEAT_SECONDS = 5.0
"""How often a run says that it is alive."""
STALE_SECONDS = 15.0
"""How long a run without a recorded process may take to get one."""
ACTIVE_STATES: frozenset[TrainingState] = frozenset({"queued", "starting", "running"})
"""States in which a process works or waits; every other state is final until a new launch."""

_Steps = Annotated[int, Field(ge=0, lt=2**31)]


@dataclass(frozen=True)
class Status:
    """What ``status.json`` says. All times are aware UTC.

    ``device`` is set from the moment the run waits for its turn on it. ``step`` counts optimizer
    steps; ``num_steps`` is 0 until it is known. ``queued_at`` is the time of the last launch.
    """

    state: TrainingState
    message: str = ""
    step: _Steps = 0
    num_steps: _Steps = 0
    device: str | None = None
    pid: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    pid_created_at: Moment | None = None
    queued_at: Moment | None = None
    started_at: Moment | None = None
    heartbeat_at: Moment | None = None
    finished_at: Moment | None = None

    @property
    def is_active(self) -> bool:
        """Return whether a process works on the run or waits to."""
        return self.state in ACTIVE_STATES

    @property
    def process(self) -> ProcessId | None:
        """Return the process that the run was last given, None before there was one."""
        if self.pid is None or self.pid_created_at is None:
            return None
        return ProcessId(self.pid, self.pid_created_at)

    @property
    def is_abandoned(self) -> bool:
        """Return whether the run is active by its own report, and its process is gone.

        That is so when no process of this machine has the recorded pid and creation time; or when
        none was recorded for ``STALE_SECONDS``, because the process that made the directory never
        got to start it. A process that lives never abandons its run, however old the heartbeat: one
        step may take minutes.
        """
        if not self.is_active:
            return False
        if self.process is not None:
            return not self.process.is_alive()
        since = self.heartbeat_at or self.queued_at
        return since is None or (datetime.now(UTC) - since).total_seconds() > STALE_SECONDS


_ADAPTER: Final = TypeAdapter(Status)


def parse_status(value: Mapping[str, Any]) -> Status:
    """Read a status out of a JSON object; fields of another version are left aside.

    Raises:
        ValidationError: A field is missing or holds what it cannot hold.
    """
    return _ADAPTER.validate_python(value)
