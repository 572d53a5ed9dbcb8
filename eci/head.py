"""The head: a category straight from the hidden states of one prefill.

For a fixed label set the logits are ``W·drop(LN(u)) + b + a·v``: ``u`` is the pooled hidden state
and ``v`` the language model's own score of each label (log-sum-exp over its verbalizer tokens).
For the options of an item, option k scores ``w·LN(g_k) + beta·l_k``: ``g_k`` is the hidden state at
the end of the option's branch and ``l_k`` the mean log-probability of its tokens. ``W``, ``b`` and
``w`` start at 0, ``a`` and ``beta`` at 1: an untrained head says what the language model would say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

import torch
from torch import Tensor, nn

from eci.errors import ArtifactError
from eci.labels import OPTIONS
from eci.pooling import Pooling, chosen_parts


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """The shape of a head.

    Attributes:
        hidden_size: Width d of the base model.
        label_sets: Name of each fixed label set -> its number of labels.
        pooling: Which hidden states make up ``u``: the last prompt token's after the last layer
            (``last``) or after two thirds of the layers (``middle``), the mean over the prompt, or
            all three side by side.
        dropout: On the normalised ``u`` while training, in [0, 1).
    """

    hidden_size: int
    label_sets: Mapping[str, int]
    pooling: Pooling = "concat"
    dropout: float = 0.1

    @property
    def parts(self) -> list[int]:
        """Which of ``PARTS`` make up ``u``, by position."""
        return chosen_parts(self.pooling)

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {**asdict(self), "label_sets": dict(self.label_sets)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> HeadConfig:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ArtifactError: The pooling is unknown or a field is missing.
        """
        try:
            config = cls(**fields)
        except TypeError as error:
            raise ArtifactError(f"The head's configuration does not fit: {error}.") from error
        if config.pooling not in get_args(Pooling):
            raise ArtifactError(
                f"Pooling {config.pooling!r} is unknown. Known: {', '.join(get_args(Pooling))}."
            )
        return config


@dataclass(frozen=True, slots=True)
class HeadInputs:
    """What one prefill gives the head, for the rows of one label set.

    Attributes:
        states: Fixed labels: all of ``PARTS``, shape ``(n, 3, d)``. Options: ``g``, ``(n, K, d)``.
        scores: Fixed labels: ``v``, shape ``(n, C)``. Options: ``l``, ``(n, K)``, ``-inf`` where an
            item has fewer than K options.
    """

    states: Tensor
    scores: Tensor


class EciHead(nn.Module):
    """Classifier for several fixed label sets and for options; always float32."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size * len(config.parts)
        self.dropout = nn.Dropout(config.dropout)
        self.linears = nn.ModuleDict()
        self.scales = nn.ParameterDict()
        for name, num_labels in config.label_sets.items():
            self.linears[name] = nn.Linear(width, num_labels)
            self.scales[name] = nn.Parameter(torch.ones(()))
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

    def forward(self, label_set: str, inputs: HeadInputs) -> Tensor:
        """Give logits, float32, shape ``(n, C)`` or ``(n, K)``; ``-inf`` for absent options."""
        states = inputs.states.float()
        # Each part is normalised for itself: the last layer has passed the model's final norm, the
        # middle one has not, and their scales differ by an order of magnitude.
        normed = nn.functional.layer_norm(states, states.shape[-1:])
        if label_set == OPTIONS:
            absent = torch.isinf(inputs.scores)
            scores = inputs.scores.float().masked_fill(absent, 0.0)
            logits = self.dropout(normed) @ self.option_weight + self.option_scale * scores
            return torch.as_tensor(logits.masked_fill(absent, float("-inf")))
        pooled = normed[:, self.config.parts].flatten(1)
        logits = self.linears[label_set](self.dropout(pooled))
        return torch.as_tensor(logits + self.scales[label_set] * inputs.scores.float())
