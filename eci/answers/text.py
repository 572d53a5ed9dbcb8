"""Preparing an answer for reading: character folding with offsets, reasoning traces, sentences."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Final

_PUNCTUATION: Final = {
    **dict.fromkeys("“”„‟«»", '"'),
    **dict.fromkeys("‘’‚‛‹›´", "'"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("\u2028\u2029\x85\x0b\x0c", "\n"),
    **dict.fromkeys("「」『』", '"'),
    **{"。": ".", "、": ",", "【": "[", "】": "]", "〔": "[", "〕": "]"},
    "İ": "I",  # the one character whose lower case is two characters
}

_FULL_STOPS: Final = frozenset("。！？")
_KATAKANA: Final = re.compile(r"[\u30a1-\u30fa\u30fc-\u30fe]")
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0e7f\u3041-\u309f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
"""Scripts whose words are not separated from what follows: Thai, kana, Chinese, Korean."""

_TRACE_MARK: Final = re.compile(
    r"<\s{0,2}(?P<close>/?)\s{0,2}"
    r"(?:think|thinking|thoughts?|reasoning|reflection|scratchpad)\s{0,2}>"
    r"|\[(?P<close2>/?)THINK\]"
    r"|◁(?P<close3>/?)think▷"
    r"|<\|channel\|>(?:analysis|(?P<final>final))(?:<\|message\|>)?",
    re.IGNORECASE,
)
_TURN_START: Final = re.compile(r"\s*(?:<\|im_start\|>|<\|start_header_id\|>)\w{0,20}\s?")
_TURN_END: Final = re.compile(
    r"<\|(?:im_end|eot_id|end_of_text|endoftext|end|return)\|>|</s>|<end_of_turn>|<eos>"
)
REACH: Final = 320
"""Characters that are read on each side of a mention; more would cost, and add nothing."""

_SENTENCE_END: Final = re.compile(r"\n|[.!?][\"')\]*_]{0,4}\s+(?=[^a-z\s])")


def is_joined(text: str, position: int) -> bool:
    """Return whether a word or number goes on at ``position``, in a script that divides words."""
    before, after = text[position - 1 : position], text[position : position + 1]
    if not (position and before.isalnum() and after.isalnum()):
        return False
    return not (_UNSPACED.match(before) or _UNSPACED.match(after))


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set; keeps long vocabularies readable."""
    return frozenset(text.split())


@dataclass(frozen=True)
class AnswerPart:
    """Where the answer proper is in a text, and whether a reasoning trace was left open.

    Attributes:
        start: First character of the answer: after the last closing mark of a reasoning trace, or,
            where a trace was never closed, the start of that trace.
        end: Where the model ended its turn, or the end of the text.
        is_finished: False where a trace was opened and never closed.
        trace_start: Where the last trace that was closed begins; equals ``start`` without one.
    """

    start: int
    end: int
    is_finished: bool
    trace_start: int


def find_answer_part(text: str) -> AnswerPart:
    """Separate the answer from the reasoning traces before it.

    A closing mark without an opening one counts: some templates put the opening into the prompt.
    """
    if not any(mark in text for mark in "<[◁"):
        return AnswerPart(0, len(text), True, 0)
    opened: int | None = None
    start = trace_start = 0
    for mark in _TRACE_MARK.finditer(text):
        if mark["close"] or mark["close2"] or mark["close3"] or mark["final"]:
            trace_start = start if opened is None else opened
            start, opened = mark.end(), None
        elif opened is None:
            opened = mark.end()
    if opened is not None:
        return AnswerPart(opened, len(text), False, opened)
    if head := _TURN_START.match(text, start):
        start = head.end()
    tail = _TURN_END.search(text, start)
    return AnswerPart(start, tail.start() if tail else len(text), True, min(trace_start, start))


@dataclass(frozen=True)
class Folded:
    """A text in plain characters, with the way back to the original.

    Quotes, dashes, full-width and styled letters become plain ones, zero-width characters go, and a
    letter followed by a combining accent becomes one character. A space separates Chinese, Japanese
    and the like from other letters and digits: ``答案是B`` becomes ``答案是 B``.

    Attributes:
        text: The folded text.
        offsets: ``offsets[k]`` is the original position of character k, with one more entry for the
            end; None where positions are the same.
    """

    text: str
    offsets: list[int] | None

    @cached_property
    def lower(self) -> str:
        """Return the folded text in lower case; the same length, so positions agree."""
        return self.text.lower()

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original text that ``text[start:end]`` came from."""
        if self.offsets is None:
            return start, end
        if end <= start:
            return self.offsets[start], self.offsets[start]
        return self.offsets[start], self.offsets[end - 1] + 1

    def sentence_start(self, position: int) -> int:
        """Return where the sentence or line of ``position`` begins, ``REACH`` back at most."""
        start = max(0, position - REACH)
        for match in _SENTENCE_END.finditer(self.text, start, position + 1):
            if match.end() <= position:
                start = match.end()
        return start


def fold(text: str) -> Folded:
    """Normalise a text to plain characters.

    Example:
        >>> fold("“Ｙｅ\u200bs”").text
        '"Yes"'
    """
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    if text.isascii() and "\x0b" not in text and "\x0c" not in text:
        return Folded(text, None)
    table: dict[int, str] = {}
    dropped: set[str] = set()
    combining = unspaced = False
    for character in set(text):
        category = unicodedata.category(character)
        if category == "Cf" or "\ufe00" <= character <= "\ufe0f":
            dropped.add(character)
        elif category == "Mn":
            combining = True
        else:
            unspaced = unspaced or _UNSPACED.match(character) is not None
            plain = _PUNCTUATION.get(character) or unicodedata.normalize("NFKC", character)
            # The next step expects one character for one; anything else stays as it is.
            if plain != character and len(plain) == 1:
                table[ord(character)] = plain
    plain_text = text.translate(table)
    if dropped or combining or unspaced:
        return _rebuild(text, plain_text, dropped)
    return Folded(plain_text, None)


def _rebuild(text: str, plain: str, dropped: set[str]) -> Folded:
    """Remove zero-width characters, join combining accents to their letters, separate scripts."""
    kept: list[str] = []
    offsets: list[int] = []
    last = ""
    for position, character in enumerate(plain):
        if character in dropped:
            continue
        if kept and unicodedata.combining(character):
            joined = unicodedata.normalize("NFC", kept[-1] + character)
            if len(joined) == 1 and joined != "İ":
                kept[-1] = joined
                continue
        script = _script(character)
        if {last, script} in ({"unspaced", "katakana"}, {"unspaced", "other"}):
            kept.append(" ")
            offsets.append(position)
        last = script
        kept.append(character)
        offsets.append(position)
        if text[position] in _FULL_STOPS and not plain[position + 1 : position + 2].isspace():
            kept.append(" ")
            offsets.append(position)
    offsets.append(len(text))
    return Folded("".join(kept), offsets)


def _script(character: str) -> str:
    if _UNSPACED.match(character):
        return "unspaced"
    if _KATAKANA.match(character):
        return "katakana"
    return "other" if character.isalnum() else ""
