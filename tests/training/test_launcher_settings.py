"""Settings of launchers: from the file and the command line to validated values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from db.connection import Database
from db.paths import runs_dir
from training.cli.main import main
from training.control.plan import make_plan, prepare_plan
from training.errors import SettingsError
from training.run.run_dir import RunDir, list_run_dirs
from training.settings.launchers import (
    LOCAL,
    AccelerateLauncher,
    RayLauncher,
    get_launcher,
    launchers_path,
    list_launchers,
    parse_launcher,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("LLAMACARE_HOME", str(folder))
    return folder


def test_without_a_file_only_this_machine_is_set_up() -> None:
    assert list_launchers() == {"local": LOCAL}
    assert get_launcher("accelerate") == AccelerateLauncher(num_processes=2)


def test_the_file_sets_launchers_up_and_the_command_line_changes_single_settings() -> None:
    launchers_path().write_text(
        '[ray]\naddress = "https://head:8265/"\nstorage = "s3://bucket/runs/"\nnum_gpus = 1\n'
        "[accelerate]\nnum_processes = 4\n"
    )
    assert list(list_launchers()) == ["local", "accelerate", "ray"]
    launcher = get_launcher("ray", ["num_processes=3", "storage=/mnt/shared"])
    assert launcher == RayLauncher(
        address="https://head:8265", storage="/mnt/shared", num_gpus=1, num_processes=3
    )


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        ("ray", (), "storage"),
        ("ray", ("storage=runs",), "absolute folder"),
        ("ray", ("storage=/s", "address=head:8265"), "ray.address"),
        ("ray", ("storage=/s", "address=http://me:secret@head:8265"), "ray.address"),
        ("ray", ("storage=/s", "token=secret"), "token"),
        ("accelerate", ("num_processes=1",), "num_processes"),
        ("accelerate", ("num_processes",), "NAME=VALUE"),
        ("local", ("num_processes=2",), "num_processes"),
    ],
)
def test_what_is_not_allowed_is_named(kind: Any, options: tuple[str, ...], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        get_launcher(kind, options)


@pytest.mark.parametrize("text", ["[slurm]\nx = 1\n", "ray = 1\n", "[ray\n"])
def test_a_file_that_cannot_be_used_is_named(text: str) -> None:
    launchers_path().write_text(text)
    with pytest.raises(SettingsError, match=r"launchers\.toml"):
        list_launchers()


def test_a_run_without_a_launcher_in_its_settings_is_local() -> None:
    assert parse_launcher(None, "tests") == LOCAL


def test_ray_that_is_not_installed_is_told_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.settings.launchers.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install -r requirements-ray\.txt"):
        get_launcher("ray", ["storage=/s"])


def test_a_plan_keeps_its_launcher_with_the_run(database: Database) -> None:
    plan = make_plan(database, "joint", launcher=AccelerateLauncher())
    run_dir = prepare_plan(database, plan, "tests")
    assert run_dir.read_settings()["launcher"] == {
        "kind": "accelerate",
        "num_processes": 2,
        "sharding": "auto",
    }


def test_a_launcher_that_does_not_fit_the_plan_is_refused(database: Database) -> None:
    with pytest.raises(SettingsError, match="cannot share"):
        make_plan(database, "joint", launcher=AccelerateLauncher(num_processes=5))
    with pytest.raises(SettingsError, match="seconds on this machine"):
        make_plan(database, "refit", launcher=AccelerateLauncher())


def test_the_command_line_passes_the_launcher_on(
    database: Database, tiny_settings: dict[str, Any]
) -> None:
    database.close()
    runner = CliRunner()
    refused = runner.invoke(main, ["run", "--launcher", "accelerate", "-o", "num_processes=0"])
    assert refused.exit_code == 1
    assert "num_processes" in refused.stderr
    # The first thing a run of several processes does is to load its base model.
    arguments = ["predict", "--base", "/nowhere", "--launcher", "accelerate"]
    result = runner.invoke(main, arguments)
    assert result.exit_code == 1
    assert "does not exist" in result.stderr
    (run_dir,) = list_run_dirs(runs_dir())
    assert RunDir(run_dir.path).read_settings()["launcher"]["kind"] == "accelerate"
    assert json.loads(run_dir.status_path.read_text())["state"] == "failed"
