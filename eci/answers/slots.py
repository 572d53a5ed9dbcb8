"""What precedes a mention of a label and makes it an answer, a denial or a guess."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from eci.answers.languages import ENGLISH, Language
from eci.answers.text import Folded, word_set
from eci.questions.labels import LabelSet

_BOXES: Final = word_set(r"\boxed \fbox")
_CORRECTIONS: Final = word_set("wait correction sorry oops")
_TURNS: Final = word_set("but so ; therefore thus hence")
_OPENERS: Final = word_set("""
    based given considering from according after so thus hence therefore in to overall for
    as since because taking with by
""")
_OTHERS: Final = word_set("many some most others people students you one they might may could")
"""Words of what an answer does not choose itself: "Many would choose A"."""
_EXCLUSIONS: Final = (
    *(["instead", "of"], ["rule", "out"], ["ruled", "out"], ["ruling", "out"]),
    *(["anything", "but"], ["everything", "but"], ["all", "but"], ["any", "but"]),
)
_NECESSITY: Final = word_set("it must has to can")
_INTERJECTIONS: Final = word_set("""
    sure certainly okay ok well so hmm um oh right great absolutely of course thus therefore
    hence overall probably likely definitely ! in short summary brief
""")
_THINKING: Final = re.compile(
    r"\b(?:don't|do not|didn't|wouldn't|would not|cannot|can't) "
    r"(?:think|believe|say|choose|select|pick|conclude|mean)\b"
)

_NUMBERED: Final = re.compile(r"(?<![\w.])(?:\d{1,2}|i{1,3}|iv|v)[.)][\s*_]{0,3}\Z")
_NUMBER_LENGTH: Final = 9

Announcement = Literal["loose", "announced", "concluded", "final"]


class Slot(NamedTuple):
    """How the words before a mention present it.

    Attributes:
        rank: How firmly they announce an answer; None where they do not.
        sentence_start: Where the sentence begins, or the line that leads in to the next.
        is_negated: They deny what follows.
        is_hedged: They offer it as a possibility: "could be", "possibly".
        is_conditional: The sentence is a condition: "if ..., ".
        starts_sentence: Only connectives precede it, or follow the last "but" or "so".
        after_interjection: "Wait," or "Oh," comes right before it.
    """

    rank: Announcement | None
    sentence_start: int
    is_negated: bool
    is_hedged: bool
    is_conditional: bool
    starts_sentence: bool
    after_interjection: bool


HEADING: Final = Slot(
    rank=None,
    sentence_start=0,
    is_negated=False,
    is_hedged=False,
    is_conditional=False,
    starts_sentence=True,
    after_interjection=False,
)
"""The slot of a mention with nothing before it."""


def lead_in(
    answer: Folded, start: int, end: int, label_set: LabelSet, languages: tuple[Language, ...]
) -> bool | None:
    """Classify what precedes the first mention.

    Returns:
        None where the answer does not start with the mention; else True where only markup and a
        field name such as "Answer:" come before it, and False where a word of courtesy does.
    """
    end = max(start, _before_number(answer, end))
    if end - start > 120:
        return None
    leads = [_leads(answer, start, end, label_set, language) for language in languages]
    return max((lead for lead in leads if lead is not None), default=None)


def _leads(
    answer: Folded, start: int, end: int, label_set: LabelSet, language: Language
) -> bool | None:
    tokens = language.token.findall(answer.lower, start, end)
    nouns, fields = language["nouns"], language["fields"]
    others = {
        token
        for token in tokens
        if token not in nouns and token not in fields and not token.isdigit() and token[0] != "<"
    }
    # "Q: ... A: yes" is a field too, unless A is itself a label.
    if "a" in others and not any(name in {"A", "a"} for name in label_set.names):
        others.remove("a")
    courtesies = _INTERJECTIONS if language.code == "en" else language["connectives"]
    if others - courtesies or any(token.isdigit() and len(token) > 2 for token in tokens):
        return None
    return not others


def _before_number(answer: Folded, start: int) -> int:
    """Return where a number of the prompt begins before a label, as in "2) no", else ``start``."""
    number = _NUMBERED.search(answer.lower, max(0, start - _NUMBER_LENGTH), start)
    return number.start() if number else start


def find_slot(answer: Folded, start: int, languages: tuple[Language, ...]) -> Slot:
    """Read the sentence before the mention that begins at ``start``, in each language."""
    start = _before_number(answer, start)
    begin = _sentence_start(answer, start, languages)
    slots = [_slot(answer, begin, start, language) for language in languages]
    for slot in slots:
        if slot.rank or slot.is_negated:
            return slot
    return slots[0]._replace(
        is_conditional=any(slot.is_conditional for slot in slots),
        starts_sentence=any(slot.starts_sentence for slot in slots),
    )


def _slot(answer: Folded, begin: int, start: int, language: Language) -> Slot:
    tokens = language.token.findall(answer.lower, begin, start)
    links, negations, fillers = language["links"], language["negations"], language["fillers"]
    place = len(tokens) - 1
    negated = hedged = False
    while place >= 0 and tokens[place] not in links:
        token = tokens[place]
        denies, guesses = token in negations, token in language["guesses"]
        # "The best step is to (B) drain it", but "I change my answer to B".
        fills = token in fillers or (token in {"to"} and tokens[place - 1] in links)
        if not (denies or guesses or fills or _is_style(token, language)):
            break
        negated, hedged = negated or denies, hedged or guesses
        place -= 1
    if place >= 0 and (tokens[place] in links or _is_tag(tokens[place], language)):
        before = tokens[max(0, place - 2) : place + 1]
        negated = negated or any(token in negations for token in before)
        is_only = "only" in before  # "It can only be B"
        hedged = hedged or any(token in language["modals"] and not is_only for token in before)
        # "Maybe the answer is B."
        hedged = hedged or bool(language["guesses"] & set(tokens[max(0, place - 4) : place]))
    if place >= 0 and (
        tokens[place] in language["verbs"] or tokens[place] in language.prepositions
    ):
        before = tokens[max(0, place - 3) : place]
        negated = negated or any(token in negations for token in before)
        hedged = hedged or (
            language.code == "en" and not _OTHERS.isdisjoint(tokens[max(0, place - 4) : place])
        )
    if language.code == "en":
        negated = negated or _follows_exclusion(tokens) or _thinks_not(answer, begin, start)
    opening = next((token for token in tokens if token not in language["connectives"]), "")
    return Slot(
        rank=_rank(tokens, place, language),
        sentence_start=begin,
        is_negated=negated,
        is_hedged=hedged,
        is_conditional=opening in language["conditions"],
        starts_sentence=_starts_clause(tokens, language),
        after_interjection=tokens[-2:-1] == ["wait"] or tokens[-1:] in (["oh"], ["wait"], ["hmm"]),
    )


def _is_tag(token: str, language: Language) -> bool:
    """Recognise ``<answer>`` and ``<final_answer>``."""
    return token[0] == "<" and bool(set(re.split(r"[<>_ ]", token)) & language["nouns"])


def _is_style(token: str, language: Language) -> bool:
    """Recognise ``<b>`` and ``<strong>``."""
    return token[0] == "<" and not _is_tag(token, language)


def _starts_clause(tokens: list[str], language: Language) -> bool:
    for token in reversed(tokens):
        if token in _TURNS or _is_style(token, language):
            return True
        is_passed = token in language["connectives"] or token in language["fillers"]
        if not (is_passed or token in {"not"}):
            return False
    return True


def _sentence_start(answer: Folded, start: int, languages: tuple[Language, ...]) -> int:
    """Return the start of the sentence, reaching over line breaks to a line that leads in."""
    begin = answer.sentence_start(start)
    if ENGLISH.token.search(answer.lower, begin, start):
        return begin
    end = begin
    while end > 0 and answer.text[end - 1].isspace():
        end -= 1
    for language in languages:
        tokens = language.token.findall(answer.lower, max(0, end - 24), end)
        if tokens and tokens[-1] in language["links"] | language["nouns"]:
            return answer.sentence_start(end - 1)
    return begin


def _follows_exclusion(tokens: list[str]) -> bool:
    """Recognise "rather than A", "instead of A", "other than A", "rule out A"."""
    tail = tokens[-3:]
    return (
        tail[-1:] == ["than"]
        or tail[-2:] in _EXCLUSIONS
        or tail[-1:] in (["exclude"], ["eliminate"], ["excludes"], ["against"])
    )


def _thinks_not(answer: Folded, begin: int, start: int) -> bool:
    """Recognise "I don't think the answer is A"."""
    return bool(_THINKING.search(answer.lower, max(begin, start - 80), start))


def _rank(tokens: list[str], place: int, language: Language) -> Announcement | None:
    """Return whether the words up to ``place`` announce an answer, and how firmly."""
    words = set(tokens)
    closes = words & language["closing"]
    firm: Announcement = "concluded" if closes else "announced"
    if place < 0:
        return _rank_of_nouns(tokens, language)
    link = tokens[place]
    if link in _BOXES or _is_tag(link, language):
        return "final"
    before = tokens[max(0, place - 5) : place]
    if not language.prepositions.get(link, frozenset()).isdisjoint(before):
        return firm
    if link in language["verbs"]:
        return firm
    if link in _CORRECTIONS and language.code == "en":
        return "announced"
    if link not in language["links"]:
        return _rank_of_nouns(tokens, language) or _rank_of_clause(tokens, language)
    if words & language["final"] and (words & language["nouns"] or link in {":", "="}):
        return "final"
    if words & language["nouns"]:
        return firm
    subject = {*tokens[:place]} - language["connectives"] - language["fillers"]
    if link in {"is", "be"} and subject and subject <= _NECESSITY:
        return "loose"  # "It is B", "So it must be B"
    return "loose" if words & language["loose"] else None


def _rank_of_nouns(tokens: list[str], language: Language) -> Announcement | None:
    """Recognise a field without a link: "Answer B", "Final answer **B**"."""
    clause = tokens[len(tokens) - tokens[::-1].index(";") :] if ";" in tokens else tokens
    words = set(clause)
    if not words & language["nouns"] - language["fillers"]:
        return None
    joining = language["fields"] | language["connectives"]
    if language.code != "en" and clause[0] not in language["links"]:
        joining |= language["links"]  # "Därför är svaret B"
    if words - language["nouns"] - joining:
        return None
    return "final" if words & language["final"] else "announced"


def _rank_of_clause(tokens: list[str], language: Language) -> Announcement | None:
    """Recognise "Based on this analysis, B."."""
    if language.code != "en" or tokens[0] not in _OPENERS or "," not in tokens:
        return None
    since = tokens[len(tokens) - tokens[::-1].index(",") :]
    return "loose" if all(token in language["fillers"] for token in since) else None
