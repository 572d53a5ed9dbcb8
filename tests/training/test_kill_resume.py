"""A run killed with SIGKILL between checkpoints resumes and ends like one that nobody touched."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from db.connection import Database
from tests.support.runs import make_run_dir, progress_of, told_by, wait_for_end, wait_for_state
from tests.support.waiting import wait_for
from training.control.launch import launch
from training.run.run_dir import RunDir

TOLERANCE = 1e-6
"""Of losses, parameters and probabilities: one machine, one order of additions."""


def _newest_step(run_dir: RunDir) -> int:
    steps = progress_of(run_dir)
    return int(steps[-1]["step"]) if steps else 0


def _curve(run_dir: RunDir, name: str) -> dict[int, float]:
    """Return a figure by step; a step done again after a resume counts with its last figure."""
    return {fields["step"]: fields[name] for fields in progress_of(run_dir) if name in fields}


def test_a_run_killed_between_checkpoints_ends_like_an_unbroken_one(
    database: Database, runs_dir: Path, tiny_settings: dict[str, Any]
) -> None:
    # Dropout, so that a random state that is not restored shows.
    settings = tiny_settings | {
        "lora": tiny_settings["lora"] | {"dropout": 0.2},
        "head": {"dropout": 0.2},
        "optimizer": tiny_settings["optimizer"] | {"max_steps": 13, "checkpoint_steps": 3},
    }
    unbroken, killed = (make_run_dir(database, runs_dir, settings) for _ in range(2))
    launch(unbroken)
    wait_for_end(unbroken, "succeeded")

    launch(killed)
    wait_for(
        lambda: killed.latest_checkpoint() and _newest_step(killed) % 3 == 1,
        explain=lambda: told_by(killed),
    )
    pid = killed.read_status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for_state(killed, "interrupted")
    checkpoint = killed.latest_checkpoint()
    assert checkpoint is not None and checkpoint.name in killed.read_status().message
    reached = len(progress_of(killed))

    launch(killed)
    wait_for_end(killed, "succeeded")
    resumed_at = progress_of(killed)[reached]["step"]
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
