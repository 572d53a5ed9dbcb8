"""What a run is called in a list of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from db.records import Run


def run_names(runs: Sequence[Run]) -> dict[str, str]:
    """Return each run's name by its id; runs of the same name are distinguished by their id."""
    counts = Counter(run.name for run in runs)
    return {
        run.run_id: run.name if counts[run.name] == 1 else f"{run.name} ({run.run_id})"
        for run in runs
    }
