"""A store for hostile inputs, and what it holds after each of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from hostile.samples import BASE, sample
from safetensors.numpy import save_file

from db.connection import Database
from db.errors import DbError
from db.importers import import_file
from db.people.reviewers import add_reviewer
from db.records import Prediction
from db.retraining.snapshot import freeze
from eci.errors import EciError
from eci.model.artifact import HEAD_FILE, ArtifactInfo, write_info
from training.errors import TrainingError
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir
from training.run.status import Status

OUR_ERRORS: Final = (DbError, EciError, TrainingError)
_TABLES: Final = (
    *("item", "run", "prediction", "answer_reading", "reviewer", "annotation", "training_run"),
    *("training_state", "training_record", "model_version", "run_energy", "out_of_fold"),
)
_MOMENT: Final = datetime(2026, 3, 1, tzinfo=UTC)


class Store:
    """An open database with a few items, and a sound artifact, snapshot and run to be damaged."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "inputs"
        self.folder.mkdir()
        self.database = Database.open()
        path = self.folder / "base.jsonl"
        path.write_bytes(sample("items", BASE)["items.jsonl"])
        import_file(self.database, "items", path)
        with self.database.transaction() as cur:
            self.reviewer_id = add_reviewer(cur, "Ada", "admin").reviewer_id
        self.snapshot = home / "sound-snapshot"
        with self.database.transaction() as cur:
            freeze(cur, self.snapshot, created_by="benchmark")
        presets = files("training.settings").joinpath("presets").iterdir()
        self.presets = [preset.read_bytes() for preset in sorted(presets, key=str)]
        self.artifact = home / "sound-artifact"
        _make_artifact(self.artifact)
        self._run = RunDir(home / "sound-run")
        _make_run(self._run)
        self._held = self._fingerprint()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.database.close()

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Assert that an input that is refused leaves the store as it was."""
        before = self._held
        try:
            yield
        except OUR_ERRORS:
            self._held = self._fingerprint()
            assert self._held == before, "a refused file changed the store"
            raise
        self._held = self._fingerprint()

    def accept(self) -> None:
        """Record that the store may have changed as it has."""
        self._held = self._fingerprint()

    def copy_run(self, run_dir: RunDir) -> None:
        """Write a sound run that succeeded under another id."""
        shutil.copytree(self._run.path, run_dir.path)
        prediction = Prediction(run_dir.run_id, f"{BASE}-0", "The answer is A.", "A")
        PREDICTIONS.write(run_dir.predictions_path, [prediction])

    def is_whole_run(self, run_id: str) -> bool:
        """Return whether a run is stored with its prediction and as succeeded."""
        states = self._rows(
            "select count(*) from training_state where run_id = $id and state = 'succeeded'", run_id
        )
        return self.count_run(run_id) == (1, 1) and states == [(1,)]

    def count_run(self, run_id: str) -> tuple[int, int]:
        """Return how many rows of runs and predictions there are of a run."""
        (counts,) = self._rows(
            "select (select count(*) from run where run_id = $id), "
            "(select count(*) from prediction where run_id = $id)",
            run_id,
        )
        return counts

    def _rows(self, statement: str, run_id: str) -> list[Any]:
        return self.database.cursor().execute(statement, {"id": run_id}).fetchall()

    def _fingerprint(self) -> list[Any]:
        # Only constants of this module are put together.
        parts = (
            f"select '{table}', count(*), bit_xor(hash({table})) from {table}"  # noqa: S608
            for table in _TABLES
        )
        return self.database.cursor().execute(" union all ".join(parts)).fetchall()


def _make_artifact(folder: Path) -> None:
    folder.mkdir()
    tensors = {"option_weight": np.zeros(8, np.float32), "option_scale": np.ones((), np.float32)}
    save_file(tensors, folder / HEAD_FILE)
    fields = {
        "base": {"name": "tiny", "fingerprint": "sha256:0", "quantization": "none"},
        "template": "three_step_v2",
        "template_digest": "0",
        "max_prompt_tokens": 768,
        "shots": 0,
        "head": {"hidden_size": 8, "label_sets": {"pubmedqa": 3}, "pooling": "last"},
        "label_sets": {
            "pubmedqa": {
                "labels": [{"name": name} for name in ("yes", "no", "maybe")],
                "verbalizers": [[1], [2], [3]],
            }
        },
        "calibration": {"pubmedqa": {"temperature": 1.25, "num_items": 60}},
        "has_adapter": False,
    }
    write_info(folder, ArtifactInfo.model_validate(fields))


def _make_run(run_dir: RunDir) -> None:
    run_dir.path.mkdir()
    run_dir.write_settings(
        {
            "preset": "smoke",
            "task": "train",
            "started_by": "Ada",
            "settings": {"seed": 1, "model": {"base": "bundled:smollm2-135m"}},
        }
    )
    accuracy = {"accuracy": {"value": 0.5, "n": 4, "interval": {"low": 0.1, "high": 0.9}}}
    run_dir.write_metrics({"pubmedqa": {"n": 4, "head": accuracy}})
    status = Status("succeeded", "Finished.", 3, 3, finished_at=_MOMENT, started_at=_MOMENT)
    run_dir._write_status(status)
    run_dir.append_event("progress", step=3, num_steps=3, loss=0.5)
    energy = {"energy_kwh": 0.1, "emissions_kg": 0.1, "duration_seconds": 60.0}
    (run_dir.energy_path).write_text(json.dumps({**energy, "country": "WLD", "is_estimated": True}))
    _make_artifact(run_dir.artifact_path)
