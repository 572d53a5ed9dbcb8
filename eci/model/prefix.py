"""A beginning that many prompts share, such as the system turn and the shots: prefilled once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from transformers import DynamicCache

from eci.model.batching import Row
from eci.pooling import REGIONS


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefilled beginning.

    Attributes:
        ids: Its tokens.
        cache: Keys and values, batch size 1.
    """

    ids: tuple[int, ...]
    cache: DynamicCache

    def cache_for(self, batch_size: int) -> DynamicCache:
        """Return a cache of its own to a batch; the rows share the memory until it grows."""
        cache = DynamicCache()
        for layer in self.cache.layers:
            # Not DynamicCache.update: it would copy the whole beginning for each row and layer.
            own = copy(layer)
            own.keys = layer.keys.expand(batch_size, -1, -1, -1)
            own.values = layer.values.expand(batch_size, -1, -1, -1)
            cache.layers.append(own)
        return cache


def share(rows: Sequence[Row], batch_size: int) -> list[tuple[list[int], tuple[int, ...]]]:
    """Group rows that can be prefilled after one beginning.

    Rows of one label set with the same system turn and shots share all of that. Beginnings that are
    too rare to fill a batch are put together and share what they have in common.

    Returns:
        Positions in ``rows``, and the tokens with which the prompts of all of them begin; no part
        of an item is among these.
    """
    groups: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for i, row in enumerate(rows):
        beginning = tuple(row.prompt[: row.regions[REGIONS.index("item")][0]])
        groups.setdefault((row.label_set_id, beginning), []).append(i)
    shared, rare = [], defaultdict[int, list[tuple[tuple[int, ...], list[int]]]](list)
    for (label_set_id, beginning), members in groups.items():
        if len(members) >= batch_size:
            shared.append((members, beginning))
        else:
            rare[label_set_id].append((beginning, members))
    for together in rare.values():
        members = [i for _, mine in together for i in mine]
        shared.append((members, _common([beginning for beginning, _ in together])))
    return shared


def _common(beginnings: Sequence[Sequence[int]]) -> tuple[int, ...]:
    columns = zip(*beginnings, strict=False)
    same = takewhile(lambda column: len(set(column)) == 1, columns)
    return tuple(column[0] for column in same)


def prefill(model: Any, ids: tuple[int, ...]) -> Prefix | None:
    """Prefill a beginning; None for models whose cache drops or sums up tokens."""
    if not model.eci_traits.keeps_tokens:
        return None
    input_ids = torch.tensor([ids], device=model.device)
    with torch.inference_mode():
        out = model.get_decoder()(input_ids=input_ids, use_cache=True)
    return Prefix(ids, out.past_key_values)
