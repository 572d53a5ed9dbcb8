"""A run killed with SIGKILL between checkpoints resumes and ends like one that nobody touched."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from db.connection import Database
from db.retraining.snapshot import freeze
from training.control.launch import launch, reap
from training.run.run_dir import RunDir, list_run_dirs

PATIENCE_SECONDS = 120.0
TOLERANCE = 1e-6
"""Of losses, parameters and probabilities: one machine, one order of additions."""


def _wait_for(run_dir: RunDir, condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{run_dir.read_status()}\n{run_dir.tail_log()}"
        time.sleep(0.05)


def _steps(run_dir: RunDir) -> list[dict[str, Any]]:
    return [event.fields for event in run_dir.read_events()[0] if event.kind == "progress"]


def _newest_step(run_dir: RunDir) -> int:
    steps = _steps(run_dir)
    return int(steps[-1]["step"]) if steps else 0


def _curve(run_dir: RunDir, name: str) -> dict[int, float]:
    """Give a figure by step; a step done again after a resume counts with its last figure."""
    return {fields["step"]: fields[name] for fields in _steps(run_dir) if name in fields}


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "runs"
    for run_dir in list_run_dirs(tmp_path / "runs"):
        process = run_dir.read_status().process
        if process is not None:
            process.kill()


def test_a_run_killed_between_checkpoints_ends_like_an_unbroken_one(
    database: Database, runs_dir: Path, tiny_settings: dict[str, Any]
) -> None:
    # Dropout, so that a random state that is not restored shows.
    settings = tiny_settings | {
        "lora": tiny_settings["lora"] | {"dropout": 0.2},
        "head": {"dropout": 0.2},
        "optimizer": tiny_settings["optimizer"] | {"max_steps": 13, "checkpoint_steps": 3},
    }
    unbroken, killed = (RunDir.create(runs_dir, name, datetime.now(UTC)) for name in "ab")
    for run_dir in (unbroken, killed):
        freeze(database.cursor(), run_dir.snapshot_path, created_by="tests")
        run_dir.write_settings({"settings": settings, "preset": "test"})
    launch(unbroken)
    _wait_for(unbroken, lambda: not reap(unbroken).is_active)
    assert unbroken.read_status().state == "succeeded", unbroken.tail_log()

    launch(killed)
    _wait_for(killed, lambda: killed.latest_checkpoint() and _newest_step(killed) % 3 == 1)
    pid = killed.read_status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _wait_for(killed, lambda: reap(killed).state == "interrupted")
    checkpoint = killed.latest_checkpoint()
    assert checkpoint is not None and checkpoint.name in killed.read_status().message
    reached = len(_steps(killed))

    launch(killed)
    _wait_for(killed, lambda: not reap(killed).is_active)
    assert killed.read_status().state == "succeeded", killed.tail_log()
    resumed_at = _steps(killed)[reached]["step"]
    assert checkpoint.name == f"checkpoint-{resumed_at}", "it began again"

    for name in ("loss", "lm_loss", "eci_loss", "learning_rate"):
        assert _curve(killed, name) == pytest.approx(_curve(unbroken, name), abs=TOLERANCE), name
    for file in ("adapter_model.safetensors", "eci_head.safetensors"):
        one, other = (load_file(run.artifact_path / file) for run in (unbroken, killed))
        assert one.keys() == other.keys()
        for name, values in one.items():
            assert values == pytest.approx(other[name], abs=TOLERANCE), name
    for label_set in ("pubmedqa", "options"):
        one, other = (run.read_metrics()[label_set] for run in (unbroken, killed))
        assert one["head"]["accuracy"] == other["head"]["accuracy"]
        assert one["calibration"]["brier"]["value"] == pytest.approx(
            other["calibration"]["brier"]["value"], abs=TOLERANCE
        )
