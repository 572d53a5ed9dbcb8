"""Models that think first: the category is read after the thinking, in training as in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoModelForCausalLM, AutoTokenizer

from db.connection import Database
from db.content.predictions import list_predictions
from db.paths import runs_dir
from db.records import Reviewer
from db.viewer import EVERYTHING
from eci.cli import main as eci_main
from eci.model.artifact import read_info
from eci.model.base_model import LoadedBase, load_base
from eci.model.eci_model import EciModel, build
from eci.model.encoding import PromptSettings
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Question
from tests.support.architectures import ARCHITECTURES
from training.cli.main import main
from training.run.run_dir import RunDir

# As Qwen3's: thinking is asked for by name, and closed at once where it is not wanted.
QWEN3 = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] }}"
    "{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
)
BUDGET = 6
THREE = LabelSet.from_options({"A": "aspirin", "B": "rest and fluids", "C": "surgery"})
QUESTIONS = [
    Question("Does it work?", (("RESULTS", "It did, in 20 of 30 patients."),), PUBMEDQA, "1"),
    Question("Is it safe for all of them, in every ward?", (), PUBMEDQA, "2"),
    Question("Which of these comes first?", (), THREE, "3"),
]


@pytest.fixture(scope="module")
def folder(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small Qwen3 of random weights that has learned to end its thinking now and then."""
    made = tmp_path_factory.mktemp("thinker")
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_model_dir)
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.chat_template = QWEN3
    architecture = next(each for each in ARCHITECTURES if each.name == "Qwen3")
    # Kept as bfloat16: what reads it as that and what reads it as float32 have the same weights.
    architecture.make(tokenizer).to(torch.bfloat16).save_pretrained(made)
    tokenizer.save_pretrained(made)
    return made


@pytest.fixture
def loaded(folder: Path, tmp_path: Path) -> LoadedBase:
    found = load_base(str(folder), tmp_path, device="cpu")
    found.model.float()
    return found


def _thought(plain: Any, tokenizer: Any, prompt: list[int]) -> list[int]:
    """Return what plain ``generate`` thinks, closed where the budget or the model ends it."""
    end = tokenizer.convert_tokens_to_ids("</think>")
    ids = torch.tensor([prompt])
    written = plain.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=BUDGET,
        do_sample=False,
        pad_token_id=0,
        eos_token_id=[end, tokenizer.eos_token_id],
    )[0, len(prompt) :].tolist()
    kept = [i for i in written if i not in (end, tokenizer.eos_token_id)]
    return [*prompt, *kept, end, *tokenizer("\n\n", add_special_tokens=False)["input_ids"]]


def test_labels_options_and_texts_follow_on_the_thinking_as_in_plain_transformers(
    folder: Path, loaded: LoadedBase
) -> None:
    model = build(loaded, prompts=PromptSettings(thinking_tokens=BUDGET))
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).float().eval()
    tokenizer = loaded.tokenizer
    answers = model.answer(QUESTIONS, max_new_tokens=4, batch_size=3)
    classified = model.classify(QUESTIONS, batch_size=2)
    for question, answer, category in zip(QUESTIONS, answers, classified, strict=True):
        row, _ = model.row(question)
        assert tokenizer.decode(row.prompt).endswith("assistant\n<think>\n")
        prompt = _thought(plain, tokenizer, list(row.prompt))
        if question.label_set.is_options:
            expected = [_mean_score(plain, prompt, list(option)) for option in row.options]
        else:
            last = _log_probabilities(plain, prompt)[-1]
            verbalizers = model.encoder.verbalizers(PUBMEDQA)
            expected = [last[ids].logsumexp(0).item() for ids in verbalizers]
        assert answer.classification.logits == pytest.approx(expected, abs=5e-3)
        assert category.logits == pytest.approx(expected, abs=5e-3)
        assert category.prompt_tokens == len(prompt)
        assert category.thinking == answer.classification.thinking
        ids = torch.tensor([prompt])
        text = plain.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=4,
            do_sample=False,
            pad_token_id=0,
        )[0, len(prompt) :]
        assert answer.text == tokenizer.decode(text, skip_special_tokens=True)


