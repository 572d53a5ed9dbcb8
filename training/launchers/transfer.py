"""How a run directory travels: what goes to the cluster, what comes back, under which names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir
from typing import Final

from training.data.artifact_source import ArtifactSource
from training.launchers.storage import Storage
from training.run.json_files import read_object
from training.run.run_dir import RunDir

_GOING: Final = ("settings.json", "status.json", "snapshot")
_REPORTED: Final = ("status.json", "events.jsonl", "energy.json")
"""Uploaded while the run is active."""
RESULTS: Final = (
    "artifact",
    "records.parquet",
    "held_out.parquet",
    "out_of_fold.parquet",
    "predictions.parquet",
    "metrics.json",
    "energy.json",
)
"""Files of a run directory that a run leaves, except for its own status."""
_LEARNED_THERE: Final = ("base_fingerprint", "versions")
"""Settings that only the process which loaded the model knows."""


def send(run_dir: RunDir, storage: Storage) -> None:
    """Upload what a run reads to the storage; checkpoints of an earlier attempt stay there."""
    storage.delete(f"{run_dir.run_id}/{name}" for name in _REPORTED)
    for name in _GOING:
        storage.upload(run_dir.path / name, f"{run_dir.run_id}/{name}")
    for number, source in enumerate(ArtifactSource.of(run_dir.read_source()).runs()):
        # Of the runs before that one, only what they learned from is asked.
        for name in ("settings.json", "records.parquet", *(["artifact"] if number == 0 else [])):
            if (source.path / name).exists():
                storage.upload(
                    source.path / name, f"{run_dir.run_id}/source/{source.run_id}/{name}"
                )


def bring_back(run_dir: RunDir, storage: Storage) -> None:
    """Download the results of a run and remove them from the storage."""
    for name in RESULTS:
        storage.download(f"{run_dir.run_id}/{name}", run_dir.path / name)
    there = run_dir.path / ".settings-there.json"
    storage.download(f"{run_dir.run_id}/settings.json", there)
    learned = read_object(there)
    there.unlink()
    mine = run_dir.read_settings()
    run_dir.write_settings(mine | {k: learned[k] for k in _LEARNED_THERE if k in learned})
    storage.delete([run_dir.run_id])


@contextmanager
def unpacked(run_id: str, storage: Storage, *, name: str) -> Iterator[RunDir]:
    """Return the run directory on a node of the cluster, in a home that is gone afterwards.

    Args:
        storage: Where ``send`` put it.
        name: Tells this process's home from those of others on the node.
    """
    # Owner in the name: on a node that several people use, one cannot prepare another's home.
    shared = Path(gettempdir()) / f"llamacare-{os.getuid()}"
    shared.mkdir(mode=0o700, exist_ok=True)
    if shared.stat().st_uid != os.getuid():
        raise PermissionError(f"{shared} belongs to someone else.")
    home = shared / f"{run_id}-{name}"
    models = shared / "models"
    (home / "runs").mkdir(parents=True, exist_ok=True)
    models.mkdir(exist_ok=True)
    if not (home / "models").exists():
        (home / "models").symlink_to(models, target_is_directory=True)
    os.environ["LLAMACARE_HOME"] = str(home)
    try:
        storage.download(run_id, home / "runs" / run_id)
        run_dir = RunDir(home / "runs" / run_id)
        source = run_dir.path / "source"
        for found in source.iterdir() if source.is_dir() else ():
            found.rename(home / "runs" / found.name)
        # The process that it names is one of the machine that sent it.
        run_dir.update_status(state="queued", pid=None, pid_created_at=None)
        yield run_dir
    finally:
        rmtree(home, ignore_errors=True)


class Reporter:
    """The cluster's side of an active run: uploads what is new, keeps its newest checkpoint."""

    def __init__(self, run_dir: RunDir, storage: Storage) -> None:
        self._run_dir = run_dir
        self._storage = storage
        self._uploaded: dict[str, int] = {}

    def report(self) -> None:
        """Upload what is new since the last call."""
        checkpoint = self._run_dir.latest_checkpoint()
        if checkpoint is not None and checkpoint.name not in self._uploaded:
            self._uploaded[checkpoint.name] = 0
            folder = f"{self._run_dir.run_id}/checkpoints"
            self._storage.upload(checkpoint, f"{folder}/{checkpoint.name}")
            older = set(self._storage.list_folders(folder)) - {checkpoint.name}
            self._storage.delete(f"{folder}/{name}" for name in older)
        for name in _REPORTED:
            path = self._run_dir.path / name
            changed_at = path.stat().st_mtime_ns if path.exists() else 0
            if changed_at != self._uploaded.get(name, 0):
                self._uploaded[name] = changed_at
                self._storage.upload(path, f"{self._run_dir.run_id}/{name}")

    def finish(self) -> None:
        """Upload all results; the status, which marks them complete, comes last."""
        for name in ("settings.json", *RESULTS):
            path = self._run_dir.path / name
            if path.exists():
                self._storage.upload(path, f"{self._run_dir.run_id}/{name}")
        self.report()
