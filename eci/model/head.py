"""The head: a category straight from the hidden states of one prefill.

For a fixed label set the logits are ``W·drop((u - m) / s) + b + a·v``: ``u`` is the pooled hidden
state, ``m`` and ``s`` its mean and standard deviation over the training items, and ``v`` the
language model's own score of each label (log-sum-exp over its verbalizer tokens; 0 for all labels
of a set in which some share their first token). For the options
of an item, option k scores ``w·(g_k - m) / s + beta·l_k``: ``g_k`` is the hidden state at the end
of the option's branch and ``l_k`` the mean log-probability of its tokens. Where several labels
may be right, each logit is that of its own probability: ``v`` takes no part, and options have a
head ``w·(g_k - m) / s + b + beta·l_k`` of their own. ``W``, ``b`` and ``w``
start at 0, ``a`` and ``beta`` at 1: an untrained head says what the language model would say.

A few dimensions of a hidden state are a hundred times as large as the others. Standardising each
dimension over items, rather than each state over its dimensions, lets the others be heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from eci.arrays import Float32Array
from eci.errors import ArtifactError
from eci.model.artifact import head_key
from eci.model.head_fit import FittedHead, mean_and_spread
from eci.pooling import DEFAULT_POOLING, Part, parse_pooling
from eci.questions.labels import OPTION_SETS, OPTIONS, SEVERAL_OPTIONS


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """The shape of a head.

    Attributes:
        hidden_size: Width d of the base model.
        label_sets: Name of each fixed label set -> its number of labels.
        pooling: Which hidden states make up ``u``, as in :mod:`eci.pooling`.
        dropout: On the standardised ``u`` while training, in [0, 1).
        several: Names of the label sets of which several labels may be right: each has a logit of
            its own probability. ``several_options`` among them gives options such a head.
        uses_scores: Whether ``v`` takes part for fixed label sets. Without it a pass ends with the
            deepest part of the pooling, and an untrained head gives all labels alike.
    """

    hidden_size: int
    label_sets: Mapping[str, int]
    pooling: str = DEFAULT_POOLING
    dropout: float = 0.1
    uses_scores: bool = True
    several: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the pooled states that make up ``u``."""
        return parse_pooling(self.pooling)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        fields = {**asdict(self), "label_sets": dict(self.label_sets), "several": [*self.several]}
        if not self.several:  # as artifacts of before this could be have it
            del fields["several"]
        return fields

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> HeadConfig:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ArtifactError: The pooling is unknown or a field is missing.
        """
        try:
            cls(**fields)  # refuses fields that it does not know
            config = TypeAdapter(cls).validate_python(dict(fields))
            parse_pooling(config.pooling)
            if not (config.hidden_size > 0 and 0 <= config.dropout < 1):
                raise ValueError("hidden_size is at least 1 and dropout within 0 and 1")
        except (TypeError, ValueError) as error:
            raise ArtifactError(f"The head's configuration does not fit: {error}") from error
        return config


@dataclass(frozen=True, slots=True)
class HeadInputs:
    """What one prefill gives the head, for the rows of one label set.

    Attributes:
        states: Fixed labels: the parts of the pooling, shape ``(n, P, d)``. Options: ``g``,
            ``(n, K, d)``.
        scores: Fixed labels: ``v``, shape ``(n, C)``, zeros where the head does not use them.
            Options: ``l``, ``(n, K)``, ``-inf`` where an item has fewer than K options.
    """

    states: Tensor
    scores: Tensor


class Standardise(nn.Module):
    """Subtract a mean and divide by a standard deviation, both of training items."""

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``, shape ``(..., width)``, standardised."""
        return (x - self.mean) / self.spread


