"""What a run does, and where: by the task and the launcher in its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from db.records import TrainingState
from training.head.refit import is_quick, run_prefill, run_recalibration, run_refit
from training.run.energy import WORLD, estimated, measured
from training.run.execution import HEAD_DEVICE, RunContext, execute
from training.run.run_dir import RunDir
from training.settings.launchers import AccelerateLauncher, RayLauncher, parse_launcher

Worklist = Callable[[RunContext], None]


def execute_stored(run_dir: RunDir) -> TrainingState:
    """Execute the task that a run's settings describe, to its last state.

    Raises:
        LaunchError: Another process works on this run.
        RunDirError: Status or settings of the run cannot be read.
        SettingsError: Its launcher's settings are not valid.
    """
    stored = run_dir.read_settings()
    launcher = parse_launcher(stored.get("launcher"), str(run_dir.settings_path))
    if isinstance(launcher, RayLauncher):
        # The cluster has a queue of its own, so this machine's runs need not take turns.
        return execute(
            run_dir, _on_cluster(launcher), device=f"{launcher.address} {run_dir.run_id}"
        )
    if run_dir.asks_endpoint():
        # Neither a device nor energy of this machine is used to speak of; runs of one address take
        # turns, so that the requests at a time are as many as its settings allow.
        return execute(run_dir, _ask_endpoint, device=f"endpoint {run_dir.read_model()['url']}")
    task = stored.get("task")
    if task == "prefill":  # no run ever waits for it: it gives way
        return execute(run_dir, run_prefill, device="features ahead")
    is_head_alone = task in ("refit", "recalibrate") and is_quick(run_dir)
    work = work_of(task)
    if isinstance(launcher, AccelerateLauncher):
        work = _in_processes(launcher.num_processes)
    device = str(run_dir.read_model().get("device", "auto"))
    return execute(
        run_dir,
        metered(run_dir, stored, work, estimated if is_head_alone else measured),
        device=HEAD_DEVICE if is_head_alone else _queue_of(device),
    )


def metered(
    run_dir: RunDir, stored: dict[str, Any], work: Worklist, meter: Callable[..., Any] = measured
) -> Worklist:
    """Return the task with its energy recorded."""

    def metered_work(context: RunContext) -> None:
        with meter(run_dir, str(stored.get("country", WORLD))):
            work(context)

    return metered_work


def work_of(task: str | None) -> Worklist:
    """Return the work of a task in one process."""
    # torch is loaded only in these: listing runs stays instant, and a broken installation is
    # reported in the run's own message.
    if task == "recalibrate":
        return run_recalibration
    if task == "refit":
        return run_refit
    return {"predict": _predict, "adopt": _adopt}.get(task or "", _train)


def _train(context: RunContext) -> None:
    from training.joint.qlora import run_qlora

    run_qlora(context)


def _predict(context: RunContext) -> None:
    from training.joint.predict import run_prediction

    run_prediction(context)


def _ask_endpoint(context: RunContext) -> None:
    from training.endpoint.answering import run_endpoint

    run_endpoint(context)


def _adopt(context: RunContext) -> None:
    from training.joint.adoption import run_adoption

    run_adoption(context)


def _in_processes(num_processes: int) -> Worklist:
    def work(context: RunContext) -> None:
        from training.launchers.processes import run_processes

        run_processes(context, num_processes)

    return work


def _on_cluster(launcher: RayLauncher) -> Worklist:
    def work(context: RunContext) -> None:
        from training.launchers.cluster import run_on_cluster

        run_on_cluster(context, launcher)

    return work


def _queue_of(device: str) -> str:
    """Return all names of one device the same name: its runs take turns."""
    if device == "auto":
        # Asking torch would take seconds and keep its errors out of the run's message.
        device = "cuda" if Path("/dev/nvidiactl").exists() else "cpu"
    return "cuda:0" if device == "cuda" else device
