"""What the Training page shows of a run: its latest figures, its curves, its place in history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from training.run_dir import Event
from training.status import Status

MAX_CURVE_POINTS = 600
"""More points than pixels only make a refresh slow."""

STATE_WORDS: Mapping[str, str] = {
    "queued": "Waiting for the device",
    "starting": "Starting",
    "running": "Training",
    "succeeded": "Finished",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
}


@dataclass(frozen=True)
class Progress:
    """The figures of a run's latest progress event, and its curves so far.

    Each value is None where the run has not said it yet. ``curves`` maps ``loss``, ``lm_loss``,
    ``eci_loss`` and ``learning_rate`` to one value a step of ``steps``.
    """

    step: int = 0
    num_steps: int = 0
    tokens_per_second: float | None = None
    rss_bytes: float | None = None
    seconds_left: float | None = None
    learning_rate: float | None = None
    steps: tuple[int, ...] = ()
    curves: Mapping[str, tuple[float | None, ...]] | None = None

    @property
    def share(self) -> float:
        """How much is done, in [0, 1]."""
        return min(self.step / self.num_steps, 1.0) if self.num_steps else 0.0


_Point = tuple[int, Mapping[str, Any]]
_CURVES = ("loss", "lm_loss", "eci_loss", "learning_rate")
_FIGURES = ("tokens_per_second", "rss_bytes", "seconds_left", "learning_rate")


def summarise_progress(events: Iterable[Event]) -> Progress:
    """Gather the progress events of a run; a step told twice (after a resume) counts once.

    Args:
        events: All events of the run, oldest first.
    """
    told: list[_Point] = []
    num_steps = 0
    for event in events:
        step = event.fields.get("step")
        if event.kind != "progress" or not isinstance(step, int):
            continue
        # A resumed run repeats the steps after its checkpoint: what it says last is what holds.
        while told and told[-1][0] >= step:
            told.pop()
        told.append((step, event.fields))
        num_steps = event.fields.get("num_steps") or num_steps
    if not told:
        return Progress()
    last_step, last = told[-1]
    drawn = _thin(told)
    return Progress(
        step=last_step,
        num_steps=num_steps,
        **{name: _number(last.get(name)) for name in _FIGURES},
        steps=tuple(step for step, _ in drawn),
        curves={name: tuple(_number(fields.get(name)) for _, fields in drawn) for name in _CURVES},
    )


def describe_duration(seconds: float | None) -> str:
    """Write a duration in the two largest units: ``3 min 20 s``; a dash where there is none."""
    if seconds is None:
        return "–"
    whole = max(round(seconds), 0)
    for unit, size, smaller, smaller_size in (("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def describe_bytes(size: float | None) -> str:
    """Write a size in GiB or MiB; a dash where there is none."""
    if size is None:
        return "–"
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def run_seconds(status: Status, now: datetime | None = None) -> float | None:
    """Give how long a run has worked, until now or until its end; None before it began."""
    if status.started_at is None:
        return None
    end = status.finished_at or (now or datetime.now(UTC))
    return max((end - status.started_at).total_seconds(), 0.0)


def expected_seconds(
    durations: Sequence[tuple[str, float]], preset: str
) -> tuple[float, int] | None:
    """Say how long a preset will take, judged by earlier runs on this machine.

    Args:
        durations: Preset and duration in seconds of each finished run.
        preset: The preset to be started.

    Returns:
        The median duration and the number of runs behind it; None without an earlier run.
    """
    own = sorted(seconds for name, seconds in durations if name == preset)
    if not own:
        return None
    middle = len(own) // 2
    median = own[middle] if len(own) % 2 else (own[middle - 1] + own[middle]) / 2
    return median, len(own)


def _thin(points: list[_Point]) -> list[_Point]:
    """Keep at most ``MAX_CURVE_POINTS`` points, evenly spread, the last one always."""
    stride = -(-len(points) // MAX_CURVE_POINTS)
    return points[::-stride][::-1] if stride > 1 else points


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
