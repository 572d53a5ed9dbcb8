"""Finding the option that an announced answer rewords: "Answer: echo at the bedside"."""

from __future__ import annotations

import re
from typing import Final

from eci.answers.languages import ENGLISH, Language
from eci.answers.slots import find_slot
from eci.answers.text import Folded, fold, word_set
from eci.questions.labels import LabelSet

_MAX_PLACES: Final = 40
"""Announcements that are looked at, the last ones first, which bounds the time."""
_MAX_WORDS: Final = 40
_MAX_LABELS: Final = 50
_MIN_SCORE: Final = 0.6
_MIN_LEAD: Final = 0.2
"""By this much the nearest option must exceed the next, or none is read."""
_MIN_SCORE_OF_OTHERS: Final = 0.8
_MIN_STEM: Final = 4
_PHRASE: Final = re.compile(
    r"[\s*_\"'`(]{0,8}(?P<phrase>(?:(?!,?\s(?:because|since|as|which|due|but)\b)[^.;!?\n])"
    r"{3,240}(?:\.\d[^.;!?\n]{0,120})?)"
)
_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_IDLE: Final = word_set("""
    a an and as at by be for from in into is it of on or the this that to with would should
    patient's her his their option answer der die das le la les un une el los de del do da il lo
""")
_DENYING: Final = word_set(
    "no not non none never without neither nor nicht kein pas sans sin sem senza"
)
_OPPOSITES: Final = tuple(
    pair.split("/")
    for pair in sorted(
        word_set("""
    increas/decreas high/low hyper/hypo left/right anterior/posterior acute/chronic upper/lower
    positive/negative proximal/distal medial/lateral internal/external superior/inferior start/stop
    early/late before/after more/less activat/inhibit open/clos elevat/reduc raise/lower
    """)
    )
)


def find_reworded(
    answer: Folded, label_set: LabelSet, languages: tuple[Language, ...], whole: bool
) -> tuple[str, int, int] | None:
    """Find the one option whose text an announcement gives in other words.

    Args:
        label_set: Its labels; names serve where there is no text.
        languages: Those that it may be in.
        whole: Whether a first line that nothing announces may be the answer too.

    Returns:
        The label and the span of the words that give it, or None where no option, or more than
        one, is near.
    """
    texts = {label.name: _words(fold(label.text or label.name).lower) for label in label_set}
    texts = {name: words for name, words in texts.items() if _can_be_reworded(words)}
    if not 1 <= len(texts) <= _MAX_LABELS:
        return None
    for start in _places(answer, languages, whole):
        phrase = _PHRASE.match(answer.lower, start)
        if phrase is None or answer.text.startswith("?", phrase.end()):
            continue
        words = _words(phrase["phrase"])[:_MAX_WORDS]
        ranked = sorted(((_score(words, text), name) for name, text in texts.items()), reverse=True)
        runner_up = ranked[1][0] if len(ranked) > 1 else 0.0
        best, name = ranked[0]
        if best >= _MIN_SCORE and best - runner_up >= _MIN_LEAD:
            return (
                name,
                phrase.start("phrase"),
                phrase.start("phrase") + len(phrase["phrase"].rstrip(" *_\"'`)")),
            )
    return None


def _places(answer: Folded, languages: tuple[Language, ...], whole: bool) -> list[int]:
    """Return where announced phrases begin, the last one first, then the first line."""
    places: set[int] = set()
    for language in languages:
        links = [match.end() for match in language.link.finditer(answer.lower)]
        places.update(links[-_MAX_PLACES:])
    announced = []
    for place in sorted(places, reverse=True)[:_MAX_PLACES]:
        slot = find_slot(answer, place, languages)
        if slot.rank and not (slot.is_negated or slot.is_hedged or slot.is_conditional):
            announced.append(place)
    return [*announced, *([0] if whole else [])]


def _can_be_reworded(words: list[str]) -> bool:
    """Exclude yes, no and maybe, which have rules of their own, and lone letters and numbers."""
    return len(" ".join(words)) >= _MIN_STEM and words[0] not in ENGLISH.answers


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if word not in _IDLE]


def _score(words: list[str], option: list[str]) -> float:
    """Return how alike two texts are: F1 of their words, 0 where they contradict each other."""
    said, meant = set(words), set(option)
    unsaid = {word for word in meant if not any(_matches(word, other) for other in said)}
    added = {word for word in said if not any(_matches(word, other) for other in meant)}
    hits = len(meant) - len(unsaid)
    if not hits or _contradict(said, meant, added, unsaid):
        return 0.0
    precision, recall = 1 - len(added) / len(said), hits / len(meant)
    score = 2 * precision * recall / (precision + recall)
    return score if not (added and unsaid) or score >= _MIN_SCORE_OF_OTHERS else 0.0


def _matches(one: str, other: str) -> bool:
    """Return whether two words are the same but for their ending: "echo", "echocardiogram"."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < _MIN_STEM or short[0].isdigit():
        return False
    stem = short if len(short) == _MIN_STEM else short[: max(_MIN_STEM, len(short) - 2)]
    return long.startswith(stem)


def _contradict(said: set[str], meant: set[str], added: set[str], unsaid: set[str]) -> bool:
    if bool(said & _DENYING) != bool(meant & _DENYING):
        return True
    if any(word[0].isdigit() for word in added | unsaid):
        return True
    return any(
        (_has(added, one) and _has(unsaid, other)) or (_has(added, other) and _has(unsaid, one))
        for one, other in _OPPOSITES
    )


def _has(words: set[str], stem: str) -> bool:
    return any(word.startswith(stem) for word in words)
