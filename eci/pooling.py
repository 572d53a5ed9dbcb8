"""Which hidden states of a prefill make up the head's input."""

from __future__ import annotations

from typing import Final, Literal

Pooling = Literal["last", "middle", "mean", "concat"]

PARTS: Final = ("last", "middle", "mean")
"""The pooled states that every prefill gives for a fixed label set, in this order: the last prompt
token's after the last layer, the same token's after two thirds of the layers, and the mean over the
prompt after the last layer."""


def chosen_parts(pooling: Pooling) -> list[int]:
    """Give the positions in ``PARTS`` that a pooling uses; ``concat`` uses all."""
    return list(range(len(PARTS))) if pooling == "concat" else [PARTS.index(pooling)]
