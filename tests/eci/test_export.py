"""Exports of artifacts, loaded by the programs that they are for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from eci.cli import main
from eci.export.folder import MANIFEST_FILE
from eci.model import base_model
from eci.model.artifact import CalibrationInfo, save_tensors, write_info
from eci.model.base_model import load_base
from eci.model.eci_model import EciModel, build
from eci.model.features import stack
from eci.model.head_fit import fit_head
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Question
from training.joint.adapter import add_adapter, describe_model, save_artifact
from training.settings.training import LoraSettings

WORDS = {"yes": "helped all", "no": "helped none", "maybe": "gave no clear result"}
QUESTIONS = [
    Question(
        f"Is remedy {number} any good?",
        (("RESULTS", f"Remedy {number} {WORDS[PUBMEDQA.names[number % 3]]}. " * (number % 4 + 1)),),
        PUBMEDQA,
    )
    for number in range(12)
]
CHOICES = [
    Question("Which?", (), LabelSet.from_options(dict(zip("ABCD"[:size], "wxyz", strict=False))))
    for size in (2, 4, 3)
]
TURNS = [{"role": "user", "content": "Does honey help?"}]


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in float32: in bfloat16 the shape of a batch alone moves a probability by 0.01."""
    monkeypatch.setattr(base_model, "_cpu_computes_bfloat16", lambda: False)


def make_artifact(
    base: str,
    models_dir: Path,
    folder: Path,
    *,
    adapter: bool = True,
    quantization: base_model.Quantization = "none",
    intercept: bool = True,
    **head: Any,
) -> EciModel:
    """Write an artifact with a head fitted on the questions; return it loaded."""
    loaded = load_base(base, models_dir, quantization=quantization, device="cpu")
    model = build(loaded, **head)
    if adapter:
        add_adapter(model, LoraSettings(rank=4, alpha=8, dropout=0.0), checkpointing=False)
        torch.manual_seed(1)
        for name, parameter in model.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
        model.is_training = False
        model.model.eval()
    states, scores = stack(model.features(QUESTIONS))
    gold = [number % 3 for number in range(len(QUESTIONS))]
    fitted = fit_head(states, scores, gold, is_options=False, l2=0.1, intercept=intercept)
    inner = model.model.get_base_model() if adapter else model.model
    eci_head = inner.eci_head.modules_to_save["default"] if adapter else inner.eci_head
    eci_head.take("pubmedqa", fitted)
    torch.nn.init.normal_(eci_head.option_weight, std=0.1)
    model.calibration = {"pubmedqa": CalibrationInfo(temperature=1.7, num_items=12)}
    if adapter:
        save_artifact(model, loaded, folder, shots=0)
    else:
        save_tensors(folder, eci_head.state_dict(), None, None)
        write_info(folder, describe_model(model, loaded, shots=0, has_adapter=False))
    return EciModel.load(base, models_dir, artifact=folder, quantization=quantization, device="cpu")


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, ["export", *map(str, arguments)])
    assert result.exit_code == 0, (result.stderr, result.exception)
    return result.stdout


def refused(*arguments: str | Path) -> str:
    result = CliRunner().invoke(main, ["export", *map(str, arguments)])
    assert result.exit_code in (1, 2), result.exception
    return result.stderr


def prompt_ids(model: EciModel, tokenizer: Any, question: Question) -> torch.Tensor:
    """Return a prompt as a stranger writes it, who has only the folder."""
    turns = model.encoder.template.messages(question)
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    assert ids[0].tolist() == list(model.encoder.prompt(question).input_ids)
    return torch.as_tensor(ids)


