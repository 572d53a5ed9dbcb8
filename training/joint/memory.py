"""What one training step holds in memory, estimated from the shape of its base model.

Everything is counted that is as large as a weight or as a batch: the frozen weights, the adapter
with its gradient and both moments of AdamW, what the backward pass needs kept. Not counted are
what the device's driver holds and what the allocator loses between its blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from training.settings.training import TrainingSettings

# NF4 with double quantization: 4 bits, an 8-bit scale for 64 weights, and 32 bits for 256 scales.
_NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
_BFLOAT16, _FLOAT32, _MASK = 2, 4, 1
_TRAINED_BYTES = 4 * _FLOAT32
"""Of a trained number: itself, its gradient and two moments."""
_LOGIT_BYTES = 2 * _BFLOAT16 + 3 * _FLOAT32
"""Of a logit: it and its gradient; in float32 again, its log-softmax, and the gradient of that."""


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """The numbers that decide how large a Llama-like decoder is."""

    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_key_value_heads: int
    head_size: int
    vocabulary: int

    @classmethod
    def of(cls, config: Any) -> DecoderShape:
        """Read it from a model's configuration."""
        heads = config.num_attention_heads
        return cls(
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
            heads,
            getattr(config, "num_key_value_heads", None) or heads,
            getattr(config, "head_dim", None) or config.hidden_size // heads,
            config.vocab_size,
        )

    @property
    def linears(self) -> tuple[tuple[int, int], ...]:
        """Return inputs and outputs of the linear maps of one layer: q, k, v, o, gate, up, down."""
        width, inner = self.hidden_size, self.intermediate_size
        queries = self.num_heads * self.head_size
        keys = self.num_key_value_heads * self.head_size
        return (
            (width, queries),
            (width, keys),
            (width, keys),
            (queries, width),
            (width, inner),
            (width, inner),
            (inner, width),
        )

    def num_adapter_parameters(self, rank: int) -> int:
        """Count the numbers of LoRA on every linear map of every layer."""
        return self.num_layers * sum(rank * (ins + outs) for ins, outs in self.linears)


@dataclass(frozen=True, slots=True)
class StepMemory:
    """Bytes of one training step on one device.

    Attributes:
        layers: Frozen weights of all decoder layers.
        ends: Embeddings and output layer.
        adapter: LoRA, its gradient, its moments.
        kept: Activations from the forward to the backward pass.
        passing: The largest of what is there for a moment: one layer computed again, the logits,
            or the optimizer's own arrays.
    """

    layers: int
    ends: int
    adapter: int
    kept: int
    passing: int

    @property
    def total(self) -> int:
        """Return the bytes in all, with a whole copy of the base model."""
        return self.layers + self.ends + self.adapter + self.kept + self.passing


def estimate_step(
    shape: DecoderShape, settings: TrainingSettings, *, batch_size: int | None = None
) -> StepMemory:
    """Estimate a step at the longest prompt and answer that the settings allow.

    Args:
        batch_size: Records in one forward pass; that of the settings when None.
    """
    rows = batch_size or settings.optimizer.batch_size
    answers = rows * settings.data.max_answer_tokens
    tokens = rows * (settings.model.max_prompt_tokens + settings.model.thinking_tokens) + answers
    weight = _NF4_BYTES if settings.model.quantization == "nf4" else _BFLOAT16
    per_layer = sum(ins * outs for ins, outs in shape.linears)
    trained = shape.num_adapter_parameters(settings.lora.rank)
    ends = 2 * shape.vocabulary * shape.hidden_size * _BFLOAT16
    layer = tokens * _token_bytes(shape, settings)
    inputs = tokens * shape.hidden_size * _BFLOAT16 * shape.num_layers
    is_cheap = settings.optimizer.gradient_checkpointing
    again = _backward_bytes(shape, tokens) + (layer if is_cheap else 0)
    logits = answers * shape.vocabulary * _LOGIT_BYTES
    kept = inputs if is_cheap else shape.num_layers * layer
    # The optimizer computes when the activations are gone: a copy of what it changes.
    beyond = max(0, trained * _FLOAT32 - kept)
    return StepMemory(
        layers=round(shape.num_layers * per_layer * weight),
        ends=ends,
        adapter=trained * _TRAINED_BYTES,
        kept=kept,
        passing=max(again, logits, beyond),
    )


def _token_bytes(shape: DecoderShape, settings: TrainingSettings) -> int:
    """Return the bytes that one token leaves in one layer for its backward pass."""
    # Each map keeps its input for LoRA, and with dropout which were dropped. Without dropout those
    # that read the same states share one: then this is an upper bound.
    each = _BFLOAT16 + (_MASK if settings.lora.dropout else 0)
    lora = sum(ins * each + settings.lora.rank * _BFLOAT16 for ins, _ in shape.linears)
    heads = (2 * shape.num_heads + 2 * shape.num_key_value_heads) * shape.head_size * _BFLOAT16
    gates = 3 * shape.intermediate_size * _BFLOAT16
    norms = 2 * shape.hidden_size * (_FLOAT32 + _BFLOAT16)
    return lora + heads + gates + norms


def _backward_bytes(shape: DecoderShape, tokens: int) -> int:
    """Return the bytes of the widest map: its unpacked weight, two gradients of its input."""
    unpacked = max(ins * outs for ins, outs in shape.linears) * _BFLOAT16
    return unpacked + 2 * tokens * max(ins for ins, _ in shape.linears) * _FLOAT32
