"""Which hidden states of a prefill make up the head's input.

A pooling is written as parts joined by ``+``, each a region of the prompt and a depth: such as
``evidence@0.5+question@0.5``. A part is the mean of the states of its region's tokens after that
share of the decoder's layers; without ``@`` it is the last layer's. A pass ends with the deepest
part, unless the language model's own words are wanted too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Region = Literal["last", "item", "question", "evidence"]
"""``last``: the last prompt token. ``item``: the asked question with all that belongs to it,
without system turn and shots. ``question``: the question alone. ``evidence``: the last section of
the context, where papers report what they found; the question where there is no context."""

REGIONS: Final[tuple[Region, ...]] = ("item", "question", "evidence")
"""The regions of more than one token, in the order in which rows hold their bounds."""

DEFAULT_POOLING: Final = "evidence@0.5+question@0.5"


@dataclass(frozen=True, slots=True)
class Part:
    """One pooled state.

    Attributes:
        region: Of the prompt.
        depth: Share of the decoder's layers, in (0, 1].
    """

    region: Region
    depth: float = 1.0

    def layer(self, num_layers: int) -> int:
        """Return the number of layers that have been applied, in 1..num_layers."""
        return max(1, round(self.depth * num_layers))


def parse_pooling(text: str) -> tuple[Part, ...]:
    """Read a pooling.

    Raises:
        ValueError: A region is unknown, or a depth is no number in (0, 1].

    Example:
        >>> [part.layer(30) for part in parse_pooling("evidence@0.5+last")]
        [15, 30]
    """
    return tuple(_part(part, text) for part in text.split("+"))


def _part(part: str, text: str) -> Part:
    name, _, depth = part.strip().partition("@")
    try:
        share = float(depth or 1)
    except ValueError:
        share = 0.0
    for region in get_args(Region):
        if region == name and 0 < share <= 1:
            return Part(region, share)
    raise ValueError(
        f"Pooling {text!r} cannot be read at {part!r}. Join parts by '+', each one of "
        f"{', '.join(get_args(Region))}, optionally with '@' and a fraction of the layers in "
        f"(0, 1], such as {DEFAULT_POOLING!r}."
    )
