"""What a run reads from its directory before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from pydantic import BaseModel

from db.retraining.snapshot import Snapshot, load_snapshot
from training.run.json_files import unusable
from training.run.run_dir import RunDir
from training.settings.training import parse_as

Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True)
class Job(Generic[Settings]):
    """A run as its directory describes it."""

    run_dir: RunDir
    settings: Settings
    snapshot: Snapshot

    @classmethod
    def read(cls, run_dir: RunDir, kind: type[Settings]) -> Self:
        """Read the settings of a kind and the snapshot.

        Raises:
            TrainingError: They do not fit.
            DbError: The snapshot cannot be read.
        """
        stored = run_dir.read_settings().get("settings")
        if stored is None:
            raise unusable(run_dir.settings_path, "has no settings of its task (settings)")
        settings = parse_as(kind, stored, str(run_dir.settings_path))
        return cls(run_dir, settings, load_snapshot(run_dir.snapshot_path))
