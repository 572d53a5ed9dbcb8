"""A beginning that many prompts share, such as the system turn and the shots: prefilled once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefilled beginning.

    Attributes:
        ids: Its tokens.
        cache: Keys and values, batch size 1.
        state_sum: Sum of its final hidden states, shape ``(d,)``, float32: pooling needs it.
    """

    ids: tuple[int, ...]
    cache: DynamicCache
    state_sum: Tensor

    def cache_for(self, batch_size: int) -> DynamicCache:
        """Give a cache of its own to a batch; the rows share the memory until it grows."""
        cache = DynamicCache()
        for index, layer in enumerate(self.cache.layers):
            shape = (batch_size, -1, -1, -1)
            cache.update(layer.keys.expand(shape), layer.values.expand(shape), index)
        return cache


def shared_beginning(prompts: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Give the tokens with which all prompts begin, leaving each at least one of its own."""
    columns = zip(*(prompt[:-1] for prompt in prompts), strict=False)
    same = takewhile(lambda column: len(set(column)) == 1, columns)
    return tuple(column[0] for column in same)


def prefill(model: Any, ids: tuple[int, ...]) -> Prefix | None:
    """Prefill a beginning; None for models whose cache cannot be shared (sliding windows)."""
    input_ids = torch.tensor([ids], device=model.device)
    with torch.inference_mode():
        out = model.get_decoder()(input_ids=input_ids, use_cache=True)
    cache = out.past_key_values
    if not all(type(layer) is DynamicLayer for layer in cache.layers):
        return None
    return Prefix(ids, cache, out.last_hidden_state[0].float().sum(0))
