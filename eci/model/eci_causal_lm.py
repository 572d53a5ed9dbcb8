"""A causal language model with the ECI head inside its ``forward``.

Rows are laid out as in :mod:`eci.model.branches`. Causal attention makes the prompt's
states identical whether or not a branch follows, so the head never sees the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers.utils.generic import ModelOutput

from eci.model.architecture import Traits, decoder_layers, vocabulary_logits
from eci.model.branches import (
    FIRST_OPTION,
    IGNORED,
    SeparateSequences,
    branch_mask,
    branch_positions,
    last_prompt_column,
    padding_mask,
    previous_columns,
)
from eci.model.head import EciHead, HeadConfig, HeadInputs
from eci.model.prefix import Prefix
from eci.pooling import REGIONS, Part
from eci.questions.labels import OPTION_SETS, OPTIONS, SEVERAL_OPTIONS

_ABSENT = float("-inf")


@dataclass
class EciOutput(ModelOutput):  # type: ignore[misc]
    """What one forward pass gives.

    Attributes:
        loss: ``(1-w)·lm_loss + w·eci_loss``, when labels were given; both means over this batch.
        logits: Head logits, shape ``(B, max labels)``, ``-inf`` where a row has fewer labels.
        lm_sum: Sum of the cross-entropy over answer tokens; ``num_answer_tokens`` of them.
        eci_sum: Sum of the head's cross-entropy; ``num_items`` rows had a label.
        past_key_values: The cache, when asked for; None where a text cannot continue from it.
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
    eci_traits: Traits
    accepts_loss_kwargs = False

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        branch_ids: Tensor | None = None,
        regions: Tensor | None = None,
        labels: Tensor | None = None,
        label_set_ids: Tensor | None = None,
        cls_labels: Tensor | None = None,
        right_labels: Tensor | None = None,
        folds: Tensor | None = None,
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
        assert regions is not None  # noqa: S101 - narrows types
        learns_text = labels is not None and self.eci_weight < 1
        speaks = learns_text or kwargs.get("use_cache", False)
        rows = _Rows(input_ids, branch_ids, regions, label_set_ids, prefix)
        states = _States.compute(self, rows, ends_early=not speaks, **kwargs)
        head_inputs = _head_inputs(self, states)
        result = EciOutput(
            logits=_classify(self, states, head_inputs, folds),
            past_key_values=states.cache,
            head_inputs=head_inputs,
        )
        if labels is not None and cls_labels is not None:
            _add_losses(result, states, labels, (cls_labels, right_labels), self.eci_weight)
        return result


def attach_head(
    model: Any,
    config: HeadConfig,
    verbalizers: Mapping[str, Sequence[Sequence[int]]],
    weight: float,
) -> Any:
    """Convert a loaded causal LM, in place, into one whose forward also classifies.

    The head is attached after loading: it stays float32 and is never quantized with the base model.

    Args:
        model: Any Hugging Face causal LM with a stack of decoder layers.
        verbalizers: Fixed label set -> token ids of each of its labels.
        weight: Share w of the head in the loss, in [0, 1].

    Raises:
        BaseModelError: The architecture has no plain stack of layers.
    """
    decoder_layers(model)
    traits = Traits.of(model)
    kind = type(model)
    model.__class__ = type(f"Eci{kind.__name__}", (EciMixin, kind), {})
    model.eci_head = EciHead(config).to(model.get_input_embeddings().weight.device)
    own = (SEVERAL_OPTIONS,) if SEVERAL_OPTIONS in config.several else ()
    model.eci_label_sets = (OPTIONS, *config.label_sets, *own)
    model.eci_verbalizers = verbalizers
    model.eci_weight = weight
    model.eci_config = config
    model.eci_traits = traits
    return model


