"""A step's estimated memory is that of a real model; the script of the GPU table works."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from eci.model.base_model import load_base
from eci.model.eci_model import build
from training.joint.adapter import add_adapter
from training.joint.memory import DecoderShape, estimate_step
from training.settings.training import LoraSettings, TrainingSettings, get_preset, parse_settings

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "joint_gpu.py"
LLAMA_13B = DecoderShape(5120, 13824, 40, 40, 40, 128, 32000)


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def settings_with(**optimizer: Any) -> TrainingSettings:
    fields = get_preset("qlora-13b").settings.model_dump()
    return parse_settings({**fields, "optimizer": {**fields["optimizer"], **optimizer}}, "test")


def test_base_and_adapter_are_counted_as_the_model_holds_them(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    base = load_base(str(tiny_model_dir), tmp_path, quantization="nf4", device="cpu")
    model = build(base)
    add_adapter(model, LoraSettings(rank=4), checkpointing=False)
    shape = DecoderShape.of(AutoConfig.from_pretrained(tiny_model_dir))
    adapter = [p.numel() for n, p in model.model.named_parameters() if "lora_" in n]
    assert shape.num_adapter_parameters(4) == sum(adapter)
    packed = [
        p.numel() * p.element_size()
        for p in model.model.parameters()
        if type(p).__name__ == "Params4bit"
    ]
    settings = settings_with().model_copy(update={"lora": LoraSettings(rank=4)})
    # Packed weights alone, without their scales.
    assert estimate_step(shape, settings).layers == pytest.approx(sum(packed), rel=0.04)


def test_the_preset_for_a_24_gb_card_is_estimated_to_fit_one() -> None:
    memory = estimate_step(LLAMA_13B, settings_with())
    assert 6.4e9 < memory.layers < 6.7e9
    assert memory.total < 22e9


def test_no_checkpointing_and_longer_batches_are_estimated_to_need_more() -> None:
    usual = estimate_step(LLAMA_13B, settings_with()).total
    assert estimate_step(LLAMA_13B, settings_with(gradient_checkpointing=False)).total > 2 * usual
    assert estimate_step(LLAMA_13B, settings_with(), batch_size=8).total > usual


@pytest.mark.parametrize("way", ["joint", "plain", "mixed lengths", "compiled", "more rows"])
def test_the_gpu_table_takes_its_steps_with_a_tiny_model(
    way: str, script: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert script["main"](["--tiny", "--steps", "1", "--way", way]) == 0
    measured = json.loads(capsys.readouterr().out.strip().rpartition("\n")[2])
    assert measured["tokens_per_second"] > 0


def test_its_model_is_in_nf4_and_was_never_whole(script: dict[str, Any]) -> None:
    make: Callable[..., Any] = script["random_nf4"]
    model = make(script["_config"](is_tiny=True), "cpu")
    linears = [m for n, m in model.model.layers.named_modules() if n.endswith("_proj")]
    assert len(linears) == 14
    assert {m.weight.quant_state.quant_type for m in linears} == {"nf4"}
    assert all(m.weight.quant_state.nested for m in linears)
    assert model(torch.arange(8)[None]).logits.isfinite().all()


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a graphics card it measures")
def test_without_a_card_it_says_so_and_estimates(
    script: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert script["main"]([]) == 0
    said = capsys.readouterr().out
    assert "No graphics card" in said.splitlines()[0]
    assert "ESTIMATE" in said
    assert "padded share" in said


def test_batches_grouped_by_length_have_less_padding(script: dict[str, Any]) -> None:
    shares = script["padded_shares"](get_preset("qlora-13b").settings, num_rows=400)
    assert 0 < shares["grouped by length"] < shares["at random"] / 2
