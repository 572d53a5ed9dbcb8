"""Reading the labels out of a text about an item of which several may be right.

The rules of :mod:`eci.answers.reader` say what is asserted, denied and named in passing; here what
is asserted together is the answer, and nothing contradicts itself: a final answer replaces all
else, an announced list ("the answers are A and C") what was said in passing of options on their
own, and without either everything that is asserted and not denied counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from eci.answers.assertions import Assertion, find_assertions
from eci.answers.fields import find_answer_field
from eci.answers.languages import languages_of
from eci.answers.reader import Form, Reading
from eci.answers.text import Folded, find_answer_part, fold, word_set
from eci.answers.vocabulary import Aliases, vocabulary_of
from eci.questions.labels import LabelSet

_ASSERTED = ("loose", "stated", "announced", "concluded", "final")
_SEPARATOR = re.compile(r"[\s,;/&+|、，]+")
_EDGES = " \t\n*_\"'`()[]{}$\\.。"
_JOINING = word_set(
    "and und et y e ed en och og i a oraz ve és și ja và dan и і та και و ו และ と 和"
)
_LINK = re.compile(
    r"[:=]|\\boxed\{(?:\\text\w{0,4}\{)?|[是选選は]"
    r"|\b(?:is|are|ist|sind|est|sont|es|son|é|são|è|sono)\b"
)
_MAX_LISTED = 120
"""Characters of the longest list of labels, of which the end of an answer is looked through."""
_ALL = re.compile(
    r"[\s*_\"'`(]{0,9}(?:(?:the )?(?:final |correct )?answers?(?: is| are)?:? *)?"
    r"(?P<list>all (?:of )?(?:the above|these|them|the options|options|the answers)"
    r"(?: options| answers| statements)?"
    r"|(?:all|everything)(?: (?:of )?(?:them|these|the above|the options|options))?"
    r" (?:but|except)(?: for)? (?P<but>.{1,60}?))"
    r"(?: (?:is|are) (?:correct|right|true))?[\s*_\"'`).]{0,9}"
)


def read_labels(
    text: str | None,
    label_set: LabelSet,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> Reading:
    """Read every label that a free text gives; never raises for any text.

    Args:
        text: What the model wrote, its reasoning trace included. None reads as empty.
        label_set: With several right labels an item.
        aliases: As of :func:`eci.answers.reader.read_answer`.

    Returns:
        A reading whose label is the set of labels as :meth:`LabelSet.join` writes it. Its span goes
        from the first to the last place that gives one.

    Example:
        >>> labels = LabelSet.from_options({"A": "", "B": "", "C": "", "D": ""}, is_several=True)
        >>> read_labels("The answers are A, C and D.", labels).label
        'A\\x1fC\\x1fD\\x1f'
    """
    text = text or ""
    part = find_answer_part(text)
    if not part.is_finished or not text[part.start : part.end].strip():
        return Reading(None, "absent", None, None, part.is_finished, ())
    field = find_answer_field(text[part.start : part.end])
    start, end = (part.start + place for place in field) if field else (part.start, part.end)
    names = set(label_set.names)
    given: Aliases = tuple((k, tuple(v)) for k, v in (aliases or {}).items() if k in names)
    reading = _read_part(text, start, end, label_set, given)
    if field and reading.label is None:
        reading = _read_part(text, part.start, part.end, label_set, given)
    return reading


def _read_part(text: str, start: int, end: int, label_set: LabelSet, given: Aliases) -> Reading:
    answer = fold(text[start:end])
    listed = _listed(answer.text, label_set, given)
    if listed:
        return Reading(label_set.join(listed), "bare", start, end, True, ())
    found = find_assertions(answer, label_set, given, languages_of(answer.lower, label_set))
    decided = _decide(found)
    denied = {label for one in found if one.rank == "denied" for label in one.labels}
    labels = {label for one in decided for label in one.labels}
    if len(decided) > 1 or labels <= denied:
        labels -= denied
    if not labels:
        return _read_end(answer, start, label_set, given)
    first, _ = answer.original_span(decided[0].start, decided[0].end)
    _, past = answer.original_span(decided[-1].start, decided[-1].end)
    is_lead = decided[0].is_lead
    form: Form = "bare" if is_lead and decided[0].is_all else "leading" if is_lead else "stated"
    return Reading(label_set.join(labels), form, start + first, start + past, True, ())


def _read_end(answer: Folded, start: int, label_set: LabelSet, given: Aliases) -> Reading:
    """Return the letters that end an answer without a space between them, or all labels."""
    text = answer.text
    labels: list[str] = []
    place = 0
    for match in _LINK.finditer(text, max(0, len(text) - _MAX_LISTED)):
        place = match.end()
    if place:
        labels = _listed(re.sub(r"(?:です|だ|である)?[\s.]*\Z", "", text[place:]), label_set, given)
    if not labels and (whole := _ALL.fullmatch(answer.lower)):
        place, but = whole.start("list"), answer.text[slice(*whole.span("but"))]
        symbol = vocabulary_of(label_set, given).symbols.get(but.strip(_EDGES).lower(), "")
        left_out = _listed(but, label_set, given) or [symbol] * bool(symbol)
        if whole["but"] is None or left_out:
            labels = [name for name in label_set.names if name not in left_out]
    if not labels:
        return Reading(None, "absent", None, None, True, ())
    first, past = answer.original_span(place, len(text))
    return Reading(label_set.join(labels), "stated", start + first, start + past, True, ())


def _decide(found: Sequence[Assertion]) -> list[Assertion]:
    """Return the assertions that give the answer, in order."""
    final = [one for one in found if one.rank == "final"]
    if final:
        return final
    listed = [
        one for one in found if one.rank in ("announced", "concluded") and len(one.labels) > 1
    ]
    if listed:
        return listed[-1:]
    return [one for one in found if one.rank in _ASSERTED]


def _listed(text: str, label_set: LabelSet, given: Aliases) -> list[str]:
    """Return the labels of "ACD", "a, c" or "1 and 3", where that is all there is; two at least."""
    text = text.strip(_EDGES)
    vocabulary = vocabulary_of(label_set, given)
    symbols = {} if vocabulary.are_assumed else vocabulary.symbols
    if not symbols or not 1 < len(text) <= _MAX_LISTED or text.lower() in symbols:
        return []
    tokens = [token.strip(_EDGES) for token in _SEPARATOR.split(text)]
    has_capitals = any(token.isupper() for token in tokens)
    tokens = [
        token
        for token in tokens
        # "A e C": between capitals it is a word, even where "e" is a label too.
        if token not in _JOINING or (token in symbols and not has_capitals)
    ]
    if len(tokens) == 1 and tokens[0].isalpha():
        tokens = list(tokens[0])
        if len(tokens) > 2 and tokens != sorted(tokens):
            return []  # "BAD" is a word
    found = [symbols.get(token.lower(), "") for token in tokens]
    return found if len(found) > 1 and all(found) and len({*found}) == len(found) else []
