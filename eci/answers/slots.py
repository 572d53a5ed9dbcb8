"""What precedes a mention of a label and makes it an answer, a denial or a guess."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from eci.answers.text import Folded, word_set
from eci.questions.labels import LabelSet

_TOKEN: Final = re.compile(
    r"\\[a-z]{1,12}|<answer>|[^\W\d_]+(?:'[^\W\d_]+)?|->|=>|[:=|→⇒,;?!.]|\d+"
)

_FILLERS: Final = word_set(r"""
    the an option choice letter alternative category label clearly definitely certainly
    indeed therefore thus hence then likely most probably simply still just actually rather
    instead also again now a either both in fact overall my opinion view own , \text \textbf
    \mathrm \mathbf \left firmly
""")
_GUESSES: Final = word_set("perhaps possibly potentially maybe")
_NEGATIONS: Final = word_set("""
    not never neither nor cannot can't isn't wasn't aren't won't wouldn't shouldn't couldn't
    unlikely except excluding
""")
_LINKS: Final = word_set(r"""
    is be was are remains becomes it's that's answer's equals being : = | → ⇒ -> => \boxed
    \fbox <answer> isn't wasn't aren't s
""")
_VERBS: Final = word_set("""
    choose chose select selected pick picked say choosing selecting picking conclude
    answered answering meant mean think believe guess
""")
_PREPOSITIONS: Final = {
    "with": word_set("go going went stick sticking stay answer respond agree"),
    "for": word_set("opt opting opted vote voting settle go going"),
    "on": word_set("settle settling settled decide decided"),
    "to": word_set("""
        change changing changed switch switching corresponds corresponding points equal equivalent
        revise revised answer
    """),
    "as": word_set("classify classified label labelled labeled categorize categorized answer"),
    "that": word_set("make say conclude"),
}
_ANSWER_NOUNS: Final = word_set("""
    answer answers verdict decision classification category label choice prediction judgment
    judgement determination selection option response conclusion answer's result output
    letter option
""")
_LOOSE_CUES: Final = word_set("""
    therefore thus hence so overall consequently conclude concluded summary likely best
    appropriate correct accurate ultimately right correction actually wait
""")
_CORRECTIONS: Final = word_set("wait correction sorry oops")
_MODALS: Final = word_set("might may could can")
_CONDITIONS: Final = word_set("if unless assuming suppose supposing were had should")
_CONNECTIVES: Final = word_set("""
    however but so therefore thus hence overall in conclusion short summary brief then and
    yet because since consequently ultimately also well ok okay finally accordingly sum
    still as result a to conclude summarize again wait hmm actually correction , : | the
    final fact first
""")
_TURNS: Final = word_set("but so ; therefore thus hence")
_OPENERS: Final = word_set("""
    based given considering from according after so thus hence therefore in to overall for
    as since because taking with
""")
_FIELDS: Final = word_set(r"""
    answer final the my correct best response label category decision verdict classification
    prediction output result conclusion option choice letter assistant your most appropriate
    accurate selected chosen json answer's : = | -> => → ⇒ . , <answer> \boxed \fbox \text
    \textbf \mathrm \mathbf \left
""")
_INTERJECTIONS: Final = word_set("""
    sure certainly okay ok well so hmm um oh right great absolutely of course thus therefore
    hence overall probably likely definitely ! in short summary brief
