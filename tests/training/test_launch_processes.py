"""A run shared by two processes: it learns what one process learns, and ends as one run does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import torch

from db.connection import Database
from db.retraining.snapshot import freeze
from tests.support.runs import (
    make_run_dir,
    wait_for_end,
    wait_for_step,
)
from tests.support.waiting import wait_for
from training.control.launch import cancel, launch
from training.errors import SettingsError
from training.launchers.tasks import execute_stored
from training.run.execution import RunContext
from training.run.run_dir import RunDir
from training.settings.launchers import AccelerateLauncher
from training.settings.training import OptimizerSettings, share_step

TWO = AccelerateLauncher(num_processes=2)
# Trains some steps in float32 and leaves the losses of each and the parameters after the last.
STEPS = """
import os, sys
from pathlib import Path
import torch
from transformers import TrainerCallback, TrainingArguments
from db.retraining.snapshot import load_snapshot
from eci.model.base_model import load_base
from eci.model.eci_model import build
from eci.model.encoding import PromptSettings
from training.joint.adapter import add_adapter
from training.data.dataset import build_training_data, to_rows
from training.run.process_group import join_group
from training.joint.sharding import is_sharded, shard
from training.settings.training import LoraSettings, DataSettings, OptimizerSettings, share_step
from training.joint.trainer import EciTrainer, RowDataset

base_dir, snapshot_dir, meeting, out, *shardings = sys.argv[1:]
rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
if world > 1:
    join_group(Path(meeting), rank, world, device="cpu")
data = build_training_data(
    load_snapshot(Path(snapshot_dir)), DataSettings(shots=(0,), dev_fraction=0.0), 0
)

def train(sharding):
    base = load_base(base_dir, Path(out), quantization="none", device="cpu")
    base.model.float()
    torch.manual_seed(0)
    model = build(base, dropout=0.0, prompts=PromptSettings(max_prompt_tokens=900))
    add_adapter(model, LoraSettings(rank=4, alpha=8, dropout=0.0), checkpointing=sharding == "full")
    if sharding == "full":
        shard(model.model, "cpu")
    assert is_sharded(model.model) == (sharding == "full")
    rows, _ = to_rows(model, data.train, 24)
    # 22 rows in steps of 8: the last is not full. Answers of many lengths, some without a label.
    rows = [
        type(r)(r.prompt, r.label_set_id, r.regions, r.options, r.answer[: 1 + 3 * (i % 7)],
                -100 if i % 5 == 0 else r.label)
        for i, r in enumerate(rows[:22])
    ]
    batch_size, accumulation = share_step(
        OptimizerSettings(batch_size=2, accumulation=4), world
    )
    losses = []

    class Keep(TrainerCallback):
        def on_step_end(self, *args, **kwargs):
            losses.append(list(trainer.all_reduce_step(False)[0].values()))

    trainer = EciTrainer(
        model=model.model,
        args=TrainingArguments(
            output_dir=out, per_device_train_batch_size=batch_size,
            gradient_accumulation_steps=accumulation, num_train_epochs=2, learning_rate=0.01,
            lr_scheduler_type="constant", max_grad_norm=1.0, save_strategy="no", use_cpu=True,
            remove_unused_columns=False, label_names=["labels", "cls_labels"], report_to=[],
            disable_tqdm=True, ddp_find_unused_parameters=True,
        ),
        train_dataset=RowDataset(rows), pad_id=model.encoder.pad_id, weight=0.5,
        head_learning_rate=0.01, callbacks=[Keep()],
    )
    trainer.train()
    if rank == 0:
        trained = {n: p.detach() for n, p in model.model.named_parameters() if p.requires_grad}
        torch.save({"losses": losses, "parameters": trained}, Path(out) / f"{sharding}.pt")

for sharding in shardings:
    train(sharding)
