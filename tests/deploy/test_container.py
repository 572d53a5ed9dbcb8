"""What the Dockerfile does after the installation, without a container: as another user, in a fresh
folder that holds its build context and nothing else.

Building the image needs a container runtime; `make lint-deploy` checks what else there is.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest
import yaml

from db.environment import VARIABLES
from tests.support.endpoints import free_port
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "running" / "deploy"
TOKEN = "watch"  # noqa: S105 (of this test)
UNSEEN = "a canary that no log may hold"


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def given(name: str) -> str:
    """Return what the last instruction of a name says."""
    return [rest for found, rest in instructions() if found == name][-1]


def context() -> Iterator[Path]:
    """Yield the tracked files that .dockerignore lets into the image."""
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True)
    for name in tracked.splitlines():
        is_in = True
        for rule in rules:
            pattern = rule.removeprefix("!").removeprefix("**/")
            is_meant = fnmatch.fnmatch(name, pattern) and ("/" in pattern) == ("/" in name)
            if pattern == "*" or is_meant or name.startswith(f"{pattern}/"):
                is_in = rule.startswith("!")
        if is_in:
            yield Path(name)


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder that any user can read, with the context in ``app`` and an empty ``data``."""
    folder = Path(mkdtemp(prefix="llamacare-container-"))
    folder.chmod(0o755)
    for name in context():
        target = folder / "app" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    (folder / "data" / "tmp").mkdir(parents=True)
    for path in (folder / "data", folder / "data" / "tmp"):
        with suppress(PermissionError):
            os.chown(path, int(given("USER")), -1)
    yield folder
    shutil.rmtree(folder)


def environment(place: Path, port: int) -> dict[str, str]:
    """Return the image's environment with its folders where they are here."""
    image = dict(re.findall(r"([A-Z_]+)=(\S+)", given("ENV")))
    del image["PATH"]
    assert image["LLAMACARE_HOME"] == "/data"
    image = {name: re.sub(r"^/data", str(place / "data"), value) for name, value in image.items()}
    settings = {
        "STREAMLIT_SERVER_PORT": str(port),
        "LLAMACARE_METRICS_TOKEN": TOKEN,
        "LLAMACARE_FEATURES_AHEAD": "0",  # would compute beside the other tests
    }
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return {**image, **own, **settings, "PYTHONPATH": str(place / "app")}