def joint_loss(
    output: EciOutput, weight: float, num_answer_tokens: Tensor, num_items: Tensor
) -> Tensor:
    """Return ``(1-w)·sum CE_LM / answer tokens + w·sum CE / items``.

    The totals are those of all batches that one optimizer step accumulates, so that the gradient is
    the same however the items are split into batches.
    """
    assert output.lm_sum is not None and output.eci_sum is not None  # noqa: S101 - narrows types
    lm = output.lm_sum / num_answer_tokens.clamp_min(1)
    eci = output.eci_sum / num_items.clamp_min(1)
    return (1 - weight) * lm + weight * eci


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a batch, as :func:`eci.model.batching.collate` gives them."""

    input_ids: Tensor
    branch_ids: Tensor
    regions: Tensor
    label_set_ids: Tensor
    prefix: Prefix | None

    def apart(self, separate: SeparateSequences) -> _Rows:
        """Return every branch as a row of its own; what is read off rows stays with the batch."""
        return replace(
            self, input_ids=separate.apart(self.input_ids), branch_ids=separate.branch_ids
        )


class _DeepEnough(Exception):  # noqa: N818 - no error: it ends a pass whose rest is not needed
    """Raised by a hook after the deepest layer that the head reads."""


@dataclass(frozen=True, slots=True)
class _States:
    """The hidden states of one pass and what is read off them.

    Attributes:
        by_layer: Number of layers applied -> states ``(B, T, d)``, for the layers that parts read.
        final: After the last layer and its norm; None where the pass ended early.
        decoded: What the decoder returned, None likewise.
        cache: Of the prompts, with what follows them; None where it cannot be cut after them.
    """

    model: Any
    rows: _Rows
    num_layers: int
    by_layer: Mapping[int, Tensor]
    final: Tensor | None
    decoded: Any
    cache: Any

    @classmethod
    def compute(cls, model: Any, rows: _Rows, *, ends_early: bool, **kwargs: Any) -> _States:
        """Run the decoder, no deeper than the head needs where ``ends_early`` allows it."""
        layers = decoder_layers(model)
        config: HeadConfig = model.eci_config
        has_options = bool((rows.branch_ids >= FIRST_OPTION).any())
        ends_early = ends_early and not has_options and not config.uses_scores
        wanted = {part.layer(len(layers)) for part in config.parts} - {len(layers)}
        is_full = not ends_early or any(part.depth == 1 for part in config.parts)
        separate = None
        if has_options and not model.eci_traits.branches:
            separate = SeparateSequences.of(rows.branch_ids)
        caught: dict[int, Tensor] = {}

        def catch(layer: int, out: Any) -> None:
            caught[layer] = out[0] if isinstance(out, tuple) else out
            if not is_full and layer == max(wanted):
                raise _DeepEnough

        # These layers' outputs are caught: output_hidden_states would keep those of all layers.
        handles = [
            layers[layer - 1].register_forward_hook(
                lambda _module, _args, out, layer=layer: catch(layer, out)
            )
            for layer in wanted
        ]
        inputs = rows if separate is None else rows.apart(separate)
        attend = _how_to_attend(model, inputs, as_branches=has_options and separate is None)
        try:
            decoded = model.get_decoder()(
                input_ids=inputs.input_ids, **{"use_cache": False, **kwargs, **attend}
            )
        except _DeepEnough:
            decoded = None
        finally:
            # Gone before the backward pass, where gradient checkpointing runs the layers again.
            for handle in handles:
                handle.remove()
        final = decoded.last_hidden_state if decoded else None
        if separate is not None:
            caught = {layer: separate.together(states) for layer, states in caught.items()}
            final = None if final is None else separate.together(final)
        is_whole = decoded is not None and separate is None and model.eci_traits.keeps_tokens
        cache = decoded.past_key_values if is_whole else None
        return cls(model, rows, len(layers), caught, final, decoded, cache)

    def at(self, layer: int) -> Tensor:
        """Return the states after a number of layers, ``(B, T, d)``."""
        states = self.by_layer.get(layer, self.final)
        assert states is not None  # noqa: S101 - narrows types: what parts read is computed
        return states

    def pooled(self, part: Part, rows: Tensor) -> Tensor:
        """Return one of the states that make up ``u``, shape ``(len(rows), d)``, float32."""
        states = self.at(part.layer(self.num_layers))[rows]
        if part.region == "last":
            return states[:, last_prompt_column(self.rows.branch_ids)].float()
        bounds = self.rows.regions[rows, REGIONS.index(part.region)]
        column = torch.arange(states.shape[1], device=states.device)
        inside = (column >= bounds[:, :1]) & (column < bounds[:, 1:])
        share = inside.float() / inside.sum(1, keepdim=True)
        return torch.einsum("btd,bt->bd", states.float(), share)

    def next_token_log_probabilities(self, rows: Tensor) -> Tensor:
        """Return log-probabilities of the first answer token, ``(len(rows), vocabulary)``."""
        at_end = self.at(self.num_layers)[rows, last_prompt_column(self.rows.branch_ids)]
        return vocabulary_logits(self.model, self.decoded, at_end).log_softmax(-1)

    def cross_entropy(self, chosen: Tensor) -> Tensor:
        """Return -log p of each chosen token (mask ``(B, T)``), in row-major order.

        Vocabulary logits are computed for these alone: for all tokens they would be the largest
        array of the pass by far.
        """
        rows, columns = chosen.nonzero(as_tuple=True)
        before = previous_columns(self.rows.branch_ids)[rows, columns]
        states = self.at(self.num_layers)[rows, before]
        logits = vocabulary_logits(self.model, self.decoded, states)
        chosen_ids = self.rows.input_ids[rows, columns]
        return nn.functional.cross_entropy(logits, chosen_ids, reduction="none")


def _how_to_attend(model: Any, rows: _Rows, *, as_branches: bool) -> dict[str, Any]:
    num_before = len(rows.prefix.ids) if rows.prefix else 0
    mask = branch_mask if as_branches else padding_mask
    attend: dict[str, Any] = {"attention_mask": mask(rows.branch_ids, num_before)}
    if model.eci_traits.takes_positions:
        attend["position_ids"] = branch_positions(rows.branch_ids, num_before)
    if rows.prefix is not None:
        attend["past_key_values"] = rows.prefix.cache_for(len(rows.input_ids))
        attend["use_cache"] = True
    return attend


_Inputs = dict[str, tuple[Tensor, HeadInputs]]


def _head_inputs(model: Any, states: _States) -> _Inputs:
    inputs: _Inputs = {}
    for set_id, name in enumerate(model.eci_label_sets):
        rows = (states.rows.label_set_ids == set_id).nonzero().flatten()
        if len(rows):
            given = (
                _option_inputs(states, rows)
                if name in OPTION_SETS
                else _fixed_inputs(model, states, rows, _scored(model, name))
            )
            inputs[name] = (rows, given)
    return inputs


def _scored(model: Any, name: str) -> Sequence[Sequence[int]]:
    """Return the tokens by which labels are scored; none where several may come next."""
    verbalizers: Sequence[Sequence[int]] = model.eci_verbalizers[name]
    return [()] * len(verbalizers) if name in model.eci_config.several else verbalizers


def _classify(model: Any, states: _States, inputs: _Inputs, folds: Tensor | None) -> Tensor:
    fixed = max(model.eci_config.label_sets.values(), default=0)
    branch_ids = states.rows.branch_ids
    width = max(fixed, int(branch_ids.max()) - FIRST_OPTION + 1)
    logits = torch.full((len(branch_ids), width), _ABSENT, device=branch_ids.device)
    for name, (rows, given) in inputs.items():
        mine: Tensor = model.eci_head(name, given, None if folds is None else folds[rows])
        rest = mine.new_full((len(rows), width - mine.shape[1]), _ABSENT)
        logits = logits.index_copy(0, rows, torch.cat([mine, rest], 1))
    return logits


def _fixed_inputs(
    model: Any, states: _States, rows: Tensor, verbalizers: Sequence[Sequence[int]]
) -> HeadInputs:
    config: HeadConfig = model.eci_config
    pooled = torch.stack([states.pooled(part, rows) for part in config.parts], 1)
    if not config.uses_scores or not all(verbalizers):
        return HeadInputs(pooled, pooled.new_zeros(len(rows), len(verbalizers)))
    log_probabilities = states.next_token_log_probabilities(rows)
    scores = [log_probabilities[:, list(tokens)].logsumexp(-1) for tokens in verbalizers]
    return HeadInputs(pooled, torch.stack(scores, 1))


def _option_inputs(states: _States, rows: Tensor) -> HeadInputs:
    branch_ids, final = states.rows.branch_ids, states.at(states.num_layers)
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
        ends.append(final[rows, last])
        mean = -(loss * mine).sum(1) / length.clamp_min(1)
        scores.append(mean.masked_fill(length == 0, _ABSENT))
    return HeadInputs(torch.stack(ends, 1), torch.stack(scores, 1))


def _add_losses(
    result: EciOutput,
    states: _States,
    labels: Tensor,
    gold: tuple[Tensor, Tensor | None],
    weight: float,
) -> None:
    cls_labels, right_labels = gold
    assert result.logits is not None  # noqa: S101 - narrows types
    learned = labels != IGNORED
    # At w = 1 no text is learned, and the pass ended with the deepest layer that the head reads.
    text = result.logits.new_zeros(1) if states.final is None else states.cross_entropy(learned)
    result.lm_sum = text.sum()
    result.num_answer_tokens = learned.sum()
    result.eci_sum = nn.functional.cross_entropy(
        result.logits, cls_labels, ignore_index=IGNORED, reduction="sum"
    )
    result.num_items = (cls_labels != IGNORED).sum()
    if right_labels is not None and right_labels.numel():
        is_asked = right_labels != IGNORED
        logits = result.logits[:, : right_labels.shape[1]].masked_fill(~is_asked, 0.0)
        each = nn.functional.binary_cross_entropy_with_logits(
            logits, right_labels.clamp_min(0.0), reduction="none"
        )
        num_asked = is_asked.sum(1)
        mean = (each * is_asked).sum(1) / num_asked.clamp_min(1)
        result.eci_sum = result.eci_sum + mean.sum()
        result.num_items = result.num_items + (num_asked > 0).sum()
    result.loss = joint_loss(result, weight, result.num_answer_tokens, result.num_items)
