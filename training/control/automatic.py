"""Refits that start automatically after a correction: which they are, and how many are kept.

A person at work corrects some hundred items a day, so these runs must cost next to nothing: the
newest few stay, of the others only the lineage.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from db.connection import Database
from db.retraining.retired_runs import list_ended_refits, list_retired_ids, retire_runs
from training.run.run_dir import list_run_dirs

AFTER_CORRECTION: Final = "A correction."
"""What ``triggered_by`` says in the settings of such a run."""

NUM_KEPT: Final = 5
"""Each holds all corrections of the one before, so a person promotes the newest or none; four more
are there to compare it with while a correction is still fresh in mind."""


def is_automatic(settings: Mapping[str, Any]) -> bool:
    """Return by a run's settings whether it started automatically after a correction.

    Runs that a policy starts otherwise, every so often, count as asked for.
    """
    return settings.get("triggered_by") == AFTER_CORRECTION


def retire_automatic(database: Database, runs_dir: Path) -> tuple[str, ...]:
    """Retire all but the newest automatic refits: remove them from the lists and from the disk.

    One that is or ever was promoted or chosen by a person stays, and one that another run starts
    from or is compared with, or whose answers a queue shows. Files that cannot be removed now are
    removed the next time.

    Returns:
        The ids of the runs taken out now.
    """
    with database.transaction() as cur:
        refits = list_ended_refits(cur, AFTER_CORRECTION)
        surplus = tuple(refit.run_id for refit in refits[NUM_KEPT:] if not refit.is_needed)
        if surplus:
            retire_runs(cur, surplus)
        retired = list_retired_ids(cur)
    _remove([run.path for run in list_run_dirs(runs_dir) if run.run_id in retired], runs_dir)
    return surplus


def _remove(paths: Sequence[Path], runs_dir: Path) -> None:
    """Remove run directories; renamed first, so that no reader meets half of one."""
    for path in paths:
        with suppress(OSError):
            path.rename(path.with_name(f".{path.name}-retired"))
    for path in runs_dir.glob(".*-retired"):
        shutil.rmtree(path, ignore_errors=True)
