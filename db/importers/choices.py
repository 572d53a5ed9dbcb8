"""What the person who imports decides for a whole file, and what the store knows already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from db.records import LabelSet, Split


@dataclass(frozen=True)
class Choices:
    """What counts for every entry of a file; what is empty is taken from the file."""

    source: str = ""
    split: Split | None = None
    model: str = ""
    labels: tuple[str, ...] = ()
    known_sets: Mapping[str, LabelSet] = field(default_factory=dict)
    """The label sets of the store by name."""