""")
_THINKING: Final = re.compile(
    r"\b(?:don't|do not|didn't|wouldn't|would not|cannot|can't) "
    r"(?:think|believe|say|choose|select|pick|conclude|mean)\b"
)
_LEAD_IN_LINE: Final = re.compile(r"(?::|\b(?:is|be|answer|conclusion|verdict|decision))[\s*_#]*\Z")


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

    rank: Literal["loose", "stated", "final"] | None
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


def lead_in(answer: Folded, start: int, end: int, label_set: LabelSet) -> bool | None:
    """Classify what precedes the first mention.

    Returns:
        None where the answer does not start with the mention; else True where only markup and a
        field name such as "Answer:" come before it, and False where a word of courtesy does.
    """
    if end - start > 120:
        return None
    tokens = _TOKEN.findall(answer.lower, start, end)
    others = {token for token in tokens if token not in _FIELDS and not token.isdigit()}
    # "Q: ... A: yes" is a field too, unless A is itself a label.
    if "a" in others and not any(name in {"A", "a"} for name in label_set.names):
        others.remove("a")
    if others - _INTERJECTIONS or any(token.isdigit() and len(token) > 2 for token in tokens):
        return None
    return not others


def find_slot(answer: Folded, start: int) -> Slot:
    """Read the sentence before the mention that begins at ``start``."""
    begin = _sentence_start(answer, start)
    tokens = _TOKEN.findall(answer.lower, begin, start)
    place = len(tokens) - 1
    negated = hedged = False
    while place >= 0 and (
        tokens[place] in _FILLERS or tokens[place] in _GUESSES or tokens[place] == "not"
    ):
        negated = negated or tokens[place] == "not"
        hedged = hedged or tokens[place] in _GUESSES
        place -= 1
    before = tokens[max(0, place - 2) : place + 1]
    if place >= 0:
        links = tokens[place] in _LINKS
        negated = negated or any(
            token in _NEGATIONS for token in (before if links else tokens[place : place + 1])
        )
        hedged = hedged or (links and any(token in _MODALS for token in before))
    negated = negated or _follows_exclusion(tokens) or _thinks_not(answer, begin, start)
    rank = _rank(tokens, place)
    opening = next((token for token in tokens if token not in _CONNECTIVES), "")
    return Slot(
        rank=rank,
        sentence_start=begin,
        is_negated=negated,
        is_hedged=hedged,
        is_conditional=opening in _CONDITIONS,
        starts_sentence=_starts_clause(tokens),
        after_interjection=tokens[-2:-1] == ["wait"] or tokens[-1:] in (["oh"], ["wait"], ["hmm"]),
    )


def _starts_clause(tokens: list[str]) -> bool:
    for token in reversed(tokens):
        if token in _TURNS:
            return True
        if token not in _CONNECTIVES and token not in _FILLERS:
            return False
    return True


def _sentence_start(answer: Folded, start: int) -> int:
    """Return the start of the sentence, reaching over line breaks to a line that leads in."""
    begin = answer.sentence_start(start)
    if _TOKEN.search(answer.lower, begin, start):
        return begin
    end = begin
    while end > 0 and answer.text[end - 1].isspace():
        end -= 1
    if end and _LEAD_IN_LINE.search(answer.lower, max(0, end - 24), end):
        return answer.sentence_start(end - 1)
    return begin


def _follows_exclusion(tokens: list[str]) -> bool:
    """Recognise "rather than A", "instead of A", "other than A", "rule out A"."""
    tail = tokens[-3:]
    return (
        tail[-1:] == ["than"]
        or tail[-2:]
        in (
            ["instead", "of"],
            ["rule", "out"],
            ["ruled", "out"],
            ["ruling", "out"],
        )
        or tail[-1:] in (["exclude"], ["eliminate"], ["excludes"], ["against"])
    )


def _thinks_not(answer: Folded, begin: int, start: int) -> bool:
    """Recognise "I don't think the answer is A"."""
    return bool(_THINKING.search(answer.lower, max(begin, start - 80), start))


def _rank(tokens: list[str], place: int) -> Literal["loose", "stated", "final"] | None:
    """Return whether the words up to ``place`` announce an answer, and how firmly."""
    if place < 0:
        return _rank_of_nouns(tokens)
    link = tokens[place]
    head = tokens[: place + 1]
    if link in {"\\boxed", "\\fbox", "<answer>"}:
        return "final"
    if link in _PREPOSITIONS:
        if not _PREPOSITIONS[link] & set(head[-6:]):
            return None
    elif link in _VERBS or link in _CORRECTIONS:
        return "stated"
    elif link not in _LINKS:
        return _rank_of_nouns(tokens) or _rank_of_clause(tokens)
    found = set(tokens)
    if "final" in found and (found & _ANSWER_NOUNS or link in {":", "="}):
        return "final"
    if found & _ANSWER_NOUNS or link in _PREPOSITIONS:
        return "stated"
    return "loose" if found & _LOOSE_CUES else None


def _rank_of_nouns(tokens: list[str]) -> Literal["stated", "final"] | None:
    """Recognise a field without a link: "Answer B", "Final answer **B**"."""
    if "answer" not in tokens or not set(tokens) <= _FIELDS | _CONNECTIVES:
        return None
    return "final" if "final" in tokens else "stated"


def _rank_of_clause(tokens: list[str]) -> Literal["loose"] | None:
    """Recognise "Based on this analysis, B."."""
    if tokens[0] not in _OPENERS or "," not in tokens:
        return None
    since = tokens[len(tokens) - tokens[::-1].index(",") :]
    return "loose" if all(token in _FILLERS for token in since) else None
