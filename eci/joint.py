"""A causal language model with the ECI head inside its ``forward``.

A row is ``[padding | prompt | branches | padding]``. Every prompt of a batch ends in the same
column. The first branch is the answer to learn; each further one is an option. Branches see the
prompt and themselves, not each other, and their positions go on from the prompt: one pass equals
separate sequences. Causal attention makes the prompt's states identical whether or not a branch
follows, so the head never sees the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers.utils.generic import ModelOutput

from eci.errors import BaseModelError
from eci.head import EciHead, HeadConfig, HeadInputs
from eci.labels import OPTIONS

PADDING: Final = -1
PROMPT: Final = 0
ANSWER: Final = 1
FIRST_OPTION: Final = 2
IGNORED: Final = -100
"""Label id that takes no part in a loss, as everywhere in transformers."""


@dataclass
class EciOutput(ModelOutput):  # type: ignore[misc]
    """What one forward pass gives.

    Attributes:
        loss: ``(1-w)·lm_loss + w·eci_loss``, when labels were given; both means over this batch.
        logits: Head logits, shape ``(B, max labels)``, ``-inf`` where a row has fewer labels.
        lm_sum: Sum of the cross-entropy over answer tokens; ``num_answer_tokens`` of them.
        eci_sum: Sum of the head's cross-entropy; ``num_items`` rows had a label.
        past_key_values: The cache, when asked for.
        next_token_logits: Of the token after the prompt, shape ``(B, vocabulary)``.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    lm_sum: Tensor | None = None
    eci_sum: Tensor | None = None
    num_answer_tokens: Tensor | None = None
    num_items: Tensor | None = None
    past_key_values: Any = None
    next_token_logits: Tensor | None = None


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
        **kwargs: Any,
    ) -> Any:
        # attention_mask and position_ids are named because generate() reads this signature: without
        # them it numbers the positions of a padded prompt from the padding on.
        if branch_ids is None:
            return super().forward(  # type: ignore[misc]
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                labels=labels,
                **kwargs,
            )
        assert input_ids is not None and label_set_ids is not None  # noqa: S101 - narrows types
        return _joint_forward(
            self, input_ids, branch_ids, labels, label_set_ids, cls_labels, **kwargs
        )


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


def branch_mask(branch_ids: Tensor) -> Tensor:
    """Say who sees whom, shape ``(B, 1, T, T)``, True where query (dim 2) sees key (dim 3)."""
    length = branch_ids.shape[1]
    query, key = branch_ids[:, :, None], branch_ids[:, None, :]
    earlier = torch.ones(length, length, dtype=torch.bool, device=branch_ids.device).tril()
    seen = earlier & (key != PADDING) & ((key == PROMPT) | (key == query))
    # Padding sees itself: a query without any key would give NaN, which spreads.
    seen = seen | torch.eye(length, dtype=torch.bool, device=branch_ids.device)
    return seen[:, None]


def branch_positions(branch_ids: Tensor) -> Tensor:
    """Give the position of each token; every branch goes on where the prompt ended. ``(B, T)``."""
    is_prompt = branch_ids == PROMPT
    prompt_length = is_prompt.sum(1, keepdim=True)
    within_prompt = is_prompt.cumsum(1) - 1
    index = torch.arange(branch_ids.shape[1], device=branch_ids.device).expand_as(branch_ids)
    is_start = torch.ones_like(branch_ids, dtype=torch.bool)
    is_start[:, 1:] = branch_ids[:, 1:] != branch_ids[:, :-1]
    start = torch.where(is_start, index, 0).cummax(1).values
    position = torch.where(is_prompt, within_prompt, prompt_length + index - start)
    return position.clamp_min(0)


def _joint_forward(
    model: Any,
    input_ids: Tensor,
    branch_ids: Tensor,
    labels: Tensor | None,
    label_set_ids: Tensor,
    cls_labels: Tensor | None,
    **kwargs: Any,
) -> EciOutput:
    has_options = bool((branch_ids >= FIRST_OPTION).any())
    mask = branch_mask(branch_ids) if has_options else (branch_ids != PADDING).long()
    catcher = _MiddleState(model)
    with catcher:
        out = model.get_decoder()(
            input_ids=input_ids,
            attention_mask=mask,
            position_ids=branch_positions(branch_ids),
            **{"use_cache": False, **kwargs},
        )
    final = out.last_hidden_state
    cls_column = int((branch_ids == PROMPT).any(0).nonzero().max())
    previous = _previous(branch_ids, cls_column)
    lm = _LmScores(model.get_output_embeddings(), input_ids, final, previous)
    at_cls = model.get_output_embeddings()(final[:, cls_column]).float()
    is_prompt = branch_ids == PROMPT
    pooled = {
        "last": lambda: final[:, cls_column],
        "middle": lambda: catcher.state[:, cls_column],
        "mean": lambda: _masked_mean(final, is_prompt),
    }
    logits = input_ids.new_full((len(input_ids), _max_labels(model, branch_ids)), 0).float()
    logits = logits.fill_(float("-inf"))
    for set_id, name in enumerate(model.eci_label_sets):
        rows = (label_set_ids == set_id).nonzero().flatten()
        if not len(rows):
            continue
        if name == OPTIONS:
            inputs = _option_inputs(lm, final, branch_ids, rows)
        else:
            states = torch.stack([pooled[part]()[rows] for part in model.eci_config.parts], 1)
            inputs = HeadInputs(states, _verbalizer_scores(at_cls[rows], model, name))
        scored = model.eci_head(name, inputs)
        padded = nn.functional.pad(
            scored, (0, logits.shape[1] - scored.shape[1]), value=float("-inf")
        )
        logits = logits.index_copy(0, rows, padded)
    result = EciOutput(logits=logits, past_key_values=out.past_key_values, next_token_logits=at_cls)
    if labels is not None and cls_labels is not None:
        _add_losses(result, lm, labels, cls_labels, model.eci_weight)
    return result


