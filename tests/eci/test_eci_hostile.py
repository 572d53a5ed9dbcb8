"""Command line and files of eci under hostile input: one line with what to do, no traceback."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from eci.cli import main
from eci.errors import ArtifactError, BaseModelError, LabelSetError, RecordError
from eci.model.artifact import INFO_FILE, read_info
from eci.model.base_model import load_base, read_config
from eci.model.head import HeadConfig
from eci.questions.json_lines import parse_record
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.statistics.conformal import ConformalSets

LINE = {"id": 1, "question": "Does it help?", "label_set": "pubmedqa"}
KNOWN = {PUBMEDQA.name: PUBMEDQA}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "Infinity", "NaN"])
def test_a_number_that_json_cannot_write_again_is_refused(number: str) -> None:
    line = json.dumps(LINE)[:-1] + f', "metadata": {{"x": {number}}}}}'
    with pytest.raises(RecordError):
        parse_record(line.encode(), KNOWN)


@pytest.mark.parametrize("field", ["name", "text"])
def test_half_of_an_emoji_in_a_label_is_refused(field: str) -> None:
    pairs = {"name": [("A\ud83d", "x"), ("B", "y")], "text": [("A", "x\ud83d"), ("B", "y")]}[field]
    with pytest.raises(LabelSetError, match="UTF-8"):
        LabelSet.from_options(pairs)


@pytest.mark.parametrize(
    "option", ["--batch-size", "--chunk-size", "--shots", "--shot-words", "--answer", "--seed"]
)
@pytest.mark.parametrize("value", ["99999999999999999999", "-1", "1e3", "nan"])
def test_a_number_out_of_bounds_is_wrong_usage(option: str, value: str) -> None:
    result = CliRunner().invoke(main, ["classify", option, value], input="")
    assert result.exit_code == 2
    assert option in result.stderr


@pytest.mark.parametrize("kind", ["--exemplars", "--forbidden"])
def test_a_file_without_any_line_is_refused(tmp_path: Path, kind: str) -> None:
    empty, exemplars = tmp_path / "empty.jsonl", tmp_path / "exemplars.jsonl"
    empty.write_text("\n\n")
    exemplars.write_text(json.dumps({**LINE, "label": "yes"}))
    files = {"--exemplars": exemplars, kind: empty}
    options = [text for name, path in files.items() for text in (name, str(path))]
    result = CliRunner().invoke(main, ["classify", "--shots", "1", *options], input="")
    assert result.exit_code == 1
    assert "empty.jsonl holds no line" in result.stderr


CONFIGS: dict[str, bytes] = {
    "nested far": b"[" * 100_000,
    "no object": b"[]",
    "no UTF-8": b"\xff\xfe",
    "unknown": b'{"model_type": "surprise"}',
    "wrong kinds": b'{"model_type": "llama", "hidden_size": "wide", "vocab_size": []}',
    "empty": b"",
}


@pytest.mark.parametrize("content", CONFIGS.values(), ids=CONFIGS)
def test_a_damaged_base_model_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(BaseModelError, match="could not be loaded"):
        load_base(str(tmp_path), tmp_path, device="cpu")
    if content != CONFIGS["wrong kinds"]:
        with pytest.raises(BaseModelError):
            read_config(str(tmp_path), tmp_path)


@pytest.mark.parametrize("device", ["nope", "cuda:99999999999", "mps", "cpu:x", ""])
def test_a_device_that_is_not_there_is_named(tiny_model_dir: Path, device: str) -> None:
    with pytest.raises(BaseModelError, match="device"):
        load_base(str(tiny_model_dir), tiny_model_dir, device=device)


DESCRIPTIONS: dict[str, Any] = {
    "nested": '{"head": ' + "[" * 500 + "]" * 500 + "}",
    "nested far": "[" * 100_000,
    "infinite": '{"calibration": {"a": {"temperature": 1e999, "num_items": 1}}}',
    "tokens lacking": '{"label_sets": {"a": {"labels": [{"name": "x"}], "verbalizers": []}}}',
    "surrogate": r'{"template": "\ud83d"}',
    "empty": "",
}


@pytest.mark.parametrize("content", DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_damaged_description_of_an_artifact_is_one_clear_error(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / INFO_FILE).write_text(content)
    with pytest.raises(ArtifactError, match=r"eci\.json cannot be read"):
        read_info(tmp_path)
    result = CliRunner().invoke(main, ["classify", "--artifact", str(tmp_path)], input="")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)


HEADS: dict[str, dict[str, Any]] = {
    "unknown field": {"colour": 1},
    "text for a number": {"hidden_size": "wide"},
    "no size": {"hidden_size": 0},
    "pooling is a number": {"pooling": 3},
    "pooling unknown": {"pooling": "first@nan"},
    "dropout": {"dropout": 1e300},
    "label sets are a list": {"label_sets": ["yes"]},
}


@pytest.mark.parametrize("change", HEADS.values(), ids=HEADS)
def test_a_damaged_configuration_of_a_head_is_one_clear_error(change: dict[str, Any]) -> None:
    sound = {"hidden_size": 8, "label_sets": {"pubmedqa": 3}}
    assert HeadConfig.from_dict(sound).hidden_size == 8
    with pytest.raises(ArtifactError, match="does not fit"):
        HeadConfig.from_dict(sound | change)


@pytest.mark.parametrize("name", ["thresholds", "num_calibration"])
@pytest.mark.parametrize("number", [-(10**400), -math.inf, math.nan, "x", []])
def test_damaged_conformal_sets_are_one_clear_error(name: str, number: Any) -> None:
    sound = {"thresholds": [0.5], "num_calibration": [20]}
    values = {"labels": ["a"], "alpha": 0.1, "kind": "marginal", **sound}
    with pytest.raises(ArtifactError):
        ConformalSets.from_dict({**values, name: [number]})
