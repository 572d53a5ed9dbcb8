"""LoRA on a base model that already has its head, and the artifact that both become."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

from eci.decisions import DecisionSettings
from eci.model.architecture import compute_in_given_precision, decoder_layers
from eci.model.artifact import (
    ArtifactInfo,
    BaseInfo,
    LabelInfo,
    LabelSetInfo,
    save_tensors,
    write_info,
)
from eci.model.base_model import LoadedBase
from eci.model.eci_model import EciModel
from training.settings.training import LoraSettings

_HEAD_MARK = "eci_head"
_MAMBA_TYPES = frozenset({"falcon_h1", "falcon_mamba", "mamba", "mamba2", "nemotron_h"})
_READ_BY_KERNELS = frozenset({"out_proj", "conv1d"})
"""Mamba's kernels read the weights of these themselves, past any adapter; PEFT refuses them."""


def add_adapter(model: EciModel, settings: LoraSettings, *, checkpointing: bool) -> None:
    """Wrap the model with LoRA on all linear layers of its decoder; adapter and head will train.

    PEFT keeps a trained copy of the head with the adapter, so that a checkpoint holds both.
    """
    from peft import LoraConfig, get_peft_model

    keep_autograd(model.model)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=target_modules(model.model),
        modules_to_save=[_HEAD_MARK],
        bias="none",
    )
    if checkpointing:
        model.model.gradient_checkpointing_enable({"use_reentrant": False})
        model.model.enable_input_require_grads()
    model.model = get_peft_model(model.model, config)
    compute_in_given_precision(model.model)
    model.is_training = True


def save_artifact(
    model: EciModel,
    base: LoadedBase,
    folder: Path,
    *,
    shots: int,
    decision: DecisionSettings | None = None,
) -> ArtifactInfo:
    """Write adapter, head, calibration, operating points and what they are valid for.

    Args:
        model: Trained and calibrated; its model is wrapped by :func:`add_adapter`.
        base: What it was trained on.
        folder: Replaced.
        shots: Shots in the prompts it was evaluated with.
        decision: What its operating points were chosen by.
    """
    from peft import get_peft_model_state_dict

    config = model.model.peft_config["default"]
    state = get_peft_model_state_dict(model.model)
    adapter = {name: tensor for name, tensor in state.items() if _HEAD_MARK not in name}
    head = model.model.get_base_model().eci_head.modules_to_save["default"]
    # What any loader of PEFT and transformers asks for: the kind of model, and where its base is.
    asked = {"modules_to_save": None, "auto_mapping": None, "task_type": "CAUSAL_LM"}
    plain_config = type(config)(**{**config.to_dict(), **asked})
    plain_config.inference_mode = True
    plain_config.base_model_name_or_path = base.fingerprint.place
    save_tensors(folder, head.state_dict(), adapter, plain_config)
    info = describe_model(model, base, shots=shots, has_adapter=True)
    return write_info(folder, info.model_copy(update={"decision": decision}))


def describe_model(
    model: EciModel,
    base: LoadedBase,
    *,
    shots: int,
    has_adapter: bool,
) -> ArtifactInfo:
    """Describe a model with its head: all of an artifact but the hashes of its files."""
    eci_model = model.model.get_base_model() if has_adapter else model.model
    return ArtifactInfo(
        base=BaseInfo(
            name=base.name,
            fingerprint=base.fingerprint.weights,
            tokenizer=base.fingerprint.tokenizer,
            quantization=base.quantization,
        ),
        template=model.encoder.template.name,
        template_digest=model.encoder.template.digest,
        prompt_digest=model.encoder.digest(),
        max_prompt_tokens=model.encoder.max_prompt_tokens,
        thinking_tokens=model.thinking_tokens,
        shots=shots,
        head=eci_model.eci_config.to_dict(),
        label_sets={
            name: LabelSetInfo(
                labels=tuple(
                    LabelInfo(name=x.name, definition=x.definition, code=x.code) for x in labels
                ),
                verbalizers=tuple(tuple(ids) for ids in eci_model.eci_verbalizers[name]),
                is_several=labels.is_several,
            )
            for name, labels in model.label_sets.items()
        },
        calibration=model.calibration,
        decision_rules=model.decision_rules,
        has_adapter=has_adapter,
        versions=library_versions(),
    )


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that a result may depend on."""
    names = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "safetensors", "numpy")
    return {name: version(name) for name in names}


def target_modules(model: Any) -> list[str] | str:
    """Return what LoRA adapts, all linear layers of the decoder, as PEFT takes it.

    Names where these occur in the decoder alone, else (vision towers) a pattern of whole paths.
    """
    layers, adapted = decoder_layers(model), _adapted(model)
    inside = set(layers.modules())
    elsewhere = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if _is_linear(module) and module not in inside
    }
    if elsewhere.isdisjoint(adapted):
        return adapted
    (place,) = (name for name, module in model.named_modules() if module is layers)
    return rf"{re.escape(place)}\..*\.({'|'.join(map(re.escape, adapted))})"


def describe_reach(model: Any) -> str:
    """Describe in one sentence which layers LoRA adapts, and which of the decoder stay frozen.

    Asked of the adapted model: PEFT may choose others than it was given, such as the experts whose
    weights are one stacked parameter in place of the linear layers of the same names.

    Args:
        model: After :func:`add_adapter`, as a plain language model.
    """
    from peft.tuners.lora import LoraLayer

    layers = decoder_layers(model)
    adapted = {name for name, module in layers.named_modules() if isinstance(module, LoraLayer)}
    weights = {
        name.rpartition(".")[0]
        for name, parameter in layers.named_parameters()
        if parameter.ndim > 1 and name.endswith(("proj", "weight"))
    }
    frozen = {name for name in weights if adapted.isdisjoint(_with_parents(name))}
    left = ", ".join(sorted({_last_name(name) for name in frozen}))
    reached = ", ".join(sorted({_last_name(name) for name in adapted}))
    rest = f"; {left} stay frozen" if left else ""
    return f"LoRA adapts {reached} in {len(layers)} layers{rest}."


def _with_parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[: number + 1]) for number in range(len(parts))}


def _last_name(path: str) -> str:
    return next(part for part in reversed(path.split(".")) if part != "base_layer")


def _adapted(model: Any) -> list[str]:
    """Return the names of the decoder's linear layers that can have an adapter."""
    # Named one by one, not by "all-linear": that would put LoRA on the head as well.
    layers = decoder_layers(model)
    names = {name.rsplit(".", 1)[-1] for name, m in layers.named_modules() if _is_linear(m)}
    return sorted(names - _READ_BY_KERNELS if model.config.model_type in _MAMBA_TYPES else names)


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | Conv1D)


def keep_autograd(model: nn.Module) -> None:
    """Stop bitsandbytes from repacking 4-bit layers for a CPU kernel that has no gradient.

    It does so at the first forward pass without gradients, an evaluation for example, and never
    goes back: afterwards the adapter's gradients are wrong, silently.
    """
    import bitsandbytes as bnb

    for module in model.modules():
        if isinstance(module, bnb.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False
