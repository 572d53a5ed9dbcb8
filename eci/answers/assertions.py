"""Judging what each mention of a label does: assert it, deny it, or name it in passing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from eci.answers.languages import CONTRASTS, Language
from eci.answers.lists import (
    ends_clause,
    ends_line,
    find_discussed,
    group_mentions,
    is_field,
    is_last_line,
    is_set_apart,
    numbers_a_line,
    split_echoes,
    starts_line,
)
from eci.answers.mentions import CONTINUATIONS, Mention, find_mentions
from eci.answers.slots import HEADING, Slot, find_slot, lead_in
from eci.answers.text import REACH, Folded, word_set
from eci.answers.vocabulary import Aliases
from eci.questions.labels import LabelSet

Rank = Literal["denied", "passing", "loose", "stated", "announced", "concluded", "final"]

_EXCLUDING: Final = re.compile(r"\b(?:not|nor|than|instead of)\b(?!.*\bbut\b)")
_DECORATION: Final = re.compile(r"(?:[\s*_.!,;()\[\]{}\"'`|\\$>#~\-✓✔✅]|</\w{1,12}>)*")
_GAP: Final = r"[\s*_)\]\"'`|,]{0,6}"
_BE: Final = (
    r"(?:is|are|was|would be|seems|appears(?: to be)?|must be|should be|remains|looks|has to be)"
)
_ADVERB: Final = (
    r"(?:(?:therefore|thus|clearly|also|indeed|likely|probably|definitely|most likely|then|hence"
    r"|certainly|still|actually)\s)?"
)
_DENIED: Final = re.compile(
    rf"{_GAP}(?:{_BE}\s{_ADVERB}(?:(?:not|never|rarely|seldom)\s(?:\w{{1,12}}\s){{0,2}}?(?:correct|right|true|answer|choice"
    r"|option|appropriate|supported|likely|indicated|best|valid)|incorrect|wrong|false|unlikely"
    r"|less likely|(?:the )?least|ruled out|excluded|eliminated|inappropriate|the wrong"
    r"|dismissed|rejected|discarded|implausible|considered,? but)"
    r"|(?:isn't|wasn't|cannot be|can't be)\s(?:the\s)?(?:\w{1,12}\s)?(?:correct|right|true|answer"
    r"|choice|option)|can be (?:ruled out|excluded|eliminated)"
    r"|(?:[:=|-]\s?|(?<=\) ))(?:incorrect|wrong|(?:false|no)(?=[\s*_|]*(?:[.,;\n]|\Z))))"
)
_AFFIRMED: Final = re.compile(
    rf"{_GAP}(?:{_BE}\s{_ADVERB}(?:(?:the|my|our)\s(?:\w{{1,12}}\s){{0,3}}(?:answer|choice|option)\b"
    r"|(?:the\s)?(?:correct|right)\b)|(?:is left|remains)(?=[\s*_]*(?:[.,;\n]|\Z))"
    r"|(?:[:=|-]\s?|(?<=\) ))(?:correct\b|(?:right|true|yes)(?=[\s*_|]*(?:[.,;\n]|\Z))))"
)
_TRUE: Final = re.compile(rf"{_GAP}{_BE}\s{_ADVERB}true\b")
"""Of several statements each may be; of one right option it is said of others too."""
_TICKED: Final = re.compile(r"[\s*_)\]\"'`|:-]{0,6}(?:(?P<denied>[✗✘❌✖])|[✓✔✅☑])")
_SCORED: Final = re.compile(r"[\s*_)\]\"'`|]{0,6}[:=|-]\s{0,3}~?\d{1,3}(?:[.,]\d+)?\s?%")
_FAVOURED: Final = re.compile(
    rf"{_GAP}(?:{_BE}\s{_ADVERB}(?:the\s)?(?:most (?:likely|appropriate|accurate|plausible)|best)"
    r"|(?:best )?fits(?: best)?|makes (?:the most )?sense)\b"
)
_CHOOSING: Final = re.compile(
    r"[\s*_]*(?:(?:of|among|from) (?:these|those|them|the)[ \w]{0,30},|only)[\s*_(]*"
)
"""What begins a choice between options: "Of these, C fits best"."""
_INTERJECTION: Final = re.compile(r"[\s,.!-]{1,3}(?:wait|sorry|scratch that|hold on|i mean)\b")
_CONDITION_AFTER: Final = re.compile(
    r"[\s*_)\]\"'`]{0,4},? ?(?:only )?(?:if|unless|provided|assuming)\b"
)
_QUESTION_AFTER: Final = re.compile(r"[^.!?\n]{0,120}\?")
_FOLLOWING: Final = re.compile(r"[*_\"'`)\]]{0,4}[ \t]{1,8}(\d|[^\W\d_]+)")
_VERBS: Final = word_set("is was are would could can may might has does also acts")
_REASONS: Final = word_set("""
    according although as based because but due for given however since so therefore thus which
