"""Adapters both ways: ours in every documented loader, plain ones as runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from click.testing import CliRunner
from peft.utils.hotswap import hotswap_adapter
from peft.utils.save_and_load import load_peft_weights, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from db.connection import Database
from db.content.predictions import list_predictions
from db.paths import runs_dir
from db.records import Reviewer
from db.retraining.model_versions import list_models
from db.viewer import EVERYTHING
from eci.model.artifact import read_info
from eci.model.base_model import load_base
from eci.model.eci_model import EciModel, build
from training.cli.main import main
from training.control.ingest import refresh
from training.control.plan import make_plan, prepare_plan
from training.control.start import prepare_adoption
from training.head.refit import run_refit
from training.joint.adapter import add_adapter, save_artifact
from training.joint.adoption import run_adoption
from training.run.execution import execute
from training.run.run_dir import RunDir, list_run_dirs
from training.settings.training import AdoptionSettings, LoraSettings, parse_as

IDS = torch.tensor([[5, 17, 29, 41, 53, 65]])
Loader = Callable[[str, str], Any]


def _plain(base: str) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


def _other(base: str, rank: int = 4) -> Any:
    """Return a plain model with an adapter of its own, which is to be replaced."""
    torch.manual_seed(3)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    config = peft.LoraConfig(r=rank, lora_alpha=8, target_modules=names, task_type="CAUSAL_LM")
    return peft.get_peft_model(_plain(base), config)


def _load_beside_another(base: str, artifact: str) -> Any:
    model = _other(base)
    model.load_adapter(artifact, adapter_name="ours")
    model.set_adapter("ours")
    return model


def _load_into_transformers(base: str, artifact: str) -> Any:
    model = _plain(base)
    model.load_adapter(artifact)
    return model


def _swap_in_transformers(base: str, artifact: str) -> Any:
    other = _other(base)
    model = _plain(base)
    model.enable_peft_hotswap(target_rank=8)
    model.load_adapter(
        peft_config=other.peft_config["default"],
        adapter_state_dict=peft.get_peft_model_state_dict(other),
        adapter_name="swapped",
    )
    model.load_adapter(artifact, adapter_name="swapped", hotswap=True)
    return model


def _swap(base: str, artifact: str) -> Any:
    model = _other(base)
    hotswap_adapter(model, artifact, adapter_name="default", torch_device="cpu")
    return model


def _weigh(base: str, artifact: str) -> Any:
    model = peft.PeftModel.from_pretrained(_plain(base), artifact, adapter_name="ours")
    model.add_weighted_adapter(["ours"], [1.0], adapter_name="sum", combination_type="linear")
    model.set_adapter("sum")
    return model


def _merge(base: str, artifact: str) -> Any:
    return peft.PeftModel.from_pretrained(_plain(base), artifact).merge_and_unload()


def _from_weights(base: str, artifact: str) -> Any:
    config = peft.PeftConfig.from_pretrained(artifact)
    model = peft.get_peft_model(_plain(base), config)
    loaded = set_peft_model_state_dict(model, load_peft_weights(artifact, device="cpu"))
    assert not loaded.unexpected_keys
    return model


LOADERS: dict[str, Loader] = {
    "PeftModel.from_pretrained": lambda base, artifact: peft.PeftModel.from_pretrained(
        _plain(base), artifact
    ),
    "PeftModelForCausalLM": lambda base, artifact: peft.PeftModelForCausalLM.from_pretrained(
        _plain(base), artifact
    ),
    "PeftMixedModel": lambda base, artifact: peft.PeftMixedModel.from_pretrained(
        _plain(base), artifact
    ),
    "AutoPeftModelForCausalLM": lambda _, artifact: peft.AutoPeftModelForCausalLM.from_pretrained(
        artifact, dtype=torch.float32
    ),
    "AutoModelForCausalLM of the artifact": lambda _, artifact: (
        AutoModelForCausalLM.from_pretrained(artifact, dtype=torch.float32)
    ),
    "PeftModel.load_adapter": _load_beside_another,
    "load_adapter of transformers": _load_into_transformers,
    "hotswap of transformers": _swap_in_transformers,
    "hotswap_adapter": _swap,
    "add_weighted_adapter": _weigh,
    "merge_and_unload": _merge,
    "load_peft_weights": _from_weights,
}


@pytest.fixture(scope="module")
def ours(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return an artifact whose adapter changes the model, and the logits of the joint model."""
    home = tmp_path_factory.mktemp("ours")
    loaded = load_base(str(tiny_model_dir), home, device="cpu")
    base = replace(loaded, model=_plain(str(tiny_model_dir)))  # in full precision
    model = build(base)
    add_adapter(model, LoraSettings(rank=4, alpha=8, dropout=0.0), checkpointing=False)
    torch.manual_seed(7)
    for name, parameter in model.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    save_artifact(model, base, home / "artifact", shots=0)
    model.model.eval()
    with torch.no_grad():
        logits = model.model(input_ids=IDS).logits
    return home / "artifact", logits


@pytest.mark.parametrize("name", LOADERS)
def test_our_artifact_is_the_same_model_in_every_documented_loader(
    name: str, ours: tuple[Path, Any], tiny_model_dir: Path
) -> None:
    artifact, expected = ours
    model = LOADERS[name](str(tiny_model_dir), str(artifact))
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=IDS).logits
        base = _plain(str(tiny_model_dir))(input_ids=IDS).logits
    assert torch.allclose(logits, expected, atol=1e-4)
    assert not torch.allclose(logits, base, atol=0.1), "the adapter does change the model"