def _log_probabilities(plain: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return plain(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)


def _mean_score(plain: Any, prompt: list[int], option: list[int]) -> float:
    scores = _log_probabilities(plain, [*prompt, *option])[len(prompt) - 1 : -1]
    return scores.gather(1, torch.tensor(option)[:, None]).mean().item()


def test_what_ends_thinking_early_ends_it_and_nothing_of_it_is_left_in_the_answer(
    loaded: LoadedBase,
) -> None:
    model = build(loaded, prompts=PromptSettings(thinking_tokens=BUDGET))
    end = loaded.tokenizer.convert_tokens_to_ids("</think>")
    first = model.think([model.row(QUESTIONS[0])[0]], 1)[0][0].prompt[-BUDGET - 2]
    with torch.no_grad():  # from now on the model ends its thinking where it wrote that before
        loaded.model.lm_head.weight[end] = loaded.model.lm_head.weight[first] * 2
    row, _ = model.row(QUESTIONS[0])
    ((thought, text),) = model.think([row], 1)
    assert len(thought.prompt) < len(row.prompt) + BUDGET + 2
    assert list(thought.prompt).count(end) == 1
    assert "</think>" not in text


@pytest.mark.parametrize("pooling", ["evidence@0.5+question@0.5", "last@0.5+question", "item"])
def test_the_head_reads_a_state_after_the_thinking_whatever_the_pooling(
    loaded: LoadedBase, pooling: str
) -> None:
    prompts = PromptSettings(thinking_tokens=BUDGET)
    model = build(loaded, prompts=prompts, pooling=pooling, uses_scores=False)
    parts = model.model.eci_config.parts
    assert any(part.region == "last" for part in parts)
    row, _ = model.row(QUESTIONS[0])
    given = model.features([QUESTIONS[0]])[0].states
    part = next(i for i, part in enumerate(parts) if part.region == "last")
    prompt = list(model.think([row], 1)[0][0].prompt)
    with torch.no_grad():
        hidden = loaded.model.model(torch.tensor([prompt]), output_hidden_states=True).hidden_states
    layer = parts[part].layer(4)
    expected = hidden[layer][0, -1]
    assert torch.allclose(torch.as_tensor(given[part]), expected, atol=2e-2)


def test_thinking_is_trained_asked_and_refitted_by_command_line(
    database: Database,
    engineer: Reviewer,
    tiny_settings: dict[str, Any],
    folder: Path,
    tmp_path: Path,
) -> None:
    database.close()
    preset = tmp_path / "preset.toml"
    settings = {
        **tiny_settings,
        "model": {
            **tiny_settings["model"],
            **{"base": str(folder), "quantization": "none", "thinking_tokens": BUDGET},
        },
        "optimizer": {**tiny_settings["optimizer"], "max_steps": 2},
        "evaluation": {"max_new_tokens": 2},
    }
    preset.write_text('description = "A test."\n' + _toml(settings))

    trained = _run("run", str(preset))
    asked = _run("predict", "--run", trained, "--max-new-tokens", "0")
    refitted = _run("run", "--tier", "refit", "--from", trained)

    for run_id in (trained, refitted):
        assert read_info(RunDir(runs_dir() / run_id).artifact_path).thinking_tokens == BUDGET
    refused = CliRunner().invoke(main, ["predict", "--run", trained, "--thinking", "3"])
    assert refused.exit_code == 2
    assert "brings its own" in refused.output
    cur = Database.open().cursor()
    given = {p.item_id: p for p in list_predictions(cur, trained, EVERYTHING)}
    for prediction in list_predictions(cur, asked, EVERYTHING):
        assert prediction.head_probabilities == pytest.approx(
            given[prediction.item_id].head_probabilities, abs=3e-2
        )
    model = EciModel.load(
        str(folder), tmp_path, artifact=RunDir(runs_dir() / trained).artifact_path, device="cpu"
    )
    assert model.thinking_tokens == BUDGET
    assert model.encoder.thinks


def test_a_model_that_cannot_think_is_refused_before_anything_is_computed(
    database: Database, engineer: Reviewer, tiny_model_dir: Path
) -> None:
    database.close()
    command = ["predict", "--base", str(tiny_model_dir), "--thinking", "8"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "This model cannot think" in result.output


def test_the_library_thinks_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    line = {"id": 1, "question": "Does it help?", "label_set": "pubmedqa"}
    options = ["--base", str(folder), "--models-dir", str(tmp_path), "--device", "cpu"]
    command = ["classify", *options, "--thinking", str(BUDGET), "--answer", "3"]
    result = CliRunner().invoke(eci_main, command, input=json.dumps(line))
    assert result.exit_code == 0, result.output
    (found,) = map(json.loads, result.stdout.splitlines())
    assert found["answer"]["thinking"]
    assert "think>" not in found["answer"]["text"]


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout.strip().splitlines()[-1]


def _toml(settings: dict[str, Any]) -> str:
    lines = []
    for section, fields in settings.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(it)}" for key, it in fields.items())]
    return "\n".join(lines)
