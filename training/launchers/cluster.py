"""This machine's side of a run on a Ray cluster: submit its job, follow it, bring back its results.

The job is the same command on the cluster. It goes on when this process is gone, and a resumed run
follows it again; cancelling the run stops it.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from db.conversions import parse_json
from training.errors import RunDirError, Stopped, WorkerError
from training.launchers.storage import Storage
from training.launchers.transfer import bring_back, send
from training.run.execution import RunContext
from training.run.json_files import read_object, replace_json
from training.run.run_dir import RunDir
from training.run.status import parse_status
from training.settings.launchers import RAY_MISSING, RayLauncher

_POLL_SECONDS = 1.0
_LOG_SECONDS = 5.0
# A cluster's head may restart, a tunnel may break: the job does not mind.
_PATIENCE_SECONDS = 120.0
_STOP_SECONDS: Final = 7
"""How long a job may take to stop on its own before the cluster kills its processes."""
_PACKAGES: Final = ("db", "eci", "training")
_STOPPED_STATES: Final = ("STOPPED", "SUCCEEDED", "FAILED")
_Value = TypeVar("_Value")


def run_on_cluster(context: RunContext, launcher: RayLauncher) -> None:
    """Execute a run on a cluster; returns when its results are here.

    Raises:
        Stopped: The run was asked to stop. Its job is stopped only if it was cancelled.
        WorkerError: The job failed, or cluster or storage cannot be reached.
    """
    cluster = Cluster(launcher)
    storage = Storage(launcher.storage)
    job = _standing_job(context.run_dir, cluster) or _submit(context, launcher, cluster, storage)
    following = _Following(context, cluster, storage, job)
    try:
        info = following.to_end()
        _finish(context, launcher, storage, info)
    except Stopped:
        if context.run_dir.is_cancel_requested():
            following.stop()
        raise


class Cluster:
    """The jobs of a Ray cluster, over HTTP with its token.

    Raises:
        WorkerError: Ray is not installed, or the cluster does not answer or refuses the token.
    """

    def __init__(self, launcher: RayLauncher) -> None:
        if find_spec("ray") is None:
            raise WorkerError(RAY_MISSING)
        from ray.job_submission import JobSubmissionClient

        self.address = launcher.address
        token = read_token()
        # They would silently replace the address in the settings.
        for name in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"):
            os.environ.pop(name, None)
        headers = {"Authorization": f"Bearer {token}"} if token else None
        self._client: Any = self._ask(lambda: JobSubmissionClient(self.address, headers=headers))

    def submit(self, **job: Any) -> None:
        """Submit a job, with our packages as they are here."""
        self._ask(lambda: self._client.submit_job(**job))

    def info(self, job_id: str) -> Any:
        """Return what the cluster knows of a job: its status and a message."""
        return self._ask(lambda: self._client.get_job_info(job_id))

    def log(self, job_id: str) -> str:
        """Return all that a job has printed."""
        return self._ask(lambda: str(self._client.get_job_logs(job_id)))

    def stop(self, job_id: str) -> None:
        """Stop a job of the cluster, and kill it where it does not stop."""
        self._ask(lambda: self._client.stop_job(job_id))

    def _ask(self, question: Callable[[], _Value]) -> _Value:
        from ray.exceptions import RayError

        try:
            return question()
        except (OSError, RuntimeError, RayError) as error:
            raise WorkerError(self._why(error)) from error

    def _why(self, error: Exception) -> str:
        said = " ".join(str(error).split())[:300]
        if "Authentication" in said or "nauthorized" in said or "orbidden" in said:
            return (
                f"The Ray cluster at {self.address} refuses the token of this machine. Put the "
                "cluster's token into the environment variable RAY_AUTH_TOKEN or the file "
                "~/.ray/auth_token, then start the run again."
            )
        return (
            f"The Ray cluster at {self.address} does not answer: {said} Check that it runs and "
            "that its dashboard can be reached from here (through a tunnel: ssh -L "
            "8265:127.0.0.1:8265 HEAD), then start the run again."
        )


def read_token() -> str | None:
    """Return the cluster's token from where Ray itself looks for it; None where there is none.

    Raises:
        WorkerError: RAY_AUTH_TOKEN_PATH names a file that cannot be read.
    """
    token = os.environ.get("RAY_AUTH_TOKEN", "").strip()
    if token:
        return token
    named = os.environ.get("RAY_AUTH_TOKEN_PATH", "").strip()
    path = Path(named) if named else Path.home() / ".ray" / "auth_token"
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError as error:
        if not named:
            return None
        raise WorkerError(
            f"The token file {path} that RAY_AUTH_TOKEN_PATH names cannot be read: {error}."
        ) from error


@dataclass
class _Job:
    """A job of the run, and how much of what it reported is here already."""

    job_id: str
    events_offset: int = 0
    log_length: int = 0

    def save(self, run_dir: RunDir) -> None:
        replace_json(run_dir.job_path, asdict(self))


def _standing_job(run_dir: RunDir, cluster: Cluster) -> _Job | None:
    """Return the job of an earlier process of this run that may be followed again."""
    if not run_dir.job_path.exists():
        return None
    job = _Job(**read_object(run_dir.job_path))
    try:
        status = cluster.info(job.job_id).status
    except WorkerError as error:
        if "status code 404" not in str(error):
            raise
        return None  # a restarted cluster knows nothing of it
    return None if status in ("FAILED", "STOPPED") else job


def _submit(context: RunContext, launcher: RayLauncher, cluster: Cluster, storage: Storage) -> _Job:
    run_dir = context.run_dir
    context.report_message(f"Sending the run to {launcher.storage}.")
    send(run_dir, storage)
    job = _Job(f"{run_dir.run_id}-{secrets.token_hex(2)}")
    # Predictions are made by actors, which ask for resources of their own.
    times = 0 if run_dir.read_settings().get("task") == "predict" else launcher.num_processes
    where = [shlex.quote(text) for text in (launcher.storage, run_dir.run_id)]
    job.save(run_dir)
    cluster.submit(
        entrypoint=f"python -m training.launchers.cluster_entry {' '.join(where)}",
        submission_id=job.job_id,
        runtime_env={
            "py_modules": [_folder_of(name) for name in _PACKAGES],
            "env_vars": {
                "PYTHONUNBUFFERED": "1",
                "TOKENIZERS_PARALLELISM": "false",
                "RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_SECONDS),
            },
        },
        entrypoint_num_cpus=launcher.num_cpus * times,
        entrypoint_num_gpus=launcher.num_gpus * times,
    )
    context.report_message(f"Submitted as job {job.job_id} to {launcher.address}.")
    return job


def _folder_of(package: str) -> str:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None  # noqa: S101 - ours, installed
    return str(Path(spec.origin).parent)


class _Following:
    """One job followed to its end; what it reports becomes the run's status."""

    def __init__(self, context: RunContext, cluster: Cluster, storage: Storage, job: _Job) -> None:
        self._context = context
        self._run_dir = context.run_dir
        self._cluster = cluster
        self._storage = storage
        self._job = job
        self._logged_at = 0.0

    def to_end(self) -> Any:
        """Return what the cluster says of the job at its end."""
        answered_at = time.monotonic()
        said = ""
        while True:
            self._context.check_stop()
            try:
                info = self._cluster.info(self._job.job_id)
                self._mirror(is_over=info.status in _STOPPED_STATES)
                answered_at = time.monotonic()
            except WorkerError:
                if time.monotonic() - answered_at > _PATIENCE_SECONDS:
                    raise
            else:
                if info.status in _STOPPED_STATES:
                    return info
                if info.status == "PENDING" and info.message != said:
                    said = str(info.message)
                    self._context.report_message(f"Waiting for the cluster: {said}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop the job; waits while it may still stop on its own."""
        with suppress(WorkerError):
            self._cluster.stop(self._job.job_id)
            deadline = time.monotonic() + _STOP_SECONDS + 1
            while time.monotonic() < deadline:
                if self._cluster.info(self._job.job_id).status in _STOPPED_STATES:
                    break
                time.sleep(_POLL_SECONDS / 4)
            self._mirror(is_over=True)

    def _mirror(self, *, is_over: bool) -> None:
        before = asdict(self._job)
        self._mirror_events()
        now = time.monotonic()
        if is_over or now - self._logged_at > _LOG_SECONDS:
            self._logged_at = now
            log = self._cluster.log(self._job.job_id)
            sys.stdout.write(log[self._job.log_length :])
            sys.stdout.flush()
            self._job.log_length = len(log)
        if asdict(self._job) != before:
            self._job.save(self._run_dir)

    def _mirror_events(self) -> None:
        content = self._storage.read(f"{self._run_dir.run_id}/events.jsonl") or b""
        whole = content[: content.rfind(b"\n") + 1]
        for line in whole[self._job.events_offset :].splitlines():
            with suppress(ValueError, TypeError, KeyError):
                self._tell(parse_json(line))
        self._job.events_offset = len(whole)

    def _tell(self, event: dict[str, Any]) -> None:
        kind = event.pop("kind")
        del event["at"]
        if kind == "progress":
            self._context.report_progress(**event)
        elif kind == "evaluation":
            self._context.report_evaluation(**event)
        elif kind == "message":
            self._context.report_message(event["text"])


def _finish(context: RunContext, launcher: RayLauncher, storage: Storage, info: Any) -> None:
    """Fetch the results, or raise why there are none."""
    run_dir = context.run_dir
    state, message = "", ""
    with suppress(RunDirError, ValueError):
        status_fields = parse_json(storage.read(f"{run_dir.run_id}/status.json") or b"{}")
        status = parse_status(status_fields)
        state, message = status.state, status.message
    if info.status == "SUCCEEDED" and state == "succeeded":
        context.report_message("Bringing the results back.")
        bring_back(run_dir, storage)
        run_dir.job_path.unlink()
        return
    run_dir.job_path.unlink()
    if state == "failed":
        # It names the directory of the node, which is gone.
        raise WorkerError(re.sub(rf"\S*/{run_dir.run_id}\b", str(run_dir.path), message))
    if info.status == "STOPPED":
        raise WorkerError(
            "The run's job was stopped on the cluster, not from here. Started again, the run "
            "continues from the last checkpoint that reached the storage."
        )
    raise WorkerError(
        f"The run's job on {launcher.address} ended without a word: {info.message} It needs the "
        "packages of requirements.txt and requirements-ray.txt on every node, and memory for the "
        f"model; the end of the log has details: {run_dir.log_path}. Started again, the run "
        "continues from the last checkpoint that reached the storage."
    )