""")
_FIELD_LENGTH: Final = 40
_SENTENCE_END: Final = re.compile(r"[.\n]")
_CONTRAST: Final = re.compile(rf"{CONTRASTS}|it is")
_BUT: Final = re.compile(r"\b(?:but|however)\b|;")
_REFUSING: Final = (
    "cannot",
    "can't",
    "can not",
    "able to",
    "won't",
    "will not",
    "decline",
    "refuse",
    "don't",
    "do not",
)
_REFUSAL: Final = re.compile(
    r"\b(?:i|we)(?:'m| am| are)?(?: sorry,?)?(?: but)?(?: i)? ?(?:really |simply |still )?"
    r"(?:can(?:not|'t| not)|unable to|not able to|won't|will not|decline|refuse|(?:don't|do not)\s"
    r"(?:know|have))\b[^.!?\n]{0,40}?\b(?:answer|determine|provide|give|choose|select|say|assist|help"
    r"|decide|tell|know|make|offer|enough|information)\b"
)


class Assertion(NamedTuple):
    """What one place in an answer says about one or, where it takes several sides, more labels.

    Attributes:
        labels: The labels, in the order of the text.
        start: First character in the folded text.
        end: Past the last character.
        rank: ``denied``, ``passing``, or how firmly it is asserted.
        sentence_start: Where its sentence begins.
        is_lead: The answer starts with it.
        is_all: Nothing else is in the answer.
        is_inferred: Its letter is assumed to be the label, by the order of the label set.
    """

    labels: tuple[str, ...]
    start: int
    end: int
    rank: Rank
    sentence_start: int
    is_lead: bool = False
    is_all: bool = False
    is_inferred: bool = False


def find_assertions(
    answer: Folded, label_set: LabelSet, aliases: Aliases, languages: tuple[Language, ...]
) -> list[Assertion]:
    """Find, in order, what an answer asserts, denies and names in passing; echoes are left out."""
    named = find_mentions(answer, label_set, aliases, languages)
    mentions, echoes = split_echoes(answer, named, label_set)
    discussed = find_discussed(answer, mentions, label_set)
    scored = {one for one in mentions if _SCORED.match(answer.lower, one.end)}
    if len({one.label for one in scored}) > 1:
        # How likely each is says nothing yet of what the answer takes.
        discussed |= scored
    may_refuse = any(word in answer.lower for word in _REFUSING)
    judge = _Judge(answer, label_set, languages, may_refuse)
    found: list[Assertion] = []
    if echoes and is_field(answer, echoes[0]):
        judge.lead_from = echoes[0][-1].end
    for group in group_mentions(answer, mentions):
        if not is_field(answer, group):
            found.extend(judge.assertions(group, group[0] in discussed))
        elif judge.lead_in(group[0]) is not None:
            judge.lead_from = group[-1].end
    return found


@dataclass(slots=True)
class _Judge:
    """Says what each group of mentions of one answer does.

    Attributes:
        answer: The answer, folded.
        label_set: Its labels.
        languages: Those that it may be in.
        may_refuse: A word that a refusal needs is in the answer; saves a search for each mention.
        lead_from: Where the answer begins, past a field such as "Yes/No:".
    """

    answer: Folded
    label_set: LabelSet
    languages: tuple[Language, ...]
    may_refuse: bool
    lead_from: int = 0

    def lead_in(self, first: Mention) -> bool | None:
        """Classify what precedes a mention; see ``slots.lead_in``."""
        return lead_in(self.answer, self.lead_from, first.start, self.label_set, self.languages)

    def assertions(self, group: list[Mention], is_discussed: bool) -> Iterator[Assertion]:
        """Yield what a group of mentions asserts and denies, at most one of each."""
        first, last = group[0], group[-1]
        # A label that heads its own paragraph has no words before it, so none need be read.
        slot = (
            HEADING._replace(sentence_start=first.start)
            if is_discussed
            else find_slot(self.answer, first.start, self.languages)
        )
        turn = self._turn(group, slot)
        if turn:
            yield from self.assertions(group[:turn], is_discussed)
            yield from self.assertions(group[turn:], is_discussed)
            return
        if self._is_void(group, slot):
            return
        lead = None if is_discussed else self._lead(group, slot)
        if lead is not None:
            rank: Rank | None = self._lead_rank(group, slot)
        else:
            rank = self._rank(group, slot, is_discussed)
        if rank is None:
            return
        kept, denied = _split_denied(self.answer, group, slot)
        if denied and (rank != "passing" or slot.is_negated):
            yield _assertion(denied, "denied", slot)
        takes_sides = rank == "passing" and len({mention.label for mention in kept}) > 1
        kept = [] if rank == "passing" and _is_inferred(kept) else kept
        if kept and not takes_sides:
            is_all = lead is True and len(group) == 1
            is_all = is_all and _DECORATION.fullmatch(self.answer.text, last.end) is not None
            yield _assertion(kept, rank, slot, lead is not None, is_all)

    def _turn(self, group: list[Mention], slot: Slot) -> int:
        """Return where "some say A, but B is right" turns to another label; 0 without a turn."""
        gaps = [self.answer.lower[one.end : other.start] for one, other in pairwise(group)]
        turns = [place for place, gap in enumerate(gaps, 1) if _CONTRAST.search(gap)]
        is_denial = slot.is_negated or any(_EXCLUDING.search(gap) for gap in gaps)
        return turns[0] if turns and not is_denial else 0

    def _is_void(self, group: list[Mention], slot: Slot) -> bool:
        """Recognise what only looks like a label: list numbers, interjections, questions."""
        first, last = group[0], group[-1]
        if first.is_synonym and not ends_clause(self.answer, last):
            return True
        if _is_weak(group) and numbers_a_line(self.answer, first):
            return True
        if _is_interjection(self.answer, group, slot):
            return True
        if slot.rank != "final" and _is_inferred(group) and self._is_subject(group, slot):
            return True
        return not slot.rank and _QUESTION_AFTER.match(self.answer.lower, last.end) is not None

    def _is_subject(self, group: list[Mention], slot: Slot) -> bool:
        """Recognise "A is better than B", whose letters name two drugs or groups of patients."""
        lower, end = self.answer.lower, group[-1].end
        following = _FOLLOWING.match(lower, end)
        if following is None or following[1] in _REASONS:
            return False
        tails = tuple(tail for language in self.languages for tail in language.tails)
        is_tail = lower.startswith(tails, following.start(1))
        return not is_tail and self._verdict(group, slot) != "stated"

    def _lead(self, group: list[Mention], slot: Slot) -> bool | None:
        """Return what ``lead_in`` says if the group leads the answer, else None."""
        first, last = group[0], group[-1]
        lead = self.lead_in(first)
        if lead is None or self._refuses(first, slot) or self._verdict(group, slot) == "denied":
            return None
        if not self._can_lead(first, last):
            return None
        is_whole = len(group) == 1 or self.label_set.is_several
        return lead if is_whole or ends_clause(self.answer, last) else None

    def _lead_rank(self, group: list[Mention], slot: Slot) -> Rank:
        """Rank a lead; "Option A is a true statement" may open a discussion and is a weak one."""
        if slot.rank == "final":
            return "final"
        following = _FOLLOWING.match(self.answer.lower, group[-1].end)
        begins_sentence = following is not None and following[1] in _VERBS
        weak = begins_sentence and not slot.rank and self._verdict(group, slot) != "stated"
        return "loose" if weak and group[0].kind != "word" else "stated"

    def _can_lead(self, first: Mention, last: Mention) -> bool:
        """Return a category in a place of its own from a letter or text that begins a phrase."""
        if first.kind == "word" or (first.is_strong and first.kind == "symbol"):
            return True
        if last is not first and last.kind == "symbol":
            return True
        lower = self.answer.lower
        following = _FOLLOWING.match(lower, last.end)
        if following is None:
            return True
        if lower[first.start : first.end] == "i":
            return False
        tails = tuple(tail for language in self.languages for tail in language.tails)
        if lower.startswith(tails, following.start(1)):
            return True
        if following[1] in CONTINUATIONS or _FAVOURED.match(lower, last.end):
            return True
        return _AFFIRMED.match(lower, last.end) is not None

    def _verdict(self, group: list[Mention], slot: Slot) -> Rank | None:
        """Read the words after the group: "is correct", "is the best answer", "is wrong"."""
        lower, end = self.answer.lower, group[-1].end
        if ticked := _TICKED.match(lower, end):
            return "denied" if ticked["denied"] else "stated"
        for language in self.languages:
            if language.verdict and (match := language.verdict.match(lower, end)):
                if match["denied"]:
                    return "denied"
                return None if slot.is_conditional or slot.is_negated else "stated"
        # "only C remains"; "A is true, B is false"
        before = ("only ", ", ", "; ") if self.label_set.is_several else ("only ",)
        begins = slot.starts_sentence or lower.endswith(before, 0, group[0].start)
        if _is_weak(group) and not (begins or slot.rank):
            return None
        if _DENIED.match(lower, end):
            return "denied"
        is_true = self.label_set.is_several and _TRUE.match(lower, end) is not None
        is_firm = not slot.is_conditional and not slot.is_negated
        return "stated" if is_firm and (is_true or _AFFIRMED.match(lower, end)) else None

    def _rank(self, group: list[Mention], slot: Slot, is_discussed: bool) -> Rank | None:
        """Rank a group that does not lead the answer."""
        answer, first, last = self.answer, group[0], group[-1]
        verdict = self._verdict(group, slot)
        if verdict:
            return verdict
        if self._refuses(first, slot):
            return None
        fits = not _is_weak(group) or self._can_lead(first, last)
        if fits and not slot.rank and self._chooses_instead(group, slot):
            return "stated"
        if is_discussed or not fits:
            return "passing" if _is_embedded(answer, group) and not first.is_synonym else None
        if slot.rank:
            unsure = slot.is_hedged or slot.is_conditional or self._asks(last, slot)
            return "passing" if unsure and not first.is_synonym else None if unsure else slot.rank
        if first.is_synonym:
            return None
        if self._fills_field(first, last):
            return "stated"
        if starts_line(answer, first) and ends_line(answer, last):
            return "concluded" if is_last_line(answer, last) else "stated"
        before = self.answer.lower[slot.sentence_start : first.start]
        begins = slot.starts_sentence or _CHOOSING.fullmatch(before) is not None
        if begins and self._opens_sentence(group, slot):
            return "loose"
        return "passing" if _is_embedded(answer, group) else None

    def _chooses_instead(self, group: list[Mention], slot: Slot) -> bool:
        """Recognise "not A but B", all together or with the label refused just before."""
        lower = self.answer.lower
        if slot.is_negated and len(group) > 1:
            return _CONTRAST.search(lower, group[0].end, group[-1].start) is not None
        before = lower[max(0, group[0].start - REACH) : group[0].start].rstrip(' ,*("')
        instead = tuple(word for language in self.languages for word in language["insteads"])
        return bool(instead) and before.endswith(instead)

    def _fills_field(self, first: Mention, last: Mention) -> bool:
        """Recognise an answer that is a field and its label, in any language: "Ergebnis: T1"."""
        head = self.answer.text[: min(first.start, _FIELD_LENGTH + 1)].rstrip(" *_\"'`(")
        is_short = first.start <= _FIELD_LENGTH and head.endswith(":") and "\n" not in head
        return is_short and not first.marker and is_last_line(self.answer, last)

    def _opens_sentence(self, group: list[Mention], slot: Slot) -> bool:
        """Recognise "No, ...", "However, no.", "B is the most likely" as a sentence start."""
        first, last = group[0], group[-1]
        firm = not slot.is_negated and not slot.is_conditional
        if firm and _FAVOURED.match(self.answer.lower, last.end):
            return True
        if not starts_line(self.answer, first):
            return first.kind == "word" or ends_clause(self.answer, last)
        return first.kind == "word" and is_set_apart(self.answer, group)

    def _asks(self, last: Mention, slot: Slot) -> bool:
        """Recognise a condition or a question mark after the group."""
        if _CONDITION_AFTER.match(self.answer.lower, last.end):
            return True
        return slot.rank != "final" and bool(_QUESTION_AFTER.match(self.answer.lower, last.end))

    def _refuses(self, mention: Mention, slot: Slot) -> bool:
        """Return whether the sentence of a mention refuses to answer, with no "but" in between."""
        if not self.may_refuse:
            return False
        lower = self.answer.lower
        refusal = _REFUSAL.search(lower, slot.sentence_start, mention.end + REACH)
        if refusal is None or _SENTENCE_END.search(lower, mention.end, refusal.start()):
            return False
        return not _BUT.search(lower, refusal.end(), mention.start)


def _is_weak(group: list[Mention]) -> bool:
    """Return whether a group is lone letters, which may be no labels at all."""
    return group[0].kind == "symbol" and not any(mention.is_strong for mention in group)


def _assertion(
    mentions: list[Mention], rank: Rank, slot: Slot, is_lead: bool = False, is_all: bool = False
) -> Assertion:
    labels = [name for one in mentions for name in (one.label, one.mismatch) if name is not None]
    return Assertion(
        tuple(dict.fromkeys(labels)),
        mentions[0].start,
        mentions[-1].end,
        rank,
        slot.sentence_start,
        is_lead,
        is_all,
        _is_inferred(mentions),
    )


def _is_inferred(mentions: list[Mention]) -> bool:
    """Return whether assumed letters alone name the label."""
    return all(mention.marker and not mention.is_merged for mention in mentions)


def _split_denied(
    answer: Folded, group: list[Mention], slot: Slot
) -> tuple[list[Mention], list[Mention]]:
    """Separate the labels that a group asserts from those it denies: "not A but B", "yes, not
    no"."""
    kept: list[Mention] = []
    denied: list[Mention] = []
    negated = slot.is_negated
    end = group[0].start
    for mention in group:
        gap = answer.lower[end : mention.start]
        if _EXCLUDING.search(gap):
            negated = True
        elif _CONTRAST.search(gap):
            negated = False
        (denied if negated else kept).append(mention)
        end = mention.end
    return kept, denied


def _is_interjection(answer: Folded, group: list[Mention], slot: Slot) -> bool:
    """Recognise the "no" of "Wait, no, ..." and "No, wait, ..."."""
    if len(group) > 1 or answer.lower[group[0].start : group[0].end] != "no":
        return False
    return slot.after_interjection or bool(_INTERJECTION.match(answer.lower, group[0].end))


def _is_embedded(answer: Folded, group: list[Mention]) -> bool:
    """Return whether a mention in prose names the category at all."""
    first = group[0]
    if any(mention.is_strong for mention in group):
        return True
    phrase = answer.lower[first.start : first.end]
    if first.kind == "word":
        return phrase == "yes" or is_set_apart(answer, group)
    has_body = len(phrase) >= 3 or not (phrase.isalpha() or phrase.isdigit())
    return first.kind == "text" and has_body and not phrase.isdigit()
