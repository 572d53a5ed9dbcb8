"""What the answer's text, the head and the gold label say of an item, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamlit_app.wording import say, words

FORM_WORDS = words("answer_form")
"""How each way in which an answer gives its label is called on screen."""


def origin_words(
    origin: str | None, conflicting: bool, num_agreeing: int, num_reviewers: int
) -> str:
    """Return where a label of record comes from; a consensus with the number of its reviewers.

    Args:
        conflicting: Whether reviewers differ, so that the imported label still counts.
        num_agreeing: How many of the reviewers gave the label that was given most often.
    """
    numbers = {"agreeing": num_agreeing, "reviewers": num_reviewers}
    if conflicting:
        return say("gold_origin.conflicting" if num_agreeing > 1 else "gold_origin.none", **numbers)
    if origin == "agreed" and num_reviewers == 1:
        return say("gold_origin.one_reviewer")
    return say(f"gold_origin.{origin}", **numbers) if origin else ""


@dataclass(frozen=True)
class Verdict:
    """One sentence on who agrees with whom."""

    kind: Literal["success", "warning", "info"]
    text: str


def judge(text: str | None, head: str | None, gold: str | None, *, has_answer: bool) -> Verdict:
    """Describe in one sentence where text label, head label and gold label differ.

    Args:
        text: Label read from the answer, None where none could be read.
        head: Label of the ECI head, None for a run without a head.
        gold: Label of record, None for an item without one.
        has_answer: Whether there is an answer at all.
    """
    if not has_answer and head is None:
        return Verdict("info", say("verdict_card.no_prediction"))
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
        return Verdict("warning", say("verdict_card.head_wrong"))
    if gold is None and has_answer and head is not None and text != head:
        return Verdict("warning", say("verdict_card.differ_without_gold"))
    if gold is None:
        return Verdict("info", say("verdict_card.no_gold_label"))
    return Verdict(
        "success", say("verdict_card.all_agree" if has_answer and head else "verdict_card.agrees")
    )


def _both_wrong(text: str | None, head: str | None) -> str:
    if text is None:
        return say("verdict_card.no_label_head_wrong")
    if text == head:
        return say("verdict_card.both_wrong_alike")
    return say("verdict_card.all_differ")


def _text_wrong(text: str | None, head: str | None) -> str:
    if text is None:
        return say("verdict_card.no_label_read")
    return say("verdict_card.text_against_both" if head else "verdict_card.text_wrong")
