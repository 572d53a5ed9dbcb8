"""Runs on a real Ray cluster, which is started here on loopback with its token on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
import pyarrow.parquet as pq
import pytest

from db.connection import Database
from tests.support.runs import (
    files_of,
    make_run_dir,
    progress_of,
    states_of,
    wait_for_end,
    wait_for_step,
)
from tests.support.waiting import wait_for
from training.control.launch import cancel, launch
from training.launchers.tasks import execute_stored
from training.run.run_dir import RunDir
from training.settings.launchers import RayLauncher

pytest.importorskip("ray", reason="ray is not installed: pip install -r requirements-ray.txt")

CLIENT = httpx.Client()
TOKEN = "a-token-of-these-tests-alone-0123456789"  # noqa: S105


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def answers(address: str, token: str | None) -> int:
    """Ask the cluster for its jobs; give the HTTP status, 0 where it does not answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return CLIENT.get(f"{address}/api/jobs/", headers=headers).status_code
    except httpx.TransportError:
        return 0


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Yield the address of a cluster of two cores that nobody without the token can use."""
    # Not under pytest's folder: Ray puts sockets there, whose paths must be short.
    with TemporaryDirectory(prefix="lcr", ignore_cleanup_errors=True) as folder:
        port, dashboard, client = free_ports(3)
        url = f"http://127.0.0.1:{dashboard}"
        python = Path(sys.executable)
        environment = {
            **os.environ,
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
            "OMP_NUM_THREADS": "1",
        }
        command = [
            str(python.with_name("ray")),
            *("start", "--head", "--block", "--disable-usage-stats", "--num-cpus", "2"),
            *("--node-ip-address", "127.0.0.1", "--port", str(port)),
            *("--dashboard-host", "127.0.0.1", "--dashboard-port", str(dashboard)),
            *("--ray-client-server-port", str(client), "--object-store-memory", "100000000"),
            *("--temp-dir", folder),
        ]
        with (Path(folder) / "start.log").open("w+b") as log:
            head = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                wait_for(lambda: answers(url, TOKEN) == 200 or head.poll() is not None)
                assert head.poll() is None, Path(log.name).read_text()
                yield url
            finally:
                family = [head, *psutil.Process(head.pid).children(recursive=True)]
                for process in family:
                    with suppress(psutil.NoSuchProcess, ProcessLookupError):
                        process.kill()
                head.wait()


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    # The node's folder of homes and models.
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def make_run(
    database: Database, runs_dir: Path, storage: Path, address: str
) -> Callable[..., RunDir]:
    """Return a maker of runs: local ones, or with settings of the cluster's
    launcher, remote ones."""

    def make(settings: dict[str, Any], launcher: dict[str, Any] | None, **fields: Any) -> RunDir:
        chosen = None
        if launcher is not None:
            chosen = RayLauncher(address=address, storage=str(storage), **launcher)
        return make_run_dir(database, runs_dir, settings, chosen, **fields)

    return make


def test_a_run_on_the_cluster_leaves_what_a_local_run_leaves(
    make_run: Callable[..., RunDir],
    tiny_settings: dict[str, Any],
    storage: Path,
    address: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert answers(address, None) == 401
    local, remote = make_run(tiny_settings, None), make_run(tiny_settings, {})
    for run_dir in (local, remote):
        assert execute_stored(run_dir) == "succeeded", run_dir.read_status().message
    assert files_of(remote) == files_of(local)
    told = [[(p["step"], p.get("loss")) for p in progress_of(r)] for r in (local, remote)]
    assert told[0] == told[1]
    assert remote.read_metrics()["options"]["head"] == local.read_metrics()["options"]["head"]
    assert remote.read_settings()["base_fingerprint"] == local.read_settings()["base_fingerprint"]
    assert states_of(remote) == ["starting", "running", "succeeded"]
    assert "Loading weights" in capfd.readouterr().out  # the job's log
    assert not list(storage.glob("*"))
    assert TOKEN not in remote.settings_path.read_text()


def test_actors_predict_what_a_local_run_predicts(
    make_run: Callable[..., RunDir], tiny_settings: dict[str, Any]
) -> None:
    settings = {
        "model": {**tiny_settings["model"], "quantization": "none"},
        # Alone in its batch, an item is rounded the same wherever it is answered.
        "evaluation": {"max_new_tokens": 4, "batch_size": 1},
    }
    local = make_run(settings, None, task="predict")
    remote = make_run(settings, {"num_processes": 2}, task="predict")
    for run_dir in (local, remote):
        assert execute_stored(run_dir) == "succeeded", run_dir.read_status().message
    here, there = (pq.read_table(r.predictions_path).to_pylist() for r in (local, remote))
    assert len(here) == 34
    for expected, given in zip(here, there, strict=True):
        for changes in ("run_id", "latency_seconds"):
            del expected[changes], given[changes]
        assert given == expected
    assert files_of(remote) == files_of(local)


def long_settings(settings: dict[str, Any]) -> dict[str, Any]:
    optimizer = {"epochs": 100, "max_steps": 100_000, "checkpoint_steps": 2}
    return {**settings, "optimizer": {**settings["optimizer"], **optimizer}}


def job_processes(run_dir: RunDir) -> list[psutil.Process]:
    """Find the processes of a run's job by what they were started with."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            words = process.cmdline()
            is_node = any("training.launchers." in word for word in words)
            if is_node and any(run_dir.run_id in word for word in words):
                found.append(process)
    return found