"""


def train_together(arguments: list[str], num_processes: int) -> None:
    command = [sys.executable, "-c", STEPS, *arguments]
    group = {"WORLD_SIZE": str(num_processes), "LOCAL_WORLD_SIZE": str(num_processes)}
    processes = [
        subprocess.Popen(
            command, env={**os.environ, **group, "RANK": str(rank), "LOCAL_RANK": str(rank)}
        )
        for rank in range(num_processes)
    ]
    assert [process.wait(150) for process in processes] == [0] * num_processes


@pytest.fixture
def snapshot_dir(database: Database, tmp_path: Path) -> Path:
    freeze(database.cursor(), tmp_path / "snapshot", created_by="tests")
    return tmp_path / "snapshot"


def test_two_processes_learn_what_one_learns_with_a_whole_base_model_and_a_divided_one(
    tmp_path: Path, tiny_model_dir: Path, snapshot_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [str(tiny_model_dir), str(snapshot_dir), str(tmp_path / "group")]
    alone, shared = tmp_path / "one", tmp_path / "two"
    for out in (alone, shared):
        out.mkdir()
    monkeypatch.setattr(sys, "argv", ["steps", *arguments, str(alone), "none"])
    exec(compile(STEPS, "steps", "exec"), {"__name__": "steps"})  # noqa: S102
    one = torch.load(alone / "none.pt", weights_only=True)
    assert len(one["losses"]) == 6
    assert any("eci_head" in name for name in one["parameters"])
    assert any("lora_B" in name for name in one["parameters"])
    train_together([*arguments, str(shared), "none", "full"], 2)
    for sharding in ("none", "full"):
        two = torch.load(shared / f"{sharding}.pt", weights_only=True)
        for expected, given in zip(one["losses"], two["losses"], strict=True):
            assert given == pytest.approx(expected, rel=1e-4)
        for name, expected in one["parameters"].items():
            torch.testing.assert_close(two["parameters"][name], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("batch_size", "accumulation", "num_processes", "expected"),
    [(4, 1, 1, (4, 1)), (4, 1, 2, (2, 1)), (4, 4, 2, (4, 2)), (3, 2, 2, (3, 1)), (6, 2, 3, (4, 1))],
)
def test_a_step_is_shared_without_changing_it(
    batch_size: int, accumulation: int, num_processes: int, expected: tuple[int, int]
) -> None:
    optimizer = OptimizerSettings(batch_size=batch_size, accumulation=accumulation)
    assert share_step(optimizer, num_processes) == expected


def test_a_step_that_cannot_be_shared_is_refused_with_what_can() -> None:
    with pytest.raises(SettingsError, match="Take 1, 2, 4 processes"):
        share_step(OptimizerSettings(batch_size=4), 3)


def test_shared_predictions_are_those_of_one_process(
    database: Database, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    settings = {
        "model": {**tiny_settings["model"], "quantization": "none"},
        # Alone in its batch, an item is rounded the same wherever it is answered.
        "evaluation": {"max_new_tokens": 4, "batch_size": 1},
    }
    runs = [make_run_dir(database, tmp_path, settings, n, task="predict") for n in (None, TWO)]
    for run_dir in runs:
        assert execute_stored(run_dir) == "succeeded", run_dir.read_status().message
    one, two = (pq.read_table(run_dir.predictions_path).to_pylist() for run_dir in runs)
    for expected, given in zip(one, two, strict=True):
        for changes in ("run_id", "latency_seconds"):
            del expected[changes], given[changes]
        assert given == expected


@pytest.fixture
def long_run(database: Database, runs_dir: Path, tiny_settings: dict[str, Any]) -> RunDir:
    """A shared run, started as the app starts it, that would go on for long."""
    optimizer = {**tiny_settings["optimizer"], "epochs": 100, "max_steps": 100_000}
    settings = {**tiny_settings, "optimizer": {**optimizer, "checkpoint_steps": 1000}}
    run_dir = make_run_dir(database, runs_dir, settings, TWO)
    launch(run_dir)
    return run_dir


def workers_of(run_dir: RunDir) -> list[psutil.Process]:
    pid = run_dir.read_status().pid
    assert pid
    return [p for p in psutil.Process(pid).children() if "training.launchers.worker" in p.cmdline()]


def test_cancel_stops_all_processes_after_one_step_with_a_checkpoint(long_run: RunDir) -> None:
    wait_for_step(long_run, 2)
    workers = workers_of(long_run)
    assert len(workers) == 2
    before = long_run.read_status().heartbeat_at
    wait_for(lambda: long_run.read_status().heartbeat_at != before)
    cancel(long_run)
    wait_for_end(long_run, "cancelled")
    assert not any(worker.is_running() for worker in workers)
    checkpoint = long_run.latest_checkpoint()
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{long_run.read_status().step}"


def test_a_process_that_dies_ends_the_run_as_failed_and_says_which(long_run: RunDir) -> None:
    wait_for_step(long_run, 2)
    first, second = workers_of(long_run)
    assert second.environ()["RANK"] == "1"
    second.kill()
    wait_for_end(long_run, "failed")
    message = long_run.read_status().message
    assert "Process 2 of 2 was ended by signal 9" in message
    assert not first.is_running()


def test_the_others_end_with_the_process_that_watches_them(long_run: RunDir) -> None:
    wait_for_step(long_run, 2)
    workers = workers_of(long_run)
    pid = long_run.read_status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_for_end(long_run, "interrupted")
    wait_for(lambda: not any(worker.is_running() for worker in workers))


def test_what_all_processes_fail_on_is_told_once(
    database: Database, tmp_path: Path, tiny_settings: dict[str, Any]
) -> None:
    model = {**tiny_settings["model"], "base": str(tmp_path / "nowhere")}
    run_dir = make_run_dir(database, tmp_path, {**tiny_settings, "model": model}, TWO)
    assert execute_stored(run_dir) == "failed"
    assert "does not exist" in run_dir.read_status().message


def test_only_the_first_process_reports_and_decides(tmp_path: Path) -> None:
    run_dir = RunDir.create(tmp_path, "test", datetime.now(UTC))
    run_dir.request_cancel()
    other = RunContext(run_dir, rank=1, num_processes=2)
    other.report_progress(step=1, num_steps=2)
    other.report_message("Nobody hears this.")
    other.report_evaluation(loss=1.0)
    assert not other.should_stop()
    assert run_dir.read_events()[0] == []
    assert RunContext(run_dir).should_stop()
