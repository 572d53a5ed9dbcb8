"""The least time in which what is on screen can have been read."""

from __future__ import annotations

from db.records import Item, Phase, Prediction


def floor_seconds(
    item: Item, prediction: Prediction | None, phase: Phase, words_per_minute: int
) -> float:
    """Return the seconds that reading takes at a speed: a save sooner than that was not read.

    Before the reveal only the item counts, after it only the answer, which is what is new then.
    """
    num_words = 0
    if phase != "revealed":
        num_words += _count(item.question)
        num_words += sum(_count(part.text) for part in item.context)
        num_words += sum(_count(option.text) for option in item.options)
    if phase != "blind" and prediction is not None:
        num_words += _count(prediction.answer or "")
    return 60 * num_words / words_per_minute


def _count(text: str) -> int:
    return len(text.split())