def _save_plain(base: str, folder: Path, **fields: Any) -> Any:
    """Return a model with a plain adapter that changes it, saved as PEFT saves it."""
    torch.manual_seed(5)
    config = peft.LoraConfig(**{"r": 4, "target_modules": "all-linear", **fields})
    model = peft.get_peft_model(_plain(base), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    return model.eval()


KINDS: dict[str, dict[str, Any]] = {
    "of a causal language model": {"task_type": "CAUSAL_LM"},
    "without a kind of task": {},
    "on two modules": {"target_modules": ["q_proj", "down_proj"], "task_type": "CAUSAL_LM"},
    "by a pattern": {"target_modules": r".*layers\.[01]\..*proj", "use_rslora": True},
    "with DoRA": {"use_dora": True, "task_type": "CAUSAL_LM"},
    "with its own output layer": {"modules_to_save": ["lm_head"], "task_type": "CAUSAL_LM"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_adapter_becomes_a_run_that_predicts_as_it_does(
    kind: str, database: Database, tiny_model_dir: Path, tmp_path: Path
) -> None:
    plain = _save_plain(str(tiny_model_dir), tmp_path / "plain", **KINDS[kind])
    run_dir = _adopt(database, tmp_path / "plain", str(tiny_model_dir))

    assert execute(run_dir, run_adoption) == "succeeded", run_dir.read_status().message
    assert "unknown" in run_dir.read_status().message
    model = EciModel.load(str(tiny_model_dir), tmp_path, artifact=run_dir.artifact_path)
    with torch.no_grad():
        expected = plain(input_ids=IDS).logits
        assert torch.allclose(model.model.float()(input_ids=IDS).logits, expected, atol=0.1)
    again = peft.PeftModel.from_pretrained(_plain(str(tiny_model_dir)), str(run_dir.artifact_path))
    with torch.no_grad():
        assert torch.allclose(again(input_ids=IDS).logits, expected, atol=1e-4)
    refresh(database, runs_dir())
    assert [found.run_id for found in list_models(database.cursor())] == [run_dir.run_id]
    assert len(list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)) == 34


def test_a_head_is_refitted_on_an_adopted_adapter_and_says_what_is_unknown(
    database: Database, engineer: Reviewer, tiny_model_dir: Path, tmp_path: Path
) -> None:
    _save_plain(str(tiny_model_dir), tmp_path / "plain", task_type="CAUSAL_LM")
    adopted = _adopt(database, tmp_path / "plain", str(tiny_model_dir))
    assert execute(adopted, run_adoption) == "succeeded", adopted.read_status().message
    refresh(database, runs_dir())
    refit = prepare_plan(database, make_plan(database, "refit", source=adopted.run_id), "tests")
    assert execute(refit, run_refit) == "succeeded", refit.read_status().message
    assert "What its adapter has learned from is unknown" in refit.read_status().message
    assert read_info(refit.artifact_path).has_adapter


def _adopt(database: Database, adapter: Path, base: str) -> RunDir:
    model = {"base": base, "quantization": "none", "device": "cpu", "max_prompt_tokens": 900}
    fields = {"model": model, "adapter": str(adapter), "evaluation": {"max_new_tokens": 2}}
    return prepare_adoption(database, parse_as(AdoptionSettings, fields, "tests"), "tests")


@pytest.mark.parametrize("size", ["wider", "deeper"])
def test_an_adapter_of_another_base_model_is_refused_by_name(
    size: str, database: Database, tiny_model_dir: Path, tmp_path: Path
) -> None:
    config = LlamaConfig.from_pretrained(tiny_model_dir)
    config.num_hidden_layers += 2 * (size == "deeper")
    config.intermediate_size += 32 * (size == "wider")
    LlamaForCausalLM(config).save_pretrained(tmp_path / "other")
    _save_plain(str(tmp_path / "other"), tmp_path / "plain")
    run_dir = _adopt(database, tmp_path / "plain", str(tiny_model_dir))
    assert execute(run_dir, run_adoption) == "failed"
    message = run_dir.read_status().message
    assert "Name the base model that it was trained on" in message
    assert not run_dir.artifact_path.exists()


def _break_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{")


def _drop_config(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


def _use_pickle(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def _turn_into_prompts(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "PROMPT_TUNING"}')


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_break_config, "cannot be read"),
        (_drop_config, "cannot be read"),
        (_use_pickle, "safetensors"),
        (_turn_into_prompts, "PROMPT_TUNING"),
    ],
)
def test_what_is_no_adapter_in_safetensors_is_refused_before_a_run_is_made(
    damage: Callable[[Path], None],
    words: str,
    database: Database,
    tiny_model_dir: Path,
    tmp_path: Path,
) -> None:
    _save_plain(str(tiny_model_dir), tmp_path / "plain")
    damage(tmp_path / "plain")
    database.close()
    result = CliRunner().invoke(main, ["adopt", str(tmp_path / "plain")])
    assert result.exit_code == 1
    assert words in result.stderr
    assert not list_run_dirs(runs_dir())


def test_an_adapter_is_adopted_by_command_on_the_base_that_it_names(
    database: Database, tiny_model_dir: Path, tmp_path: Path
) -> None:
    _save_plain(str(tiny_model_dir), tmp_path / "plain", task_type="CAUSAL_LM")
    database.close()
    command = ["adopt", str(tmp_path / "plain"), "--max-new-tokens", "0"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    (run_dir,) = list_run_dirs(runs_dir())
    assert run_dir.run_id in result.stdout
    assert run_dir.read_model()["base"] == str(tiny_model_dir)