class _MiddleState:
    """Catches the output of the layer two thirds up, without keeping every layer's states."""

    def __init__(self, model: Any) -> None:
        layers = decoder_layers(model)
        self._layer = layers[-(-2 * len(layers) // 3) - 1]
        self._handle: RemovableHandle | None = None
        self.state: Tensor = torch.empty(0)

    def __enter__(self) -> _MiddleState:
        hook = self._layer.register_forward_hook(self._catch)  # type: ignore[no-untyped-call]
        self._handle = hook
        return self

    def __exit__(self, *_: object) -> None:
        # Removed before the backward pass: gradient checkpointing runs the layer again there.
        if self._handle is not None:
            self._handle.remove()

    def _catch(self, _module: nn.Module, _args: Any, output: Any) -> None:
        self.state = output[0] if isinstance(output, tuple) else output


class _LmScores:
    """Log-probabilities of chosen tokens: vocabulary logits are computed for these alone."""

    def __init__(self, lm_head: Any, input_ids: Tensor, final: Tensor, previous: Tensor) -> None:
        self._lm_head, self._ids, self._final, self._previous = lm_head, input_ids, final, previous

    def cross_entropy(self, chosen: Tensor) -> Tensor:
        """Give -log p of each chosen token (mask ``(B, T)``), in row-major order."""
        rows, columns = chosen.nonzero(as_tuple=True)
        before = self._final[rows, self._previous[rows, columns]]
        logits = self._lm_head(before).float()
        return nn.functional.cross_entropy(logits, self._ids[rows, columns], reduction="none")


def _previous(branch_ids: Tensor, cls_column: int) -> Tensor:
    """Column of the token before each one; the prompt's last before the first of every branch."""
    previous = torch.arange(-1, branch_ids.shape[1] - 1, device=branch_ids.device)
    previous = previous.clamp_min(0).expand_as(branch_ids).clone()
    starts = torch.zeros_like(branch_ids, dtype=torch.bool)
    starts[:, 1:] = (branch_ids[:, 1:] != branch_ids[:, :-1]) & (branch_ids[:, 1:] >= ANSWER)
    return previous.masked_fill(starts, cls_column)


def _masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask.float()
    weights = weights / weights.sum(1, keepdim=True)
    return torch.einsum("btd,bt->bd", states.float(), weights)


def _max_labels(model: Any, branch_ids: Tensor) -> int:
    fixed = max(model.eci_config.label_sets.values(), default=0)
    return max(fixed, int(branch_ids.max()) - FIRST_OPTION + 1)


def _verbalizer_scores(next_token_logits: Tensor, model: Any, label_set: str) -> Tensor:
    """``v``: log-sum-exp of the log-probabilities of each label's verbalizer tokens, ``(n, C)``."""
    log_probabilities = next_token_logits.log_softmax(-1)
    columns = [
        log_probabilities[:, list(tokens)].logsumexp(-1)
        for tokens in model.eci_verbalizers[label_set]
    ]
    return torch.stack(columns, 1)


def _option_inputs(lm: _LmScores, final: Tensor, branch_ids: Tensor, rows: Tensor) -> HeadInputs:
    num_options = int(branch_ids[rows].max()) - FIRST_OPTION + 1
    chosen = torch.zeros_like(branch_ids, dtype=torch.bool)
    chosen[rows] = branch_ids[rows] >= FIRST_OPTION
    loss = torch.zeros(branch_ids.shape, device=final.device)
    loss = loss.masked_scatter(chosen, lm.cross_entropy(chosen))[rows]
    branches = branch_ids[rows]
    states, scores = [], []
    for k in range(num_options):
        mine = branches == FIRST_OPTION + k
        length = mine.sum(1)
        last = (mine * torch.arange(mine.shape[1], device=mine.device)).argmax(1)
        states.append(final[rows, last])
        mean = -(loss * mine).sum(1) / length.clamp_min(1)
        scores.append(mean.masked_fill(length == 0, float("-inf")))
    return HeadInputs(torch.stack(states, 1), torch.stack(scores, 1))


def _add_losses(
    result: EciOutput, lm: _LmScores, labels: Tensor, cls_labels: Tensor, weight: float
) -> None:
    learned = labels != IGNORED
    has_label = cls_labels != IGNORED
    assert result.logits is not None  # noqa: S101 - narrows types
    result.lm_sum = lm.cross_entropy(learned).sum()
    result.num_answer_tokens = learned.sum()
    result.eci_sum = nn.functional.cross_entropy(
        result.logits, cls_labels, ignore_index=IGNORED, reduction="sum"
    )
    result.num_items = has_label.sum()
    result.loss = joint_loss(result, weight, result.num_answer_tokens, result.num_items)


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
