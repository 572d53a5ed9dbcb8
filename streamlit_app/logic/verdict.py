"""What the answer's text, the head and the gold label say of an item, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FORM_WORDS = {
    "bare": "a bare label",
    "leading": "at the start",
    "stated": "stated as the answer",
    "embedded": "inside a sentence",
    "contradictory": "contradictory",
    "absent": "no label",
}
"""How each way in which an answer gives its label is called on screen."""


@dataclass(frozen=True)
class Verdict:
    """One sentence on who agrees with whom."""

    kind: Literal["success", "warning", "info"]
    text: str


def judge(text: str | None, head: str | None, gold: str | None, *, has_answer: bool) -> Verdict:
    """Say in one sentence where text label, head label and gold label differ.

    Args:
        text: Label read from the answer, None where none could be read.
        head: Label of the ECI head, None for a run without a head.
        gold: Label of record, None for an item without one.
        has_answer: Whether there is an answer at all.
    """
    if not has_answer and head is None:
        return Verdict("info", "This run has no prediction for this item.")
    wrong = [
        name
        for name, label in (("text", text if has_answer else gold), ("head", head or gold))
        if gold is not None and label != gold
    ]
    if wrong == ["text", "head"]:
        return Verdict("warning", _both_wrong(text, head))
    if wrong == ["text"]:
        return Verdict("warning", _text_wrong(text, head))
    if wrong == ["head"]:
        return Verdict("warning", "The head contradicts the gold label.")
    if gold is None and has_answer and head is not None and text != head:
        return Verdict("warning", "Text and head differ. There is no gold label.")
    if gold is None:
        return Verdict("info", "There is no gold label for this item.")
    return Verdict(
        "success", "All agree." if has_answer and head else "Agrees with the gold label."
    )


def _both_wrong(text: str | None, head: str | None) -> str:
    if text is None:
        return "No label can be read from the text, and the head contradicts the gold label."
    if text == head:
        return "Text and head agree with each other but contradict the gold label."
    return "Text, head and gold label all differ."


def _text_wrong(text: str | None, head: str | None) -> str:
    if text is None:
        return "No label can be read from the answer's text."
    return "The text contradicts the gold label" + (" and the head." if head else ".")
