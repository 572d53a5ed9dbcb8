"""Two base models that differ anywhere are told apart before an artifact is used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eci.errors import ArtifactError, BaseModelError
from eci.model.artifact import read_info, save_tensors, write_info
from eci.model.base_model import load_base
from eci.model.eci_model import EciModel, build
from eci.model.fingerprint import Fingerprint
from eci.questions.labels import PUBMEDQA
from eci.questions.prompts import Question
from training.joint.adapter import describe_model

QUESTION = Question("Does it help?", (("RESULTS", "It did."),), PUBMEDQA)


@pytest.fixture
def base(tiny_model_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "base"))


@pytest.fixture
def artifact(base: Path, tmp_path: Path) -> Path:
    loaded = load_base(str(base), tmp_path, device="cpu")
    model = build(loaded)
    folder = tmp_path / "artifact"
    save_tensors(folder, model.model.eci_head.state_dict(), None, None)
    info = describe_model(model, loaded, shots=0, has_adapter=False)
    write_info(folder, info)
    return folder


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def flip_last_weight(base: Path) -> None:
    flip(base / "model.safetensors", -3)


def flip_weight_in_the_middle(base: Path) -> None:
    path = base / "model.safetensors"
    flip(path, path.stat().st_size // 2)


def change_config(base: Path) -> None:
    path = base / "config.json"
    path.write_text(path.read_text().replace('"rope_theta": 10000.0', '"rope_theta": 20000.0'))


def change_chat_template(base: Path) -> None:
    for path in base.glob("chat_template*"):
        path.write_text(path.read_text().replace("<|im_start|>", "<|im_start|> "))


def change_tokenizer(base: Path) -> None:
    path = base / "tokenizer.json"
    path.write_text(
        path.read_text().replace('"add_prefix_space": false', '"add_prefix_space": true')
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (flip_last_weight, "its weights or configuration"),
        (flip_weight_in_the_middle, "its weights or configuration"),
        (change_config, "its weights or configuration"),
        (change_chat_template, "its tokenizer or chat template"),
        (change_tokenizer, "its tokenizer or chat template"),
    ],
)
def test_a_base_model_that_differs_is_refused_with_what_differs(
    base: Path, artifact: Path, tmp_path: Path, change: Callable[[Path], None], words: str
) -> None:
    before = Fingerprint.of(str(base), tmp_path)
    change(base)
    assert Fingerprint.of(str(base), tmp_path) != before
    with pytest.raises(ArtifactError, match=words):
        EciModel.load(str(base), tmp_path, artifact=artifact, device="cpu")


def test_a_base_model_that_moved_is_the_same(base: Path, artifact: Path, tmp_path: Path) -> None:
    base.rename(tmp_path / "moved")
    model = EciModel.load(str(tmp_path / "moved"), tmp_path, artifact=artifact, device="cpu")
    assert len(model.classify([QUESTION])) == 1


def test_prompts_that_are_written_differently_are_refused(
    base: Path, artifact: Path, tmp_path: Path
) -> None:
    info = read_info(artifact)
    write_info(artifact, info.model_copy(update={"prompt_digest": "another"}))
    with pytest.raises(ArtifactError, match=r"writes differently.*torch"):
        EciModel.load(str(base), tmp_path, artifact=artifact, device="cpu")


def test_an_artifact_with_a_fingerprint_of_headers_loads_with_a_warning(
    base: Path, artifact: Path, tmp_path: Path
) -> None:
    headers = Fingerprint.of(str(base), tmp_path).headers
    info = read_info(artifact)
    older = info.base.model_copy(update={"fingerprint": headers, "tokenizer": ""})
    write_info(artifact, info.model_copy(update={"base": older, "prompt_digest": ""}))
    with pytest.warns(UserWarning, match="before base models were compared in full"):
        EciModel.load(str(base), tmp_path, artifact=artifact, device="cpu")
    flip_last_weight(base)  # it is in the first MiB of this small file
    with pytest.raises(ArtifactError, match="its weights or configuration"):
        EciModel.load(str(base), tmp_path, artifact=artifact, device="cpu")


def test_a_file_is_read_again_only_when_its_size_or_time_changed(
    base: Path, tmp_path: Path
) -> None:
    before = Fingerprint.of(str(base), tmp_path).weights
    weights = base / "model.safetensors"
    times = weights.stat()
    flip_last_weight(base)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert Fingerprint.of(str(base), tmp_path).weights == before
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert Fingerprint.of(str(base), tmp_path).weights != before


def test_a_damaged_weight_file_is_named(base: Path, tmp_path: Path) -> None:
    flip(base / "model.safetensors", 12)
    with pytest.raises(BaseModelError, match="could not be loaded"):
        load_base(str(base), tmp_path, device="cpu")


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": 1}', b"[" * 100_000, b"\xff"])
def test_a_damaged_list_of_digests_is_made_again(
    base: Path, tmp_path: Path, content: bytes
) -> None:
    before = Fingerprint.of(str(base), tmp_path)
    (tmp_path / "digests.json").write_bytes(content)
    assert Fingerprint.of(str(base), tmp_path) == before
