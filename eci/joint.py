"""A causal language model with the ECI head inside its ``forward``.

Rows are laid out as in :mod:`eci.branches`. Causal attention makes the prompt's states identical
whether or not a branch follows, so the head never sees the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.utils.generic import ModelOutput

from eci.branches import (
    FIRST_OPTION,
    IGNORED,
    PROMPT,
    branch_mask,
    branch_positions,
    last_prompt_column,
    padding_mask,
    previous_columns,
)
from eci.errors import BaseModelError
from eci.head import EciHead, HeadConfig, HeadInputs
from eci.labels import OPTIONS
from eci.pooling import PARTS
from eci.prefix import Prefix

_ABSENT = float("-inf")


@dataclass
class EciOutput(ModelOutput):  # type: ignore[misc]
    """What one forward pass gives.

    Attributes:
        loss: ``(1-w)·lm_loss + w·eci_loss``, when labels were given; both means over this batch.
        logits: Head logits, shape ``(B, max labels)``, ``-inf`` where a row has fewer labels.
        lm_sum: Sum of the cross-entropy over answer tokens; ``num_answer_tokens`` of them.
        eci_sum: Sum of the head's cross-entropy; ``num_items`` rows had a label.
        past_key_values: The cache, when asked for.
        head_inputs: Label set name -> its rows, and what the head was given for them.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    lm_sum: Tensor | None = None
    eci_sum: Tensor | None = None
    num_answer_tokens: Tensor | None = None
    num_items: Tensor | None = None
    past_key_values: Any = None
    head_inputs: Any = None


class EciMixin:
    """Adds the head to a Hugging Face causal LM; use :func:`attach_head`."""

    eci_head: EciHead
    eci_label_sets: tuple[str, ...]
    eci_verbalizers: Mapping[str, Sequence[Sequence[int]]]
    eci_weight: float
    eci_config: HeadConfig
    accepts_loss_kwargs = False

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        branch_ids: Tensor | None = None,
        labels: Tensor | None = None,
        label_set_ids: Tensor | None = None,
        cls_labels: Tensor | None = None,
        prefix: Prefix | None = None,
        **kwargs: Any,
    ) -> Any:
        """Classify rows with ``branch_ids``; without them be the plain language model.

        attention_mask and position_ids are named because generate() reads this signature: without
        them it would number the positions of a padded prompt from the padding on.
        """
        if branch_ids is None:
            return super().forward(  # type: ignore[misc]
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                labels=labels,
                **kwargs,
            )
        assert input_ids is not None and label_set_ids is not None  # noqa: S101 - narrows types
        states = _States.compute(self, input_ids, branch_ids, prefix, **kwargs)
        head_inputs = _head_inputs(self, states, label_set_ids)
        result = EciOutput(
            logits=_classify(self, states, head_inputs),
            past_key_values=states.cache,
            head_inputs=head_inputs,
        )
        if labels is not None and cls_labels is not None:
            _add_losses(result, states, labels, cls_labels, self.eci_weight)
        return result


def attach_head(
    model: Any,
    config: HeadConfig,
    verbalizers: Mapping[str, Sequence[Sequence[int]]],
    weight: float,
) -> Any:
    """Turn a loaded causal LM into one whose forward also classifies, in place.

    The head is attached after loading: it stays float32 and is never quantized with the base model.

    Args:
        model: Any Hugging Face causal LM with a stack of decoder layers.
        config: Shape of the head.
        verbalizers: Fixed label set -> token ids of each of its labels.
        weight: Share w of the head in the loss, in [0, 1].

    Raises:
        BaseModelError: The architecture has no plain stack of layers.
    """
    decoder_layers(model)
    kind = type(model)
    model.__class__ = type(f"Eci{kind.__name__}", (EciMixin, kind), {})
    model.eci_head = EciHead(config).to(model.get_input_embeddings().weight.device)
    model.eci_label_sets = (OPTIONS, *config.label_sets)
    model.eci_verbalizers = verbalizers
    model.eci_weight = weight
    model.eci_config = config
    return model