def test_cancel_stops_the_job_and_all_its_processes(
    make_run: Callable[..., RunDir], tiny_settings: dict[str, Any], storage: Path
) -> None:
    run_dir = make_run(long_settings(tiny_settings), {"num_processes": 2})
    launch(run_dir)
    wait_for_step(run_dir, 2)
    processes = job_processes(run_dir)
    assert sum("training.launchers.worker" in p.cmdline() for p in processes) == 2
    cancel(run_dir)
    wait_for_end(run_dir, "cancelled")
    wait_for(lambda: not any(process.is_running() for process in processes))
    # Started again, it goes on from where the job was.
    assert list(storage.glob("*/checkpoints/*/trainer_state.json"))


def test_a_run_whose_process_was_killed_follows_its_job_again(
    make_run: Callable[..., RunDir], tiny_settings: dict[str, Any]
) -> None:
    optimizer = {**tiny_settings["optimizer"], "max_steps": 16, "epochs": 10}
    run_dir = make_run({**tiny_settings, "optimizer": optimizer}, {})
    launch(run_dir)
    wait_for_step(run_dir, 2)
    pid = run_dir.read_status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_for_end(run_dir, "interrupted")
    assert "follows its job on the cluster" in run_dir.read_status().message
    job_id = json.loads(run_dir.job_path.read_text())["job_id"]
    launch(run_dir)
    wait_for_end(run_dir, "succeeded")
    submitted = [e.fields["text"] for e in run_dir.read_events()[0] if e.kind == "message"]
    assert [text for text in submitted if "Submitted" in text] == [
        text for text in submitted if job_id in text
    ]
    assert [fields["step"] for fields in progress_of(run_dir)] == list(range(17))


def test_what_fails_on_the_cluster_is_told_here(
    make_run: Callable[..., RunDir], tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    model = {**tiny_settings["model"], "base": str(tmp_path / "nowhere")}
    run_dir = make_run({**tiny_settings, "model": model}, {})
    assert execute_stored(run_dir) == "failed"
    assert "nowhere' does not exist" in run_dir.read_status().message
    assert not run_dir.job_path.exists()


def test_a_wrong_token_is_told_with_where_to_put_the_right_one(
    make_run: Callable[..., RunDir],
    tiny_settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a-wrong-one")
    run_dir = make_run(tiny_settings, {})
    assert execute_stored(run_dir) == "failed"
    assert "refuses the token" in run_dir.read_status().message
    assert "RAY_AUTH_TOKEN" in run_dir.read_status().message


def test_a_cluster_that_is_not_there_is_told_with_what_to_check(
    make_run: Callable[..., RunDir], tiny_settings: dict[str, Any], storage: Path
) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    run_dir = make_run(tiny_settings, None)
    launcher = RayLauncher(address=nowhere, storage=str(storage)).model_dump(mode="json")
    run_dir.write_settings({**run_dir.read_settings(), "launcher": launcher})
    assert execute_stored(run_dir) == "failed"
    assert f"cluster at {nowhere} does not answer" in run_dir.read_status().message
