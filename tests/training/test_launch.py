"""Runs as real processes: started, watched, cancelled, killed, queued, found again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.support.runs import progress_of, states_of, wait_for_state
from tests.support.waiting import wait_for
from training.control import launch as launching
from training.control.launch import cancel, give_way, launch, launch_command, reap
from training.errors import LaunchError
from training.run.execution import RunContext, execute
from training.run.run_dir import RunDir, current_status, list_run_dirs

WORKER = """
import errno, os, signal, sys, time
from pathlib import Path
from training.run.execution import execute
from training.run.run_dir import RunDir

def work(context):
{body}

sys.exit(execute(RunDir(Path(sys.argv[1])), work) != "succeeded")
"""
# Steps until told to stop, as a training loop does.
STEPS = """
for step in range(10_000):
    context.report_progress(step=step, num_steps=10_000, loss=1.0)
    context.check_stop()
    time.sleep(0.01)
"""
# Like STEPS, with a checkpoint from the start.
CHECKPOINTED = (
    """
folder = context.run_dir.checkpoints_path / "checkpoint-4"
folder.mkdir(parents=True, exist_ok=True)
(folder / "trainer_state.json").write_text("{}")
"""
    + STEPS
)


def command(run_dir: RunDir, body: str) -> list[str]:
    code = WORKER.format(body=textwrap.indent(body.strip(), "    "))
    return [sys.executable, "-c", code, str(run_dir.path)]


def start(run_dir: RunDir, body: str) -> None:
    launch_command(run_dir, command(run_dir, body))


@pytest.fixture
def run_dir(runs_dir: Path) -> RunDir:
    return RunDir.create(runs_dir, "smoke", datetime.now(UTC))


def test_a_run_goes_through_its_states_to_success(run_dir: RunDir) -> None:
    body = """
    print("hello from the run")
    for step in range(3):
        context.report_progress(step=step, num_steps=2, loss=3.0 - step)
    context.report_evaluation(accuracy=0.5)
    """
    start(run_dir, textwrap.dedent(body))
    wait_for_state(run_dir, "succeeded")
    status = run_dir.read_status()
    assert states_of(run_dir) == ["queued", "starting", "running", "succeeded"]
    assert (status.step, status.num_steps, status.device) == (2, 2, "cpu")
    assert status.queued_at and status.started_at and status.finished_at
    assert status.queued_at <= status.started_at <= status.finished_at
    assert "hello from the run" in run_dir.tail_log()
    progress = progress_of(run_dir)
    assert [(fields["step"], fields["loss"]) for fields in progress] == [(0, 3), (1, 2), (2, 1)]
    assert progress[2]["seconds_left"] == 0
    assert progress[0]["rss_bytes"] > 1e6


def test_launch_starts_the_package_with_the_directory(run_dir: RunDir, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"; echo "$LLAMACARE_HOME $TOKENIZERS_PARALLELISM"\n')
    python.chmod(0o755)
    launch(run_dir, python=str(python))
    wait_for_state(run_dir, "failed")
    arguments, environment = run_dir.tail_log().splitlines()
    assert arguments == f"-m training execute {run_dir.path}"
    assert environment.endswith("llamacare false")


def test_the_run_has_a_session_of_its_own_and_yields_to_others(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "give_way", give_way)
    start(run_dir, STEPS)
    wait_for_state(run_dir, "running")
    pid = run_dir.read_status().pid
    assert pid
    assert os.getsid(pid) == pid != os.getsid(0)
    assert psutil.Process(pid).nice() == 19
    if sys.platform == "linux":
        assert os.sched_getscheduler(pid) == os.SCHED_IDLE


def test_an_exception_ends_in_one_message_and_a_traceback_in_the_log(run_dir: RunDir) -> None:
    start(run_dir, "raise RuntimeError('CUDA error: out of memory')")
    wait_for_state(run_dir, "failed")
    assert "Lower the batch size" in run_dir.read_status().message
    assert "Traceback" in run_dir.tail_log()
    assert "Traceback" not in run_dir.read_status().message


def test_a_full_disk_is_reported(run_dir: RunDir) -> None:
    start(run_dir, "raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))")
    wait_for_state(run_dir, "failed")
    assert "disk is full" in run_dir.read_status().message
    assert not (run_dir.path / ".reserve").exists()


def test_a_full_disk_is_reported_even_where_the_log_cannot_be_written(run_dir: RunDir) -> None:
    body = """
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    """
    start(run_dir, textwrap.dedent(body))
    wait_for_state(run_dir, "failed")
    assert "disk is full" in run_dir.read_status().message


def test_a_process_that_dies_before_it_can_report_has_failed(run_dir: RunDir) -> None:
    launch_command(run_dir, [sys.executable, "-c", "import no_such_module"])
    wait_for_state(run_dir, "failed")
    message = run_dir.read_status().message
    assert "exit code 1" in message
    assert "No module named 'no_such_module'" in message


def test_a_command_that_cannot_be_started_is_an_error(run_dir: RunDir) -> None:
    with pytest.raises(LaunchError, match="could not be started"):
        launch(run_dir, python="/no/such/python")
    assert current_status(run_dir).state == "failed"


def test_cancel_stops_a_running_run_after_its_step(run_dir: RunDir) -> None:
    start(run_dir, STEPS)
    wait_for_state(run_dir, "running")
    wait_for(lambda: run_dir.read_status().step > 0)
    cancel(run_dir)
    wait_for_state(run_dir, "cancelled")
    steps = [fields["step"] for fields in progress_of(run_dir)]
    assert run_dir.read_status().step == steps[-1] == len(steps) - 1
    assert states_of(run_dir)[-2:] == ["running", "cancelled"]


def test_cancel_stops_a_run_that_is_still_starting(run_dir: RunDir) -> None:
    start(run_dir, "time.sleep(60)")
    wait_for_state(run_dir, "starting")
    cancel(run_dir)
    wait_for_state(run_dir, "cancelled")


def test_a_run_that_ignores_its_cancel_is_killed_after_the_grace(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(run_dir, "context.report_progress(step=0, num_steps=1)\ntime.sleep(60)")
    wait_for_state(run_dir, "running")
    cancel(run_dir)
    assert reap(run_dir).state == "running"
    monkeypatch.setattr(launching, "GRACE_SECONDS", 0.2)
    wait_for_state(run_dir, "cancelled")


def test_work_that_returns_after_a_cancel_has_not_succeeded(run_dir: RunDir) -> None:
    start(
        run_dir,
        "context.report_progress(step=0, num_steps=1)\n"
        "while not context.should_stop(): time.sleep(0.01)",
    )
    wait_for_state(run_dir, "running")
    cancel(run_dir)
    wait_for_state(run_dir, "cancelled")


def test_cancel_before_anything_started_and_after_the_end(run_dir: RunDir) -> None:
    run_dir.update_status(state="succeeded")
    cancel(run_dir)
    assert not run_dir.is_cancel_requested()


def test_a_stop_from_outside_with_a_checkpoint_is_interrupted_and_resumes(run_dir: RunDir) -> None:
    start(run_dir, CHECKPOINTED)
    wait_for_state(run_dir, "running")
    pid = run_dir.read_status().pid
    assert pid
    os.kill(pid, signal.SIGTERM)
    wait_for_state(run_dir, "interrupted")
    assert "continues from checkpoint-4" in run_dir.read_status().message
    start(run_dir, "context.report_progress(step=5, num_steps=5)")
    wait_for_state(run_dir, "succeeded")


def test_a_stop_from_outside_without_a_checkpoint_is_cancelled(run_dir: RunDir) -> None:
    start(run_dir, STEPS)
    wait_for_state(run_dir, "running")
    pid = run_dir.read_status().pid
    assert pid
    os.kill(pid, signal.SIGTERM)
    wait_for_state(run_dir, "cancelled")


def test_kill_9_is_interrupted_at_once_and_says_by_which_signal(run_dir: RunDir) -> None:
    start(run_dir, CHECKPOINTED)
    wait_for_state(run_dir, "running")
    pid = run_dir.read_status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_for_state(run_dir, "interrupted")
    status = run_dir.read_status()
    assert "signal 9" in status.message
    assert "continues from checkpoint-4" in status.message
    assert status.finished_at
    assert states_of(run_dir)[-1] == "interrupted"
    wait_for(lambda: not psutil.pid_exists(pid))  # no zombie is left


def test_a_cancelled_run_can_be_started_again(run_dir: RunDir) -> None:
    run_dir.request_cancel()
    run_dir.update_status(state="cancelled")
    start(run_dir, "pass")
    wait_for_state(run_dir, "succeeded")
    assert not run_dir.is_cancel_requested()


def test_what_runs_or_has_succeeded_is_not_started_again(run_dir: RunDir) -> None:
    start(run_dir, STEPS)
    with pytest.raises(LaunchError, match="second time"):
        start(run_dir, STEPS)
    wait_for_state(run_dir, "running")
    with pytest.raises(LaunchError, match="leaves it alone"):
        execute(run_dir, lambda context: None)
    cancel(run_dir)
    wait_for_state(run_dir, "cancelled")
    run_dir.update_status(state="succeeded")
    with pytest.raises(LaunchError, match="already succeeded"):
        start(run_dir, STEPS)


def test_two_runs_take_turns_on_one_device(runs_dir: Path) -> None:
    first, second, third = (
        RunDir.create(runs_dir, name, datetime.now(UTC)) for name in ("first", "second", "third")
    )
    start(first, STEPS)
    wait_for_state(first, "running")
    start(second, "pass")
    wait_for(lambda: "Waiting for cpu" in second.read_status().message)
    assert first.run_id in second.read_status().message
    start(third, "pass")
    wait_for(lambda: "1 more before" in third.read_status().message)
    assert (current_status(second).state, current_status(third).state) == ("queued", "queued")
    cancel(first)
    wait_for_state(second, "succeeded")
    wait_for_state(third, "succeeded")
    order = [run_dir.read_status().started_at for run_dir in (first, second, third)]
    assert order == sorted(order, key=str)


def test_runs_on_two_devices_do_not_wait_for_each_other(runs_dir: Path) -> None:
    first = RunDir.create(runs_dir, "first", datetime.now(UTC))
    start(first, STEPS)
    wait_for_state(first, "running")
    second = RunDir.create(runs_dir, "second", datetime.now(UTC))
    assert execute(second, lambda context: None, device="cuda:0") == "succeeded"


def test_a_queued_run_can_be_cancelled_and_a_kill_frees_the_device(runs_dir: Path) -> None:
    first, second, third = (
        RunDir.create(runs_dir, name, datetime.now(UTC)) for name in ("first", "second", "third")
    )
    start(first, STEPS)
    wait_for_state(first, "running")
    start(second, "pass")
    wait_for(lambda: "Waiting for cpu" in second.read_status().message)
    cancel(second)
    wait_for_state(second, "cancelled")
    assert states_of(second) == ["queued", "cancelled"]
    start(third, "pass")
    pid = first.read_status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_for_state(third, "succeeded")
    wait_for_state(first, "interrupted")


def test_a_run_outlives_the_process_that_started_it(runs_dir: Path) -> None:
    run_dir = RunDir.create(runs_dir, "smoke", datetime.now(UTC))
    app = (
        "import sys; from pathlib import Path\n"
        "from training.control.launch import launch_command\n"
        "from training.run.run_dir import RunDir\n"
        "launch_command(RunDir(Path(sys.argv[1])), sys.argv[2:])"
    )
    started_by = [sys.executable, "-c", app, str(run_dir.path), *command(run_dir, STEPS)]
    subprocess.run(started_by, check=True)
    (found,) = list_run_dirs(runs_dir)
    wait_for_state(found, "running")
    before = found.read_status().step
    wait_for(lambda: found.read_status().step > before)
    cancel(found)
    wait_for_state(found, "cancelled")


def test_an_abandoned_run_of_a_former_app_is_settled_once(run_dir: RunDir) -> None:
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    run_dir.update_status(state="running", pid=os.getpid(), pid_created_at=created_at)
    assert current_status(run_dir).state == "interrupted"
    assert reap(run_dir).state == "interrupted"
    assert reap(run_dir).state == "interrupted"
    assert states_of(run_dir) == ["interrupted"]
    assert "without a word" in run_dir.read_status().message


def test_a_signal_for_a_pid_given_to_another_process_is_not_sent(run_dir: RunDir) -> None:
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    run_dir.update_status(state="running", pid=os.getpid(), pid_created_at=created_at)
    cancel(run_dir)  # a signal would end this test
    assert run_dir.read_status().state == "cancelled"


def test_progress_reaches_the_disk_within_a_long_step(run_dir: RunDir) -> None:
    start(run_dir, "context.report_progress(step=7, num_steps=9)\ntime.sleep(60)")
    wait_for(lambda: run_dir.read_status().step == 7)
    cancel(run_dir)


def test_the_heartbeat_goes_on_while_a_step_takes_long(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.run.execution.HEARTBEAT_SECONDS", 0.0)

    def work(context: RunContext) -> None:
        before = run_dir.read_status().heartbeat_at
        wait_for(lambda: run_dir.read_status().heartbeat_at != before)

    assert execute(run_dir, work) == "succeeded"


def test_events_that_cannot_be_written_do_not_keep_a_run_from_its_end(run_dir: RunDir) -> None:
    def work(context: RunContext) -> None:
        run_dir.events_path.unlink(missing_ok=True)
        run_dir.events_path.symlink_to("/dev/full")
        context.report_progress(step=1, num_steps=2)

    assert execute(run_dir, work) == "succeeded"
    assert run_dir.read_status().state == "succeeded"