def decoder_layers(model: Any) -> nn.ModuleList:
    """Give the decoder layers of a causal LM.

    Raises:
        BaseModelError: The architecture has no plain stack of layers.
    """
    layers = getattr(model.get_decoder(), "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise BaseModelError(
            f"{type(model).__name__} has no list of decoder layers. ECI needs a decoder-only model "
            "such as Llama, Mistral, Qwen or Gemma."
        )
    return layers


def joint_loss(
    output: EciOutput, weight: float, num_answer_tokens: Tensor, num_items: Tensor
) -> Tensor:
    """Give ``(1-w)·sum CE_LM / answer tokens + w·sum CE / items``.

    The totals are those of all batches that one optimizer step accumulates, so that the gradient is
    the same however the items are split into batches.
    """
    assert output.lm_sum is not None and output.eci_sum is not None  # noqa: S101 - narrows types
    lm = output.lm_sum / num_answer_tokens.clamp_min(1)
    eci = output.eci_sum / num_items.clamp_min(1)
    return (1 - weight) * lm + weight * eci


@dataclass(frozen=True, slots=True)
class _States:
    """The hidden states of one pass and what is read off them."""

    lm_head: Any
    input_ids: Tensor
    branch_ids: Tensor
    final: Tensor
    middle: Tensor
    prefix: Prefix | None
    cache: Any

    @classmethod
    def compute(
        cls,
        model: Any,
        input_ids: Tensor,
        branch_ids: Tensor,
        prefix: Prefix | None,
        **kwargs: Any,
    ) -> _States:
        num_before = len(prefix.ids) if prefix else 0
        has_options = bool((branch_ids >= FIRST_OPTION).any())
        mask = branch_mask if has_options else padding_mask
        if prefix is not None:
            kwargs.update(past_key_values=prefix.cache_for(len(input_ids)), use_cache=True)
        caught: list[Tensor] = []
        layers = decoder_layers(model)
        hook: Any = layers[-(-2 * len(layers) // 3) - 1].register_forward_hook
        # One layer's output is caught: output_hidden_states would keep those of all layers.
        handle = hook(lambda _m, _a, out: caught.append(out[0] if isinstance(out, tuple) else out))
        try:
            out = model.get_decoder()(
                input_ids=input_ids,
                attention_mask=mask(branch_ids, num_before),
                position_ids=branch_positions(branch_ids, num_before),
                **{"use_cache": False, **kwargs},
            )
        finally:
            # Gone before the backward pass, where gradient checkpointing runs the layer again.
            handle.remove()
        return cls(
            model.get_output_embeddings(),
            input_ids,
            branch_ids,
            out.last_hidden_state,
            caught[0],
            prefix,
            out.past_key_values,
        )

    def pooled(self, part: str, rows: Tensor) -> Tensor:
        """Give one of the states that make up ``u``, shape ``(len(rows), d)``, float32."""
        column = last_prompt_column(self.branch_ids)
        if part == "last":
            return self.final[rows, column].float()
        if part == "middle":
            return self.middle[rows, column].float()
        is_prompt = (self.branch_ids[rows] == PROMPT).float()
        total = torch.einsum("btd,bt->bd", self.final[rows].float(), is_prompt)
        count = is_prompt.sum(1, keepdim=True)
        if self.prefix is not None:
            total, count = total + self.prefix.state_sum, count + len(self.prefix.ids)
        return total / count

    def next_token_log_probabilities(self, rows: Tensor) -> Tensor:
        """Give log-probabilities of the first answer token, ``(len(rows), vocabulary)``."""
        at_end = self.final[rows, last_prompt_column(self.branch_ids)]
        log_probabilities: Tensor = self.lm_head(at_end).float().log_softmax(-1)
        return log_probabilities

    def cross_entropy(self, chosen: Tensor) -> Tensor:
        """Give -log p of each chosen token (mask ``(B, T)``), in row-major order.

        Vocabulary logits are computed for these alone: for all tokens they would be the largest
        array of the pass by far.
        """
        rows, columns = chosen.nonzero(as_tuple=True)
        before = self.final[rows, previous_columns(self.branch_ids)[rows, columns]]
        logits = self.lm_head(before).float()
        return nn.functional.cross_entropy(logits, self.input_ids[rows, columns], reduction="none")


_Inputs = dict[str, tuple[Tensor, HeadInputs]]


def _head_inputs(model: Any, states: _States, label_set_ids: Tensor) -> _Inputs:
    inputs: _Inputs = {}
    for set_id, name in enumerate(model.eci_label_sets):
        rows = (label_set_ids == set_id).nonzero().flatten()
        if len(rows):
            given = (
                _option_inputs(states, rows)
                if name == OPTIONS
                else _fixed_inputs(states, rows, model.eci_verbalizers[name])
            )
            inputs[name] = (rows, given)
    return inputs


def _classify(model: Any, states: _States, inputs: _Inputs) -> Tensor:
    fixed = max(model.eci_config.label_sets.values(), default=0)
    width = max(fixed, int(states.branch_ids.max()) - FIRST_OPTION + 1)
    shape = (len(states.branch_ids), width)
    logits = states.final.new_full(shape, _ABSENT, dtype=torch.float32)
    for name, (rows, given) in inputs.items():
        mine: Tensor = model.eci_head(name, given)
        rest = mine.new_full((len(rows), width - mine.shape[1]), _ABSENT)
        logits = logits.index_copy(0, rows, torch.cat([mine, rest], 1))
    return logits


def _fixed_inputs(
    states: _States, rows: Tensor, verbalizers: Sequence[Sequence[int]]
) -> HeadInputs:
    pooled = torch.stack([states.pooled(part, rows) for part in PARTS], 1)
    log_probabilities = states.next_token_log_probabilities(rows)
    scores = [log_probabilities[:, list(tokens)].logsumexp(-1) for tokens in verbalizers]
    return HeadInputs(pooled, torch.stack(scores, 1))


def _option_inputs(states: _States, rows: Tensor) -> HeadInputs:
    branch_ids = states.branch_ids
    chosen = torch.zeros_like(branch_ids, dtype=torch.bool)
    chosen[rows] = branch_ids[rows] >= FIRST_OPTION
    loss = torch.zeros(branch_ids.shape, device=branch_ids.device)
    loss = loss.masked_scatter(chosen, states.cross_entropy(chosen))[rows]
    branches = branch_ids[rows]
    ends, scores = [], []
    for option in range(FIRST_OPTION, int(branches.max()) + 1):
        mine = branches == option
        length = mine.sum(1)
        last = (mine * torch.arange(mine.shape[1], device=mine.device)).argmax(1)
        ends.append(states.final[rows, last])
        mean = -(loss * mine).sum(1) / length.clamp_min(1)
        scores.append(mean.masked_fill(length == 0, _ABSENT))
    return HeadInputs(torch.stack(ends, 1), torch.stack(scores, 1))


def _add_losses(
    result: EciOutput, states: _States, labels: Tensor, cls_labels: Tensor, weight: float
) -> None:
    assert result.logits is not None  # noqa: S101 - narrows types
    learned = labels != IGNORED
    result.lm_sum = states.cross_entropy(learned).sum()
    result.num_answer_tokens = learned.sum()
    result.eci_sum = nn.functional.cross_entropy(
        result.logits, cls_labels, ignore_index=IGNORED, reduction="sum"
    )
    result.num_items = (cls_labels != IGNORED).sum()
    result.loss = joint_loss(result, weight, result.num_answer_tokens, result.num_items)
