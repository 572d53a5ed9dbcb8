"""Which key picks which label."""

from __future__ import annotations

from collections.abc import Sequence

COMMAND_KEYS = frozenset("fsutvw")
"""Letters that mean flag, skip, undo, note (type), verdict (say more) and answer (write)."""


def label_keys(labels: Sequence[str]) -> dict[str, int]:
    """Return the keys of an item's labels, each with the label's place from 0.

    Digits always work, up to nine. A label's first letter works where no other label and no
    command has it; beyond nine labels a command's letter works with Shift, as a capital.
    """
    digits = {str(place + 1): place for place in range(min(len(labels), 9))}
    initials = [label[:1].lower() for label in labels]
    letters = {
        initial.upper() if initial in COMMAND_KEYS else initial: place
        for place, initial in enumerate(initials)
        if initial.isascii()
        and initial.isalpha()
        and (initial not in COMMAND_KEYS or place >= len(digits))
        and initials.count(initial) == 1
    }
    return digits | letters
