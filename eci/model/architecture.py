"""What differs between architectures of decoder-only models, asked of the model itself."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from eci.errors import BaseModelError


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model can do, found once: its configuration does not change.

    Attributes:
        branches: See :func:`can_branch`.
        keeps_tokens: See :func:`keeps_every_token`.
        takes_positions: Positions can be given; other models count them from the attention mask.
    """

    branches: bool
    keeps_tokens: bool
    takes_positions: bool

    @classmethod
    def of(cls, model: Any) -> Traits:
        """Return the traits of a causal LM."""
        parameters = inspect.signature(model.get_decoder().forward).parameters
        return cls(can_branch(model), keeps_every_token(model), "position_ids" in parameters)


_BRANCHES_TESTED: Final = frozenset(
    (
        *("llama", "qwen2", "qwen3", "qwen3_moe", "mistral", "mixtral", "phi", "phi3", "gemma"),
        *("olmo2", "smollm3", "stablelm", "gpt_neox", "opt", "granite", "deepseek_v3", "gpt2"),
    )
)
"""Architectures whose branches equal separate sequences in tests/eci/test_architectures.py."""


def decoder_layers(model: Any) -> nn.ModuleList:
    """Return the decoder layers of a causal LM.

    Raises:
        BaseModelError: The architecture has no plain stack of layers.
    """
    for child in model.get_decoder().children():
        if isinstance(child, nn.ModuleList) and len(child) == text_config(model).num_hidden_layers:
            return child
    raise BaseModelError(
        f"{type(model).__name__} has no list of decoder layers. ECI needs a decoder-only model "
        "such as Llama, Mistral, Qwen or Gemma."
    )


class _AsGiven(nn.Linear):
    """Half of a LoRA adapter: float32 weights, rounded to the precision of what they multiply."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the product, in the precision of ``x``."""
        return nn.functional.linear(x, self.weight.to(x.dtype))


def compute_in_given_precision(model: nn.Module) -> None:
    """Set LoRA to compute in its base model's precision; its weights stay float32.

    PEFT casts what an adapter reads and adds what it gives in float32, on a processor a third of
    all matrix products of a step. What it adds is small against the base model's own output, whose
    rounding outweighs its own.
    """
    from peft.tuners.lora import LoraLayer

    for module in model.modules():
        if isinstance(module, LoraLayer):
            module.cast_input_dtype_enabled = False
            for half in (*module.lora_A.values(), *module.lora_B.values()):
                if type(half) is nn.Linear and half.bias is None:
                    half.__class__ = _AsGiven


def text_config(model: Any) -> Any:
    """Return the configuration of the language model, also where it is a part of a larger model."""
    return model.config.get_text_config(decoder=True)


def keeps_every_token(model: Any) -> bool:
    """Return whether the cache holds keys and values of every token, so that it can be cut.

    Sliding windows drop early tokens, and recurrent layers keep a state of all of them together.
    """
    layers = DynamicCache(config=text_config(model)).layers
    return all(type(layer) is DynamicLayer for layer in layers)


def can_branch(model: Any) -> bool:
    """Return whether options can follow one prompt as branches that do not see each other.

    Elsewhere each option is a sequence of its own, with the prompt before it: slower, and right.
    """
    return (
        model.config.model_type in _BRANCHES_TESTED
        and text_config(model)._attn_implementation == "sdpa"
        and keeps_every_token(model)
    )


def vocabulary_logits(model: Any, decoded: Any, states: Tensor) -> Tensor:
    """Return the model's own logits of final states, with its scaling, soft caps and biases.

    They are computed by the forward of the causal LM itself, whose decoder gives ``states`` for
    this one call: architectures differ in what they do between the last state and the logits.

    Args:
        decoded: What its decoder returned, for its other fields.
        states: Final hidden states, shape ``(n, d)``.

    Returns:
        Shape ``(n, vocabulary)``, float32.
    """
    decoder = model.get_decoder()
    fields = {**decoded, "last_hidden_state": states[None], "past_key_values": None}
    given = type(decoded)(**{name: value for name, value in fields.items() if value is not None})
    own = decoder.__dict__.get("forward")
    decoder.forward = lambda *_args, **_kwargs: given
    try:
        logits: Tensor = model.forward(inputs_embeds=states[None], use_cache=False).logits[0]
    finally:
        del decoder.forward
        if own is not None:
            decoder.forward = own
    return logits.float()
