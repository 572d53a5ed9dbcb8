"""Which key picks which label."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Final

_DIGITS: Final = "1234567890"


def label_keys(labels: Sequence[str], chosen: Sequence[str] = ()) -> dict[str, int]:
    """Return the keys of an item's labels, each with the label's place from 0.

    The digits pick the first ten, the tenth with 0; where labels are digits themselves, each has
    its own. A label's first letter works where no other label begins with it. A label without any
    key takes the first free letter. Labels win over commands, which take Shift then.

    Args:
        labels: The item's labels in order.
        chosen: The key that their label set gives each, empty for none; it replaces the others.
    """
    given = {key.lower(): place for place, key in enumerate(chosen) if key}
    own = {label: place for place, label in enumerate(labels) if label in set(_DIGITS)}
    digits = own or dict(zip(_DIGITS, range(len(labels)), strict=False))
    initials = [label[:1].lower() for label in labels]
    letters = {
        initial: place
        for place, initial in enumerate(initials)
        if len(initial) == 1 and initial.isalpha() and initials.count(initial) == 1
    }
    rest = {key: at for key, at in (digits | letters).items() if at not in given.values()}
    keys = rest | given
    free = iter(letter for letter in string.ascii_lowercase if letter not in keys)
    keyless = [place for place in range(len(labels)) if place not in keys.values()]
    return keys | dict(zip(free, keyless, strict=False))


def keys_of(labels: Sequence[str], chosen: Sequence[str] = ()) -> list[list[str]]:
    """Return the keys of each label, in the order of the labels."""
    keys = label_keys(labels, chosen)
    return [[key for key, at in keys.items() if at == place] for place in range(len(labels))]
