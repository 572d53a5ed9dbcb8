"""The run directory's files: whole, append-only, and readable after a kill in mid-write."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from training.data.job import Job
from training.errors import RunDirError
from training.run.run_dir import RunDir, current_status, list_run_dirs
from training.settings.training import PredictionSettings

NOW = datetime(2026, 11, 22, 19, 4, 55, tzinfo=UTC)


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "runs", "smoke", NOW)


def set_process(run_dir: RunDir, pid: int, created_at: datetime) -> None:
    run_dir.update_status(state="running", pid=pid, pid_created_at=created_at)


def own_creation_time() -> datetime:
    return datetime.fromtimestamp(psutil.Process().create_time(), UTC)


def test_id_sorts_by_time_and_names_the_preset(tmp_path: Path) -> None:
    first = RunDir.create(tmp_path, "smoke", NOW)
    second = RunDir.create(tmp_path, "My Settings.toml", NOW + timedelta(seconds=1))
    assert first.run_id.startswith("20261122-190455-smoke-")
    assert second.run_id.startswith("20261122-190456-my-settings-toml-")
    assert [entry.run_id for entry in list_run_dirs(tmp_path)] == [second.run_id, first.run_id]


def test_ids_of_the_same_second_differ(tmp_path: Path) -> None:
    ids = {RunDir.create(tmp_path, "smoke", NOW).run_id for _ in range(20)}
    assert len(ids) == 20


def test_new_run_is_queued(run_dir: RunDir) -> None:
    status = run_dir.read_status()
    assert (status.state, status.queued_at, status.process) == ("queued", NOW, None)
    assert current_status(run_dir).state == "queued"


def test_listing_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list_run_dirs(tmp_path / "none") == []


def test_status_round_trips(run_dir: RunDir) -> None:
    run_dir.update_status(state="running", step=3, num_steps=9, message="é \udc80", pid=4)
    run_dir.update_status(started_at=NOW)
    status = run_dir.read_status()
    assert (status.state, status.step, status.num_steps, status.pid) == ("running", 3, 9, 4)
    assert (status.started_at, status.message) == (NOW, "é \ufffd")


def test_status_of_another_version_is_read(run_dir: RunDir) -> None:
    value = json.loads(run_dir.status_path.read_text()) | {"colour": "red"}
    run_dir.status_path.write_text(json.dumps(value))
    assert run_dir.read_status().state == "queued"


def test_changes_from_many_threads_lose_nothing(run_dir: RunDir) -> None:
    names = ["message", "step", "num_steps", "device"]
    values = ["done", 7, 70, "cpu"]

    def change(name: str, value: object) -> None:
        for _ in range(10):
            run_dir.update_status(**{name: value})

    threads = [
        threading.Thread(target=change, args=pair) for pair in zip(names, values, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = run_dir.read_status()
    assert [status.message, status.step, status.num_steps, status.device] == values


def test_settings_and_metrics_round_trip_with_what_json_lacks(run_dir: RunDir) -> None:
    run_dir.write_settings({"seed": 13, "base_model": "bundled:smollm2-135m", "path": Path("a/b")})
    run_dir.write_metrics(
        {"head": {"accuracy": np.float32(0.5), "ece": math.nan}, "n": np.int64(4)}
    )
    assert run_dir.read_settings() == {
        "seed": 13,
        "base_model": "bundled:smollm2-135m",
        "path": "a/b",
    }
    assert run_dir.read_metrics() == {"head": {"accuracy": 0.5, "ece": None}, "n": 4}
    assert not [path for path in run_dir.path.iterdir() if path.name.startswith(".settings")]


def test_a_failed_write_leaves_the_old_file(run_dir: RunDir) -> None:
    run_dir.write_metrics({"accuracy": 0.5})
    with pytest.raises(TypeError, match="cannot hold"):
        run_dir.write_metrics({"accuracy": object()})
    assert run_dir.read_metrics() == {"accuracy": 0.5}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is missing"),
        ('{"state": "runn', "cannot be read"),
        ("[]", "holds a list"),
        ('{"state": "happy"}', "'happy'"),
        ('{"state": "running", "started_at": "yesterday"}', "'yesterday'"),
        ('{"state": "running", "step": "three"}', "'three'"),
    ],
)
def test_damaged_status_names_run_file_and_remedy(
    run_dir: RunDir, content: str | None, words: str
) -> None:
    if content is None:
        run_dir.status_path.unlink()
    else:
        run_dir.status_path.write_text(content)
    with pytest.raises(RunDirError) as caught:
        current_status(run_dir)
    assert words in str(caught.value)
    assert run_dir.run_id in str(caught.value)
    assert "Restore" in str(caught.value)


def test_events_are_read_from_where_the_last_reading_ended(run_dir: RunDir) -> None:
    assert run_dir.read_events() == ([], 0)
    run_dir.append_event("progress", step=1, loss=math.inf)
    events, offset = run_dir.read_events()
    assert [(event.kind, dict(event.fields)) for event in events] == [
        ("progress", {"step": 1, "loss": None})
    ]
    assert run_dir.read_events(offset) == ([], offset)
    run_dir.append_event("message", text="line\nbreak")
    events, end = run_dir.read_events(offset)
    assert [event.fields["text"] for event in events] == ["line\nbreak"]
    assert end == run_dir.events_path.stat().st_size


def test_torn_last_line_is_left_and_then_skipped(run_dir: RunDir) -> None:
    run_dir.append_event("progress", step=1)
    with run_dir.events_path.open("ab") as file:
        file.write(b'{"at": "2026-11-22T19:0')
    events, offset = run_dir.read_events()
    assert [event.fields["step"] for event in events] == [1]
    run_dir.append_event("progress", step=2)
    events, _ = run_dir.read_events(offset)
    assert [event.fields["step"] for event in events] == [2]


def test_an_offset_behind_the_end_starts_over(run_dir: RunDir) -> None:
    run_dir.append_event("progress", step=1)
    assert len(run_dir.read_events(10_000)[0]) == 1


def test_log_tail_has_whole_lines_and_the_end_of_progress_bars(run_dir: RunDir) -> None:
    assert run_dir.tail_log() == ""
    run_dir.log_path.write_bytes(b"first line\n 10%|#\r 50%|##\r100%|###\r\nlast \xff\n")
    assert run_dir.tail_log() == "first line\n100%|###\nlast �\n"
    assert run_dir.tail_log(max_bytes=35).startswith("100%|###")


def test_cancel_keeps_the_time_of_the_first_request(run_dir: RunDir) -> None:
    assert not run_dir.is_cancel_requested()
    run_dir.request_cancel()
    os.utime(run_dir.cancel_path, (1000, 1000))
    run_dir.request_cancel()
    assert run_dir.cancel_requested_at() == datetime.fromtimestamp(1000, UTC)
    run_dir.withdraw_cancel()
    assert run_dir.cancel_requested_at() is None


def test_latest_checkpoint_is_the_newest_complete_one(run_dir: RunDir) -> None:
    assert run_dir.latest_checkpoint() is None
    for step in (9, 10, 11, 12):
        folder = run_dir.checkpoints_path / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "trainer_state.json").write_text("{}")
    (run_dir.checkpoints_path / "checkpoint-11" / "trainer_state.json").write_text('{"epo')
    (run_dir.checkpoints_path / "checkpoint-12" / "checkpoint-is-incomplete.txt").touch()
    found = run_dir.latest_checkpoint()
    assert found is not None
    assert found.name == "checkpoint-10"


def test_a_live_process_is_never_interrupted_however_old_its_heartbeat(run_dir: RunDir) -> None:
    set_process(run_dir, os.getpid(), own_creation_time())
    run_dir.update_status(heartbeat_at=NOW - timedelta(days=1))
    assert current_status(run_dir).state == "running"


def test_a_pid_given_to_another_process_is_interrupted(run_dir: RunDir) -> None:
    set_process(run_dir, os.getpid(), own_creation_time() - timedelta(minutes=1))
    status = current_status(run_dir)
    assert status.state == "interrupted"
    assert "no checkpoint" in status.message
    assert run_dir.read_status().state == "running"


def test_a_dead_process_is_interrupted_and_one_not_yet_reaped_too(run_dir: RunDir) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    created_at = datetime.fromtimestamp(psutil.Process(process.pid).create_time(), UTC)
    set_process(run_dir, process.pid, created_at)
    assert current_status(run_dir).state == "running"
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, but still a zombie
    assert current_status(run_dir).state == "interrupted"
    process.communicate()
    assert current_status(run_dir).state == "interrupted"


def test_a_dead_process_after_a_cancel_is_cancelled(run_dir: RunDir) -> None:
    set_process(run_dir, os.getpid(), NOW)
    run_dir.request_cancel()
    assert current_status(run_dir).state == "cancelled"


def test_a_run_that_nobody_started_is_interrupted_after_a_while(run_dir: RunDir) -> None:
    fresh = run_dir.read_status()
    stale = replace(fresh, heartbeat_at=datetime.now(UTC) - timedelta(seconds=16))
    assert not fresh.is_abandoned
    assert stale.is_abandoned


def test_finished_runs_stay_as_they_are(run_dir: RunDir) -> None:
    set_process(run_dir, os.getpid(), NOW)
    run_dir.update_status(state="succeeded")
    assert current_status(run_dir).state == "succeeded"


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, training.run.run_dir, training.control.launch\n"
        "import training.run.execution, training.control.ingest\n"
        "print([m for m in ('torch', 'transformers', 'streamlit', 'peft') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_settings_without_those_of_the_task_are_no_defaults(run_dir: RunDir) -> None:
    run_dir.write_settings({"task": "predict"})
    with pytest.raises(RunDirError, match=r"settings\.json .* has no settings of its task"):
        Job.read(run_dir, PredictionSettings)