def label_probabilities(model: EciModel, folder: Path) -> np.ndarray:
    """Return what a merged folder gives as probabilities of the labels, by transformers alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    merged = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    assert type(merged).__module__.startswith("transformers.")
    rows = []
    for question in QUESTIONS:
        with torch.no_grad():
            last = merged(prompt_ids(model, tokenizer, question)).logits[0, -1].float()
        scores = [
            last.log_softmax(-1)[list(ids)].logsumexp(-1)
            for ids in model.encoder.verbalizers(PUBMEDQA)
        ]
        rows.append(torch.stack(scores).softmax(0).numpy())
    return np.stack(rows)


def own_probabilities(model: EciModel) -> np.ndarray:
    """Return the same from the artifact: what an untrained head would give."""
    scores = stack(model.features(QUESTIONS))[1]
    return np.asarray(torch.tensor(scores).softmax(-1))


@pytest.fixture(scope="module")
def artifact(
    tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, EciModel]:
    folder = tmp_path_factory.mktemp("run") / "artifact"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_model, "_cpu_computes_bfloat16", lambda: False)
        model = make_artifact(str(tiny_model_dir), folder.parent, folder)
    return folder, model


def test_a_merged_folder_gives_the_same_probabilities_and_texts(
    artifact: tuple[Path, EciModel], tmp_path: Path, tiny_model_dir: Path
) -> None:
    folder, model = artifact
    out = tmp_path / "merged"
    assert run("--merged", out, "--artifact", folder) == f"{out}\n"
    assert np.abs(label_probabilities(model, out) - own_probabilities(model)).max() < 1e-4
    assert own_probabilities(model).std(0).max() > 1e-3  # they differ from item to item
    plain = EciModel.load(str(tiny_model_dir), tmp_path, device="cpu")
    assert np.abs(own_probabilities(plain) - own_probabilities(model)).max() > 1e-2
    merged = AutoModelForCausalLM.from_pretrained(out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    asked = tokenizer.apply_chat_template(TURNS, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(asked, add_special_tokens=False, return_tensors="pt")
    written = merged.generate(**ids, max_new_tokens=12, do_sample=False)[
        0, ids.input_ids.shape[1] :
    ]
    expected = model.reply(TURNS, 12).text  # type: ignore[arg-type]
    assert tokenizer.decode(written, skip_special_tokens=True) == expected
    held = {path.name for path in out.iterdir()}
    assert {"config.json", "generation_config.json", "tokenizer.json", "README.md"} <= held
    assert not any(name.startswith(("adapter", "eci_head")) for name in held)
    assert "commit to one of the allowed answers" in (out / "README.md").read_text()
    # It is a base model for this product too.
    again = EciModel.load(str(out), tmp_path, device="cpu")
    assert np.abs(own_probabilities(again) - own_probabilities(model)).max() < 1e-4


def test_a_four_bit_artifact_is_merged_into_the_weights_it_was_trained_on(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "artifact", tmp_path / "merged"
    model = make_artifact(str(tiny_model_dir), tmp_path, folder, quantization="nf4")
    run("--merged", out, "--artifact", folder)
    differs = np.abs(label_probabilities(model, out) - own_probabilities(model)).max()
    plain = EciModel.load(str(tiny_model_dir), tmp_path, artifact=None, device="cpu")
    far = np.abs(own_probabilities(plain) - own_probabilities(model)).max()
    assert differs < 0.02 < far  # the rounding of 4-bit kernels, which compute in bfloat16
    assert "4-bit NF4" in (out / "README.md").read_text()


@pytest.mark.parametrize("adapter", [True, False])
def test_a_head_of_that_form_is_a_sequence_classifier_of_transformers(
    tiny_model_dir: Path, tmp_path: Path, adapter: bool
) -> None:
    folder, out = tmp_path / "artifact", tmp_path / "classifier"
    model = make_artifact(
        str(tiny_model_dir), tmp_path, folder,
        adapter=adapter, intercept=False, pooling="last", uses_scores=False,
    )  # fmt: skip
    run(out, "--as", "sequence-classification", "--artifact", folder)
    tokenizer = AutoTokenizer.from_pretrained(out)
    classifier = AutoModelForSequenceClassification.from_pretrained(out)
    assert classifier.config.id2label == {0: "yes", 1: "no", 2: "maybe"}
    expected = [found.probabilities for found in model.classify(QUESTIONS)]
    assert np.std(expected, axis=0).max() > 0.05
    with torch.no_grad():
        for question, probabilities in zip(QUESTIONS, expected, strict=True):
            given = classifier(prompt_ids(model, tokenizer, question)).logits.softmax(-1)[0]
            assert given.tolist() == pytest.approx(probabilities, abs=1e-4)
        texts = [
            tokenizer.decode(prompt_ids(model, tokenizer, question)[0]) for question in QUESTIONS
        ]
        padded = tokenizer(texts, add_special_tokens=False, padding=True, return_tensors="pt")
        together = classifier(**padded).logits.softmax(-1)
    assert together.numpy() == pytest.approx(np.array(expected), abs=1e-4)
    assert "yes, no, maybe" in (out / "README.md").read_text()


def test_a_head_of_another_form_is_refused_with_what_makes_one(
    artifact: tuple[Path, EciModel], tmp_path: Path
) -> None:
    out = tmp_path / "classifier"
    message = refused(out, "--as", "sequence-classification", "--artifact", artifact[0])
    for words in (
        "it reads 'evidence@0.5+question@0.5'", "language model's own scores",
        "an intercept for each label", "--form sequence-classification",
    ):  # fmt: skip
        assert words in message
    assert not out.exists()
    named = refused(
        out, "--as", "sequence-classification", "--artifact", artifact[0], "--label-set", "triage"
    )
    assert "'triage' is not one of this head: pubmedqa" in named


def test_the_head_alone_gives_the_same_in_an_onnx_runtime(
    artifact: tuple[Path, EciModel], tmp_path: Path
) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="requirements-dev.txt installs onnxruntime")
    folder, model = artifact
    out = tmp_path / "head"
    run(out, "--as", "onnx", "--artifact", folder)
    for name, questions in (("pubmedqa", QUESTIONS), ("options", CHOICES)):
        session = runtime.InferenceSession(out / f"{name}.onnx")
        states, scores = stack(model.features(questions))
        logits, probabilities = session.run(None, {"states": states, "scores": scores})
        for row, expected in enumerate(model.classify(questions)):
            size = len(expected.probabilities)
            assert probabilities[row][:size] == pytest.approx(expected.probabilities, abs=1e-4)
            assert logits[row][:size] == pytest.approx(expected.logits, abs=1e-3)
            assert probabilities[row][size:] == pytest.approx(0.0)
    assert "`pubmedqa.onnx`: pubmedqa (yes, no, maybe)" in (out / "README.md").read_text()


def test_without_onnx_the_message_says_what_to_install(
    artifact: tuple[Path, EciModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eci.export.head_onnx.find_spec", lambda name: None)
    message = refused(tmp_path / "head", "--as", "onnx", "--artifact", artifact[0])
    assert "requirements-onnx.txt" in message
    assert list(tmp_path.iterdir()) == []


def changed(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def added(folder: Path) -> None:
    (folder / "mine.txt").write_text("mine")


def forged(folder: Path) -> None:
    (folder / MANIFEST_FILE).write_text("[" * 100_000)


@pytest.mark.parametrize("touch", [changed, added, forged])
def test_only_an_unchanged_export_is_replaced(
    artifact: tuple[Path, EciModel], tmp_path: Path, touch: Callable[[Path], None]
) -> None:
    out = tmp_path / "out"
    run("--merged", out, "--artifact", artifact[0])
    run("--merged", out, "--artifact", artifact[0], "--dtype", "bfloat16")
    assert json.loads((out / "config.json").read_bytes())["dtype"] == "bfloat16"
    touch(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert "no earlier export" in refused("--merged", out, "--artifact", artifact[0])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_places_and_artifacts_that_cannot_be_used_leave_nothing(
    artifact: tuple[Path, EciModel], tmp_path: Path
) -> None:
    folder = artifact[0]
    file = tmp_path / "file"
    file.write_text("mine")
    assert "no folder" in refused("--merged", file, "--artifact", folder)
    assert "there is no folder" in refused("--merged", tmp_path / "a" / "b", "--artifact", folder)
    assert "Say what to write" in refused(tmp_path / "out", "--artifact", folder)
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    (damaged / "adapter_model.safetensors").write_bytes(b"x")
    assert "is damaged" in refused("--merged", tmp_path / "out", "--artifact", damaged)
    assert "--base" not in refused(
        "--merged", tmp_path / "out", "--artifact", folder, "--base", str(tmp_path / "nowhere")
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged", "file"]
    assert file.read_text() == "mine"