@cache
def as_its_user() -> dict[str, Any]:
    """Return how a process is started as the image's user, where this one may do so."""
    who = {"user": int(given("USER")), "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        subprocess.run([sys.executable, "-c", "import streamlit"], check=True, cwd="/", **who)
    except (OSError, subprocess.CalledProcessError):
        return {}  # whoever installed the packages keeps them from others
    return who


@contextmanager
def started(place: Path, port: int) -> Iterator[Path]:
    """Run the image's command; yield the path of its log."""
    log = place / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            json.loads(given("CMD")),
            cwd=place / "app",
            env=environment(place, port),
            stdout=output,
            stderr=subprocess.STDOUT,
            **as_its_user(),
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


def run(place: Path, port: int, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        cwd=place / "app",
        env=environment(place, port),
        capture_output=True,
        text=True,
        **as_its_user(),
    )


def ask(port: int, path: str, token: str = "") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.get(f"http://localhost:{port}{path}", headers=headers)
    return answer.status_code, answer.text


def test_the_image_s_command_runs_as_its_user_and_writes_to_its_volume_alone(place: Path) -> None:
    port = free_port()
    health = json.loads(given("HEALTHCHECK").split("CMD", 1)[1])
    check = [word.replace("8501", str(port)) for word in health]
    written = {path for path in place.rglob("*") if "data" not in path.parts}
    with started(place, port) as log:
        wait_for(lambda: run(place, port, *check).returncode == 0, explain=log.read_text)
        assert json.loads(ask(port, "/healthz")[1])["owner"] == "this process"
        (place / "own.jsonl").write_text(json.dumps({"item_id": "a", "question": UNSEEN}) + "\n")
        imported = run(
            place, port, "python", "-m", "db", "import", str(place / "own.jsonl"), "--labels", "x,y"
        )
        assert imported.returncode == 0, imported.stderr
        assert "1 items added" in imported.stdout
        backed_up = run(place, port, "python", "-m", "db", "backup")
        assert backed_up.returncode == 0, backed_up.stderr
        assert ask(port, "/metrics")[0] == 401
        assert ask(port, "/api/v1/queues")[0] == 401
        code, figures = ask(port, "/metrics", TOKEN)
    assert code == 200
    assert "llamacare_items 1.0\n" in figures
    assert re.search(r"llamacare_backup_timestamp_seconds 1\.\d+e\+09", figures)
    refused = 'llamacare_request_seconds_count{method="GET",route="/api/v1",status="401"} 1.0'
    assert refused in figures, figures
    assert figures.endswith("# EOF\n")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    assert any(line.get("status") == 401 for line in lines)
    assert UNSEEN not in log.read_text()
    places = {path for path in place.rglob("*") if "data" not in path.parts}
    assert places - written == {log, place / "own.jsonl"}
    names = {path.name for path in (place / "data").iterdir()}
    kept = {"review.duckdb", "review.duckdb.verified", "backups", "tmp"}
    assert names == kept  # the signal closed the database


def test_the_compose_file_sets_what_there_is_and_hardens_the_app() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    app = services["app"]
    assert (app["read_only"], app["cap_drop"]) == (True, ["ALL"])
    assert "ports" not in app
    assert [mount for mount in app["volumes"] if mount.endswith(":/data")] == ["data:/data"]
    own = {name for name in app["environment"] if name.startswith("LLAMACARE_")}
    assert own <= set(VARIABLES)
    for service in services.values():
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), source


def test_the_provider_and_the_sign_in_of_the_trial_fit_each_other() -> None:
    provider = yaml.safe_load((DEPLOY / "dex.yaml").read_text())
    [client] = provider["staticClients"]
    sign_in = (DEPLOY / "sign_in.toml").read_text()
    for value in (client["id"], client["secret"], *client["redirectURIs"]):
        assert f'"{value}"' in sign_in
    assert f'"{provider["issuer"]}/.well-known/openid-configuration"' in sign_in
    assert f"--issuer {provider['issuer']}\n" in (DEPLOY.parent / "install.md").read_text()


def test_the_unit_of_systemd_starts_what_the_image_starts() -> None:
    unit = (DEPLOY / "llamacare.service").read_text()
    command = " ".join(json.loads(given("CMD")))
    assert f"ExecStart=/opt/llamacare/.venv/bin/{command}\n" in unit
    named = set(re.findall(r"\b(LLAMACARE_\w+)=", unit))
    assert named <= set(VARIABLES)


def test_the_table_of_settings_is_complete() -> None:
    table = (DEPLOY.parent / "settings.md").read_text()
    for name, variable in VARIABLES.items():
        assert f"| `{name}` | {variable.default} | {variable.meaning} |" in table
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`|`(TMPDIR)`", table))
    known = {one or other for one, other in named}
    set_by_the_product = {"RANK", "WORLD_SIZE"}
    read = set()
    for package in ("db", "eci", "training", "streamlit_app"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            read |= set(re.findall(r"(?:environ\[|environ\.get\(|getenv\()\s*\"(\w+)\"", text))
            read |= set(re.findall(r"read_(?:text|number)\(\"([A-Z_]+)\"\)", text))
            read |= set(re.findall(r"TOKEN_VARIABLE.* = \"(\w+)\"", text))
    assert {"LLAMACARE_HOME", "ECI_TOKEN", "RAY_AUTH_TOKEN", "LLAMACARE_LOG"} <= read
    assert read - known - set_by_the_product == set()
