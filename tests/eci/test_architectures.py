"""Every architecture with random weights: what the joint model gives equals plain transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

import eci
from eci.model.architecture import can_branch, decoder_layers, keeps_every_token
from eci.model.artifact import read_info
from eci.model.base_model import LoadedBase
from eci.model.batching import collate
from eci.model.eci_model import EciModel, build, with_artifact
from eci.model.fingerprint import Fingerprint
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.prompts import Question
from tests.support.architectures import ARCHITECTURES, Architecture
from training.joint.adapter import add_adapter, describe_reach, save_artifact
from training.settings.training import LoraSettings

THREE = LabelSet.from_options({"A": "aspirin", "B": "rest and fluids at home", "C": "surgery"})
TWO = LabelSet.from_options({"A": "wait", "B": "operate at once"})
QUESTIONS = [
    Question("Does it work?", (("RESULTS", "It did, in 20 of 30 patients."),), PUBMEDQA, "1"),
    Question("Is it safe for all of them?", (), PUBMEDQA, "2"),
    Question("Which of these comes first?", (), THREE, "3"),
    Question("Or these two?", (), TWO, "4"),
]


@pytest.fixture(scope="module")
def tokenizer(tiny_model_dir: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_model_dir)


@pytest.fixture(params=ARCHITECTURES, ids=lambda architecture: architecture.name)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return request.param


def load(architecture: Architecture, tokenizer: Any) -> LoadedBase:
    return LoadedBase(
        architecture.make(tokenizer),
        tokenizer,
        architecture.name,
        Fingerprint("weights:random", "tokenizer:random", "sha256:random"),
        "none",
        "cpu",
    )


def build_model(architecture: Architecture, tokenizer: Any, **options: Any) -> EciModel:
    return build(load(architecture, tokenizer), **options)


def test_labels_options_and_answers_equal_plain_transformers(
    architecture: Architecture, tokenizer: Any
) -> None:
    plain = architecture.make(tokenizer)
    model = build_model(architecture, tokenizer)
    assert can_branch(model.model) == architecture.branches

    answers = model.answer(QUESTIONS, max_new_tokens=6, batch_size=4)
    for question, answer in zip(QUESTIONS, answers, strict=True):
        row, _ = model.row(question)
        if question.label_set.is_options:
            expected = [_mean_score(plain, row.prompt, option) for option in row.options]
        else:
            expected = _label_scores(plain, row.prompt, model.encoder.verbalizers(PUBMEDQA))
        assert answer.classification.logits == pytest.approx(expected, abs=2e-4)
        assert answer.text == _plain_text(plain, tokenizer, row.prompt, 6)


def _log_probabilities(plain: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return plain(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)


def _label_scores(plain: Any, prompt: Any, verbalizers: list[list[int]]) -> list[float]:
    last = _log_probabilities(plain, list(prompt))[-1]
    return [last[ids].logsumexp(0).item() for ids in verbalizers]


def _mean_score(plain: Any, prompt: Any, option: Any) -> float:
    scores = _log_probabilities(plain, [*prompt, *option])[len(prompt) - 1 : -1]
    return scores.gather(1, torch.tensor(option)[:, None]).mean().item()


def _plain_text(plain: Any, tokenizer: Any, prompt: Any, limit: int) -> str:
    ids = torch.tensor([list(prompt)])
    written = plain.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=limit,
        do_sample=False,
        pad_token_id=0,
    )[0, ids.shape[1] :]
    return tokenizer.decode(written, skip_special_tokens=True)


def test_states_of_half_the_depth_are_those_of_the_model(
    architecture: Architecture, tokenizer: Any
) -> None:
    plain = architecture.make(tokenizer)
    model = build_model(architecture, tokenizer, pooling="last@0.5", uses_scores=False)
    for question, feature in zip(QUESTIONS[:2], model.features(QUESTIONS[:2]), strict=True):
        row, _ = model.row(question)
        expected = _after_layers(plain, 2, row.prompt)
        assert torch.allclose(torch.as_tensor(feature.states[0]), expected, atol=1e-4)


def _after_layers(plain: Any, num_layers: int, prompt: Any) -> torch.Tensor:
    caught = []
    # Not output_hidden_states: Mamba counts from the first layer, the others from the embeddings.
    handle = decoder_layers(plain)[num_layers - 1].register_forward_hook(
        lambda _module, _args, out: caught.append(out[0] if isinstance(out, tuple) else out)
    )
    with torch.no_grad():
        plain(input_ids=torch.tensor([list(prompt)]))
    handle.remove()
    return caught[0][0, -1]


def test_a_joint_step_learns_from_the_answer_as_plain_training_does(
    architecture: Architecture, tokenizer: Any
) -> None:
    plain = architecture.make(tokenizer)
    model = build_model(architecture, tokenizer)
    rows = [
        model.row(question, label=question.label_set.names[1], max_answer_tokens=8)[0]
        for question in QUESTIONS
    ]
    batch = collate(rows, model.encoder.pad_id)
    output = model.model(**batch)
    total = 0.0
    for row in rows:
        scores = _log_probabilities(plain, [*row.prompt, *row.answer])[len(row.prompt) - 1 : -1]
        total -= scores.gather(1, torch.tensor(row.answer)[:, None]).sum().item()
    assert output.lm_sum.item() == pytest.approx(total, rel=1e-4)
    assert output.num_answer_tokens == sum(len(row.answer) for row in rows)


def test_adapter_and_head_train_save_and_load(
    architecture: Architecture, tokenizer: Any, tmp_path: Path
) -> None:
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer

    gradients = []
    for checkpointing in (False, True):
        base = load(architecture, tokenizer)
        model = build(base)
        torch.manual_seed(0)
        add_adapter(model, LoraSettings(dropout=0), checkpointing=checkpointing)
        _untangle(model.model)
        model.model.train()
        model.model.get_base_model().eci_head.eval()
        rows = [model.row(q, label=q.label_set.names[1], max_answer_tokens=8)[0] for q in QUESTIONS]
        model.model(**collate(rows, model.encoder.pad_id)).loss.backward()
        gradients.append(
            {
                name: parameter.grad
                for name, parameter in model.model.named_parameters()
                if parameter.grad is not None
            }
        )
    adapted = [name.split(".lora_A")[0] for name in gradients[0] if "lora_A" in name]
    names = {name.removesuffix(".base_layer").rsplit(".", 1)[-1] for name in adapted}
    reach = describe_reach(model.model.get_base_model())
    assert reach.startswith(f"LoRA adapts {', '.join(sorted(names))} in 4 layers")
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], rtol=1e-3, atol=1e-4), name

    model.model.eval()
    model.is_training = False
    save_artifact(model, base, tmp_path / "artifact", shots=0)
    decoder = set(decoder_layers(model.model.get_base_model()).modules())
    assert all(m in decoder for m in model.model.modules() if isinstance(m, LoraLayer))
    folder = tmp_path / "artifact"
    again = with_artifact(load(architecture, tokenizer), read_info(folder), folder)
    for given, loaded in zip(model.classify(QUESTIONS), again.classify(QUESTIONS), strict=True):
        assert loaded.logits == pytest.approx(given.logits, abs=1e-4)
    plain = PeftModel.from_pretrained(architecture.make(tokenizer), str(folder))
    for question, answer in zip(QUESTIONS, model.answer(QUESTIONS, max_new_tokens=4), strict=True):
        row, _ = model.row(question)
        assert answer.text == _plain_text(plain, tokenizer, row.prompt, 4)


def _untangle(model: Any) -> None:
    """Give the second matrices values: at zero the first ones would have no gradient."""
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)


def test_a_text_ends_where_the_model_itself_says_so(tokenizer: Any) -> None:
    llama = ARCHITECTURES[0]
    model = build_model(llama, tokenizer)
    row, _ = model.row(QUESTIONS[0])
    ids = torch.tensor([list(row.prompt)])
    third = int(llama.make(tokenizer).generate(ids, max_new_tokens=4, do_sample=False)[0, -2])
    model.model.generation_config.eos_token_id = [tokenizer.eos_token_id, third]

    (answer,) = model.answer(QUESTIONS[:1], max_new_tokens=16)

    assert answer.is_finished
    assert answer.num_tokens <= 3


def test_a_cache_that_drops_tokens_is_never_shared(tokenizer: Any) -> None:
    kept = {one.name for one in ARCHITECTURES if keeps_every_token(one.make(tokenizer))}
    dropped = {one.name for one in ARCHITECTURES} - kept
    assert {
        "Gemma 2",
        "Gemma 3",
        "Mistral with a window",
        "Qwen3-Next",
        "LFM2",
        "Mamba 2",
    } <= dropped
    assert {"Llama", "Mistral", "OPT", "BLOOM", "DeepSeek-V3"} <= kept


def test_the_readme_lists_what_was_tested(tokenizer: Any) -> None:
    lines: dict[tuple[str, str], list[str]] = {}
    for architecture in ARCHITECTURES:
        options = "branches of one row" if architecture.branches else "sequences of their own"
        continues = keeps_every_token(architecture.make(tokenizer))
        text = "from the same cache" if continues else "from a prefill of its own"
        lines.setdefault((options, text), []).append(architecture.name)
    table = "\n".join(f"| {' | '.join(key)} | {', '.join(names)} |" for key, names in lines.items())
    assert table in (Path(eci.__file__).parent / "README.md").read_text(), f"the table is\n{table}"
