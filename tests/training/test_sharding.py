"""A base model divided among processes: its run ends, stops and resumes as any other does."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file

from db.connection import Database
from eci.model.eci_model import EciModel
from tests.support.runs import files_of, make_run_dir, progress_of, states_of
from tests.support.waiting import wait_for
from training.joint.memory import DecoderShape
from training.joint.sharding import exceeds
from training.launchers.tasks import execute_stored
from training.run.run_dir import RunDir
from training.settings.launchers import AccelerateLauncher
from training.settings.training import get_preset

LLAMA_13B = DecoderShape(5120, 13824, 40, 40, 40, 128, 32000)


def losses_of(run_dir: RunDir) -> dict[int, float]:
    """Return the loss by step; a step done again after a resume counts with its last one."""
    return {told["step"]: told["loss"] for told in progress_of(run_dir) if "loss" in told}


def cancel_in_its_steps(run_dir: RunDir) -> None:
    wait_for(lambda: run_dir.read_status().step >= 2)
    run_dir.request_cancel()


def test_shared_and_divided_runs_leave_what_one_process_leaves_after_a_stop_too(
    database: Database, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    steps = {"epochs": 100, "max_steps": 8, "checkpoint_steps": 2, "accumulation": 2}
    settings = {**tiny_settings, "optimizer": {**tiny_settings["optimizer"], **steps}}
    alone, whole, divided = (
        make_run_dir(database, tmp_path, settings, launcher)
        for launcher in (
            None,
            AccelerateLauncher(num_processes=2),
            AccelerateLauncher(num_processes=2, sharding="full"),
        )
    )
    for run_dir in (alone, whole):
        assert execute_stored(run_dir) == "succeeded", run_dir.read_status().message
    assert states_of(whole) == ["starting", "running", "succeeded"]

    canceller = threading.Thread(target=cancel_in_its_steps, args=(divided,))
    canceller.start()
    assert execute_stored(divided) == "cancelled", divided.read_status().message
    canceller.join()
    checkpoint = divided.latest_checkpoint()
    assert checkpoint is not None
    adapter = load_file(checkpoint / "adapter_model.safetensors")
    kept = load_file(whole.artifact_path / "adapter_model.safetensors")
    assert {name: adapter[name].shape for name in kept} == {n: t.shape for n, t in kept.items()}

    divided.withdraw_cancel()
    assert execute_stored(divided) == "succeeded", divided.read_status().message

    expected = losses_of(whole)
    assert losses_of(divided) == {n: pytest.approx(expected[n], rel=1e-2) for n in range(1, 9)}
    # bfloat16 on some processors: rows padded to other lengths round differently.
    assert losses_of(alone) == {n: pytest.approx(loss, rel=3e-2) for n, loss in expected.items()}
    assert files_of(alone) == files_of(whole) == files_of(divided)
    rows = [pq.read_table(r.predictions_path).to_pylist() for r in (alone, whole, divided)]
    assert len({tuple(row["item_id"] for row in told) for told in rows}) == 1
    for one, other in zip(*rows[1:], strict=True):
        assert other["head_probabilities"] == pytest.approx(one["head_probabilities"], abs=0.05)
    model = EciModel.load(
        tiny_settings["model"]["base"], tmp_path, artifact=divided.artifact_path, quantization="nf4"
    )
    assert set(model.label_sets) == {"pubmedqa"}


def test_auto_divides_what_a_card_would_not_hold() -> None:
    settings = get_preset("qlora-13b").settings
    assert exceeds(LLAMA_13B, settings, num_processes=2, card_bytes=12 * 10**9)
    assert not exceeds(LLAMA_13B, settings, num_processes=2, card_bytes=24 * 10**9)
