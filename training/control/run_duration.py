"""How long a run will take, judged by earlier runs on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from training.errors import TrainingError
from training.run.run_dir import list_run_dirs
from training.settings.launchers import LOCAL, Launcher

_MAX_RUNS = 20
_LOCALLY = LOCAL.model_dump(mode="json")


@dataclass(frozen=True)
class Expected:
    """What a run of this name took: the median of ``num_runs`` earlier ones."""

    seconds: float
    num_runs: int


def expected_seconds(runs_dir: Path, name: str, launcher: Launcher = LOCAL) -> Expected | None:
    """Return the median duration of the newest runs that succeeded; None where there is none.

    Args:
        name: Of the preset, or of the tier where it has none.
    """
    where = launcher.model_dump(mode="json")
    durations: list[float] = []
    for run_dir in list_run_dirs(runs_dir):
        try:
            status = run_dir.read_status()
            stored = run_dir.read_settings()
            is_alike = stored["preset"] == name and stored.get("launcher", _LOCALLY) == where
        except (TrainingError, KeyError, OSError):
            continue
        is_alike = is_alike and status.state == "succeeded"
        if is_alike and status.started_at and status.finished_at:
            durations.append((status.finished_at - status.started_at).total_seconds())
        if len(durations) == _MAX_RUNS:
            break
    return Expected(median(durations), len(durations)) if durations else None


def describe_expected(expected: Expected | None) -> str:
    """Describe how long a run will take here, or that this is not known yet."""
    if expected is None:
        return "It has not run on this machine yet, so its time is not known."
    count = expected.num_runs
    runs = "the one earlier run" if count == 1 else f"the median of {count} earlier runs"
    return f"Expected time: about {describe_duration(expected.seconds)}, {runs} here."


def describe_duration(seconds: float | None) -> str:
    """Write a duration in the two largest units: ``3 min 20 s``; a dash where there is none."""
    if seconds is None:
        return "–"
    if 0 < seconds < 10:
        return f"{seconds:.1f} s"
    whole = max(round(seconds), 0)
    for unit, size, smaller, smaller_size in (("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
