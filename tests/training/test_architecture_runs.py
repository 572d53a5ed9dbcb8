"""Training, predicting and refitting by command line on models that are not like Llama."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from transformers import AutoTokenizer

from db.connection import Database
from db.content.predictions import list_predictions
from db.paths import runs_dir
from db.viewer import EVERYTHING
from eci.model.artifact import read_info
from tests.support.architectures import ARCHITECTURES
from training.cli.main import main
from training.run.run_dir import RunDir

REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}<turn>{{ m['role'] }}\n{{ m['content'] }}</turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)


def make_folder(name: str, tiny_model_dir: Path, folder: Path) -> Path:
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_model_dir)
    if name.startswith("Gemma"):
        tokenizer.chat_template = REFUSES_SYSTEM
    architecture = next(each for each in ARCHITECTURES if each.name == name)
    architecture.make(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["Qwen3", "Gemma 3", "Granite"])
def test_a_model_is_trained_asked_and_refitted_after_its_folder_moved(
    name: str,
    database: Database,
    engineer: object,
    tiny_settings: dict[str, Any],
    tiny_model_dir: Path,
    tmp_path: Path,
) -> None:
    database.close()
    folder = make_folder(name, tiny_model_dir, tmp_path / "model")
    preset = tmp_path / "preset.toml"
    settings = {
        **tiny_settings,
        "model": {**tiny_settings["model"], "base": str(folder), "quantization": "none"},
        "optimizer": {**tiny_settings["optimizer"], "max_steps": 2},
    }
    preset.write_text('description = "A test."\n' + _toml(settings))

    trained = run("run", str(preset))
    asked = run("predict", "--run", trained, "--max-new-tokens", "4")
    moved = folder.rename(tmp_path / "moved")
    refitted = run("run", "--tier", "refit", "--from", trained, "--base", str(moved))
    again = run("run", "--tier", "refit", "--from", refitted)

    info = read_info(RunDir(runs_dir() / again).artifact_path)
    assert info.base.name == str(moved)
    cur = Database.open().cursor()
    for run_id in (trained, asked, refitted, again):
        predictions = list_predictions(cur, run_id, EVERYTHING)
        assert predictions
        assert all(prediction.head_label is not None for prediction in predictions)


def _toml(settings: dict[str, Any]) -> str:
    lines = []
    for section, fields in settings.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(it)}" for key, it in fields.items())]
    return "\n".join(lines)
