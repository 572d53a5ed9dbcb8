"""The earlier run that a run starts from: its artifact, and what its adapter has learned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from db.paths import runs_dir
from training.errors import DataError
from training.run.result_tables import RECORDS
from training.run.run_dir import RunDir

UNKNOWN_LEARNING: Final = (
    "What its adapter has learned from is unknown: figures on items that were part of it are too "
    "good."
)
"""Of adapters that no run of this store has trained."""


@dataclass(frozen=True)
class ArtifactSource:
    """The run whose artifact is started from; none for the base model alone."""

    run_dir: RunDir | None

    @classmethod
    def of(cls, run_id: str | None) -> ArtifactSource:
        """Find the run that settings name as ``artifact_run_id``.

        Raises:
            DataError: That run has no artifact.
        """
        if run_id is None:
            return cls(None)
        run_dir = RunDir(runs_dir() / run_id)
        if not run_dir.artifact_path.is_dir():
            raise DataError(
                f"Run {run_id} has no artifact, so nothing can start from it. Name a run that "
                "succeeded, or none for the base model alone."
            )
        return cls(run_dir)

    @property
    def artifact(self) -> Path | None:
        """Return the folder of its artifact."""
        return self.run_dir.artifact_path if self.run_dir else None

    def learned_item_ids(self) -> frozenset[str]:
        """Return the items that its adapter learned from, as far as runs of this store show.

        An adapter may have learned in several runs, each of which started from the one before.
        """
        return frozenset(
            record.item_id
            for run_dir in self.runs()
            if run_dir.read_settings().get("task") == "train"
            for record in RECORDS.read(run_dir.records_path)
            if record.fold == "train"
        )

    def describe_unknown_learning(self) -> list[str]:
        """Describe in one sentence that no run shows what its adapter learned from, if so."""
        is_adopted = any(run_dir.read_settings().get("task") == "adopt" for run_dir in self.runs())
        return [UNKNOWN_LEARNING] if is_adopted else []

    def adapter_run(self) -> RunDir | None:
        """Return the run that last changed the adapter; None where there is none."""
        trained = (
            run_dir
            for run_dir in self.runs()
            if run_dir.read_settings().get("task") in ("train", "adopt")
        )
        return next(trained, None)

    def runs(self) -> Iterator[RunDir]:
        """Yield the run, then the one that it started from, and so on."""
        run_dir = self.run_dir
        passed: set[str] = set()
        while run_dir is not None and run_dir.run_id not in passed:
            passed.add(run_dir.run_id)
            yield run_dir
            parent = run_dir.read_source()
            run_dir = RunDir(runs_dir() / parent) if parent else None
