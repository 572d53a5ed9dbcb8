"""Presets: every shipped one is valid, faults are told all at once, a user's own come along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from training.cli.main import main
from training.errors import SettingsError
from training.settings.training import (
    TrainingSettings,
    get_preset,
    list_preset_faults,
    list_presets,
    parse_settings,
    presets_dir,
    read_preset,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))
    return tmp_path


def test_every_shipped_preset_is_valid_and_says_what_it_is_for() -> None:
    presets = {preset.name: preset for preset in list_presets()}
    assert {"smoke", "cpu-full", "qlora-13b"} <= set(presets)
    assert all(preset.description.endswith(".") for preset in presets.values())
    thirteen = presets["qlora-13b"].settings
    assert thirteen.model.quantization == "nf4"
    assert thirteen.optimizer.gradient_checkpointing


def test_settings_survive_the_run_directory() -> None:
    for preset in list_presets():
        stored = json.loads(json.dumps(preset.settings.model_dump(mode="json")))
        assert parse_settings(stored, "settings.json") == preset.settings


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[model]\nbase = 3\nquantisation = 'nf4'\n[head]\nweight = 1.5\n")
    with pytest.raises(SettingsError) as caught:
        read_preset(file)
    for part in ("bad.toml", "model.base", "model.quantisation", "head.weight", "1.5"):
        assert part in str(caught.value)


@pytest.mark.parametrize("content", [b"[model", b"\xff\xfe", b""])
def test_a_file_that_is_no_toml_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    if content:
        with pytest.raises(SettingsError, match=r"x\.toml"):
            read_preset(file)
    else:
        assert read_preset(file).settings == TrainingSettings()


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="smoke"):
        get_preset("smoek")


def test_a_preset_of_ones_own_is_listed_and_replaces_a_shipped_one() -> None:
    presets_dir().mkdir()
    (presets_dir() / "smoke.toml").write_text('description = "Mine."\nseed = 7\n')
    assert get_preset("smoke").settings.seed == 7
    assert [preset.name for preset in list_presets()].count("smoke") == 1


def test_the_command_line_lists_presets_and_tells_errors_in_one_line() -> None:
    listed = CliRunner().invoke(main, ["presets"])
    assert listed.exit_code == 0
    assert "smoke\t" in listed.stdout
    wrong = CliRunner().invoke(main, ["run", "no-such-preset"])
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("Error: Preset 'no-such-preset' does not exist.")
    for command in ("run", "execute", "predict", "list", "presets"):
        assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0


def test_listing_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, training.cli.main, training.control.start; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'peft')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


DAMAGED_PRESETS = {
    "nested far too deeply": "x = " + "[" * 50_000,
    "nested": "x = " + "[" * 200 + "]" * 200,
    "infinite": "[optimizer]\nmax_grad_norm = inf",
    "not a number": "[optimizer]\nweight_decay = nan",
    "beyond 64 bits": f"seed = {2**64}",
    "shots below none": "[data]\nshots = [-1]",
    "wrong kind": "model = 3",
    "no TOML": "[model",
}


@pytest.mark.parametrize("content", DAMAGED_PRESETS.values(), ids=DAMAGED_PRESETS)
def test_a_damaged_preset_is_left_out_by_name_and_the_others_are_listed(content: str) -> None:
    presets_dir().mkdir()
    (presets_dir() / "broken.toml").write_text(content)
    (presets_dir() / "mine.toml").write_text("seed = 7")
    names = {preset.name for preset in list_presets()}
    assert {"smoke", "mine"} <= names
    assert "broken" not in names
    (fault,) = list_preset_faults()
    assert "broken.toml" in fault
    with pytest.raises(SettingsError, match=r"broken\.toml"):
        get_preset("broken")
    listed = CliRunner().invoke(main, ["presets"])
    assert (listed.exit_code, "mine\t" in listed.stdout) == (0, True)
    assert "broken.toml" in listed.stderr


def test_a_damaged_preset_does_not_bring_back_the_one_that_it_replaces() -> None:
    presets_dir().mkdir()
    (presets_dir() / "smoke.toml").write_text("seed = [")
    assert "smoke" not in {preset.name for preset in list_presets()}


@pytest.mark.parametrize("name", ["\udcff.toml", "folder.toml", "pipe.toml", "loop.toml"])
def test_a_preset_that_is_no_readable_file_is_left_out(name: str) -> None:
    presets_dir().mkdir()
    path = presets_dir() / name
    if name == "pipe.toml":
        os.mkfifo(path)
    elif name == "loop.toml":
        path.symlink_to(path)
    elif name == "folder.toml":
        path.mkdir()
    else:
        path.write_text("")
    assert "smoke" in {preset.name for preset in list_presets()}
    (fault,) = list_preset_faults()
    fault.encode()


@pytest.mark.parametrize("path", ["missing.toml", "a\0b.toml", "x" * 5000 + ".toml"])
def test_a_preset_that_cannot_be_opened_is_one_clear_error(path: str) -> None:
    with pytest.raises(SettingsError, match=r"(?i)settings file"):
        get_preset(path)