class EciHead(nn.Module):
    """Classifier for several fixed label sets and for options; always float32."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size * len(config.parts)
        self.dropout = nn.Dropout(config.dropout)
        self.norms = nn.ModuleDict({OPTIONS: Standardise(config.hidden_size)})
        self.linears = nn.ModuleDict()
        self.scales = nn.ParameterDict()
        for name, num_labels in config.label_sets.items():
            key = head_key(name)
            self.norms[key] = Standardise(width)
            self.linears[key] = nn.Linear(width, num_labels)
            self.scales[key] = nn.Parameter(torch.ones(()))
        if SEVERAL_OPTIONS in config.several:
            key = head_key(SEVERAL_OPTIONS)
            self.norms[key] = Standardise(config.hidden_size)
            self.linears[key] = nn.Linear(config.hidden_size, 1)
            self.scales[key] = nn.Parameter(torch.ones(()))
        self.crossed: dict[str, tuple[Tensor, ...]] = {}
        """What :meth:`cross` was given: for training alone, never changed and never kept."""
        self.option_weight = nn.Parameter(torch.zeros(config.hidden_size))
        self.option_scale = nn.Parameter(torch.ones(()))
        self.reset()

    def reset(self) -> None:
        """Return to the start, where the head equals the zero-shot language model."""
        with torch.no_grad():
            for linear in self.linears.values():
                linear.weight.zero_()  # type: ignore[operator]
                linear.bias.zero_()  # type: ignore[operator]
            for scale in self.scales.values():
                scale.fill_(1.0)
            self.option_weight.zero_()
            self.option_scale.fill_(1.0)

    def standardise(self, label_set: str, states: Float32Array, scores: Float32Array) -> None:
        """Measure mean and spread of what training items give the head.

        Args:
            label_set: A fixed one, or ``options``.
            states: As in :class:`HeadInputs`.
            scores: As in :class:`HeadInputs`.
        """
        u = states if label_set in OPTION_SETS else states.reshape(len(states), -1)
        mean, spread = mean_and_spread(u, scores)
        norm: Any = self.norms[head_key(label_set)]
        norm.mean.copy_(torch.as_tensor(mean))
        norm.spread.copy_(torch.as_tensor(spread))

    def take(self, label_set: str, fitted: FittedHead) -> None:
        """Copy the parameters that were fitted for one label set.

        Raises:
            ValueError: They were fitted for another pooling or number of labels.
        """
        norm: Any = self.norms[head_key(label_set)]
        if label_set == OPTIONS:
            targets: list[Any] = [self.option_weight, self.option_scale, norm.mean, norm.spread]
            values = [fitted.weight, fitted.scale, fitted.mean, fitted.spread]
        else:
            key = head_key(label_set)
            linear: Any = self.linears[key]
            targets = [linear.weight, linear.bias, self.scales[key], norm.mean, norm.spread]
            values = [fitted.weight, fitted.bias, fitted.scale, fitted.mean, fitted.spread]
        with torch.no_grad():
            for target, value in zip(targets, values, strict=True):
                new = torch.as_tensor(value, dtype=torch.float32)
                if new.shape != target.shape:
                    raise ValueError(
                        f"The head fitted for {label_set!r} has an array of shape "
                        f"{tuple(new.shape)} where this head has {tuple(target.shape)}. Fit it on "
                        f"features of pooling {self.config.pooling!r}."
                    )
                target.copy_(new)

    def cross(self, label_set: str, without: Sequence[FittedHead]) -> None:
        """Score the training items of a fixed label set by heads that were fitted without them.

        Args:
            without: One for each fold, on all items but those of the fold.
        """
        place = self.option_weight.device
        fields = ("weight", "bias", "scale", "mean", "spread")
        self.crossed[label_set] = tuple(
            torch.as_tensor(np.stack([getattr(head, name) for head in without])).float().to(place)
            for name in fields
        )

    def forward(self, label_set: str, inputs: HeadInputs, folds: Tensor | None = None) -> Tensor:
        """Return logits, float32, shape ``(n, C)`` or ``(n, K)``; ``-inf`` for absent options.

        Args:
            folds: In training, the fold of each row, below 0 where it has none.
        """
        states = inputs.states.float()
        crossed = self.crossed.get(label_set) if self.training else None
        if crossed is not None and folds is not None and bool((folds >= 0).all()):
            weight, bias, scale, mean, spread = (each[folds] for each in crossed)
            learned = torch.einsum("nd,ncd->nc", (states.flatten(1) - mean) / spread, weight)
            return learned + bias + scale[:, None] * inputs.scores.float()
        key = head_key(label_set)
        normed = self.norms[key]
        if label_set in OPTION_SETS:
            absent = torch.isinf(inputs.scores)
            scores = inputs.scores.float().masked_fill(absent, 0.0)
            dropped = self.dropout(normed(states))
            if label_set == OPTIONS:
                logits = dropped @ self.option_weight + self.option_scale * scores
            else:
                logits = self.linears[key](dropped).squeeze(-1) + self.scales[key] * scores
            return torch.as_tensor(logits.masked_fill(absent, float("-inf")))
        pooled = self.dropout(normed(states.flatten(1)))
        logits = self.linears[key](pooled)
        return torch.as_tensor(logits + self.scales[key] * inputs.scores.float())
