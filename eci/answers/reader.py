"""Reading a category out of a model's free text, and how directly the text gave it.

A reader of answers must not guess: what it returns is used as the label of a run, so a text that
takes no side, or two, has none. The rules, in the order in which they apply:

1. Only the answer part is read: what follows the last closed reasoning trace (``<think>`` and its
   kin), up to the end-of-turn token. A trace that was opened and never closed makes the answer
   unfinished: form ``absent``, label None, and the labels the trace put forward as ``candidates``.
2. A label is named by its letter, its word (yes, no, maybe in any case), the text of an option, or
   another name that the caller gives it. Spaces, hyphens and a plural are no difference in a text.
   A letter followed by the text of another option names both. An enumeration of all options is an
   echo of the question and names none. Where no label has a letter, A is the first label and so on,
   unless the text pairs letters and labels otherwise; such a letter never counts in passing.
3. Each place that names a label is an assertion (rule 4), a denial ("the answer is not A", "B is
   incorrect"), or a passing mention. Questions, conditions ("if ..., the answer is A") and hedges
   ("could be A") are passing mentions. A sentence that refuses to answer asserts nothing.
4. Assertions rank, from low to high:
   loose: "most likely B", a later sentence that starts with "No, ...";
   stated: the text starts with it, "B is correct", a line of nothing but B;
   announced: "the answer is B", "I choose B";
   concluded: the same in a sentence with "therefore", "in conclusion" and the like;
   final: "Final answer: B", ``\\boxed{B}``, ``<answer>B</answer>``.
   ``languages.toml`` has the words, in 29 languages.
5. A higher rank replaces a lower one; but a text that starts with a category and later states or
   starts a sentence with another contradicts itself, unless the other is final. Among equals, a
   later one replaces the earlier if the text between takes it back ("wait", "correction", "this
   option is not correct") or it chooses among those named together before ("A or B"), and
   contradicts it if not. A denial withdraws the earlier assertion of the same label.
6. Of an answer that ends with a JSON object, its last field with a name such as "answer" decides.
7. Where nothing is asserted, what an announcement or the first line gives in other words is the
   option that it resembles much more than any other, if there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from eci.answers.assertions import Assertion, Rank, find_assertions
from eci.answers.fields import find_answer_field
from eci.answers.languages import languages_of
from eci.answers.rewording import find_reworded
from eci.answers.text import find_answer_part, fold
from eci.answers.vocabulary import Aliases
from eci.questions.labels import LabelSet

READER_VERSION: Final = "6"
"""Stored with every label read; raised by each change that can alter a label or a form."""

Form = Literal["bare", "leading", "stated", "embedded", "inferred", "contradictory", "absent"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

_RETRACTION: Final = re.compile(
    r"\b(?:wait|correction|on second thought|scratch that|my mistake|oops|sorry|i meant"
    r"|apologi[sz]e|apologies|i (?:was|am) (?:wrong|mistaken)|i made (?:a|an)(?: \w{1,9})? "
    r"(?:mistake|error)|let me (?:correct|revise|reconsider|rethink|re-?check|re-?evaluate)"
    r"|(?:upon|on|after)(?: further| closer| more)? (?:reflection|reconsideration|re-?evaluation"
    r"|review|thought|consideration|inspection)|i (?:now )?(?:change|changed|revise|revised|retract"
    r"|withdraw|take)\b.{0,20}\b(?:answer|mind|back)|change (?:my|the) answer"
    r"|chang(?:e|ing) (?:it|that|this) to|make that|(?:corrected|revised|updated)(?: \w{1,9})? "
    r"(?:answer|choice|conclusion)|(?:this|that|it)(?: option| answer| choice)? (?:is|was) "
    r"(?:not (?:\w{1,9} )?(?:correct|right)|incorrect|wrong))\b"
)
_RETRACTION_IN_SENTENCE: Final = re.compile(
    r"\b(?:actually|instead|rather|in fact)\b|\A(?:but )?no\s?,"
)
_RETRACTION_REACH: Final = 400


@dataclass(frozen=True, slots=True)
class Reading:
    """The label read from one answer and how the text gave it.

    Attributes:
        label: A name of the label set, or None where the text gives none or several.
        form: ``bare``: nothing but the category, apart from markup, punctuation, the text of the
            option and a field name such as "Answer:".
            ``leading``: the category comes first, apart from the same, and text follows.
            ``stated``: an explicit statement elsewhere ("the answer is ...", "Final answer: ...", a
            line of its own, a conclusion), or one that overrides what came before.
            ``embedded``: no statement, but exactly one category is named in passing.
            ``inferred``: stated or given first, but by a letter whose label follows from the order
            of a label set that has no letters, or by other words for the text of one option.
            ``contradictory``: several categories asserted with equal right and none taken back, or
            the only one asserted was taken back; label None.
            ``absent``: nothing of this: empty, refused, echoed, unfinished, or several categories
            named in passing only; label None.
        start: First character, in the text as given, of the span that decided. For
            ``contradictory`` the span of the last assertion. None for ``absent``.
        end: Past the last character of that span.
        is_finished: False where a reasoning trace was opened and never closed.
        candidates: Every label the text puts forward, firmly or not, as (label, start, end) in
            order; without denied ones and echoes. For an unfinished answer, and for one that ends
            with its trace, those of the trace.
    """

    label: str | None
    form: Form
    start: int | None
    end: int | None
    is_finished: bool
    candidates: tuple[tuple[str, int, int], ...]


def read_answer(
    text: str | None,
    label_set: LabelSet,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> Reading:
    """Read the label that a free text gives; never raises for any text.

    Args:
        text: What the model wrote, its reasoning trace included. None reads as empty.
        label_set: The labels allowed for the item, with the texts of its options.
        aliases: Label to the other names that stand for it: synonyms, and the letters or numbers
            that its prompt gave it, such as ``{"yes": ["A", "positive"]}``. Without letters those
            of a set that has none follow its order, and the form of such a label is ``inferred``.

    Example:
        >>> from eci.questions.labels import PUBMEDQA
        >>> reading = read_answer("The data are clear. Final answer: **Yes**.", PUBMEDQA)
        >>> reading.label, reading.form
        ('yes', 'stated')
        >>> read_answer("C", PUBMEDQA).label, read_answer("C", PUBMEDQA, {"no": ["C"]}).label
        ('maybe', 'no')
    """
    text = text or ""
    names = set(label_set.names)
    given = tuple((label, tuple(a)) for label, a in (aliases or {}).items() if label in names)
    part = find_answer_part(text)
    if not part.is_finished or not text[part.start : part.end].strip():
        trace = _read_part(text, part.trace_start, part.end, label_set, given)
        return Reading(None, "absent", None, None, part.is_finished, trace.candidates)
    whole = _read_part(text, part.start, part.end, label_set, given)
    field = find_answer_field(text[part.start : part.end])
    if field is None:
        return whole
    start, end = (part.start + place for place in field)
    inner = _read_part(text, start, end, label_set, given)
    form: Form = "inferred" if inner.form == "inferred" else whole.form
    form = "stated" if form in ("contradictory", "absent", "embedded") else form
    return whole if inner.label is None else replace(inner, form=form)


def _read_part(text: str, start: int, end: int, label_set: LabelSet, aliases: Aliases) -> Reading:
    answer = fold(text[start:end])
    languages = languages_of(answer.lower, label_set)
    found = find_assertions(answer, label_set, aliases, languages)

    def span(assertion: Assertion) -> tuple[int, int]:
        first, past = answer.original_span(assertion.start, assertion.end)
        return first + start, past + start

    candidates = tuple(
        (label, *span(assertion))
        for assertion in found
        if assertion.rank != "denied"
        for label in assertion.labels
    )
    label, form, decided = _decide(found, answer.lower)
    if form in {"absent", "embedded"}:
        reworded = find_reworded(answer, label_set, languages, whole=form == "absent")
        if reworded is not None:
            name, *place = reworded
            first, past = answer.original_span(*place)
            return Reading(name, "inferred", first + start, past + start, True, candidates)
    if decided is None:
        return Reading(None, "absent", None, None, True, candidates)
    return Reading(label, form, *span(decided), True, candidates)


_ORDER: Final[dict[Rank, int]] = {
    "loose": 1,
    "stated": 2,
    "announced": 3,
    "concluded": 4,
    "final": 5,
}


def _decide(found: list[Assertion], lower: str) -> tuple[str | None, Form, Assertion | None]:
    """Decide between the assertions of a text by the rules of this module."""
    standing: dict[str, Assertion] = {}
    level = 0
    last: Assertion | None = None
    for assertion in found:
        if assertion.rank == "denied":
            for label in assertion.labels:
                standing.pop(label, None)
            level = level if standing else 0
            continue
        if assertion.rank == "passing":
            continue
        rank = _ORDER[assertion.rank]
        if standing and _replaces(assertion, rank, standing, level, lower, last):
            standing, level = {}, 0
        elif rank == 1 < level and not all(held.is_lead for held in standing.values()):
            continue
        level = max(level, rank)
        last = assertion
        for label in assertion.labels:
            if label not in standing or standing[label].is_inferred > assertion.is_inferred:
                standing[label] = assertion
    if last is None:
        return _passing(found)
    if len(standing) != 1:
        return None, "contradictory", last
    ((label, decided),) = standing.items()
    if decided.is_inferred:
        return label, "inferred", decided
    if decided.is_lead:
        return label, "bare" if decided.is_all else "leading", decided
    return label, "stated", decided


def _replaces(
    assertion: Assertion,
    rank: int,
    standing: dict[str, Assertion],
    level: int,
    lower: str,
    last: Assertion | None,
) -> bool:
    """Return whether an assertion takes the place of those before it instead of joining them."""
    if assertion.labels == tuple(standing):
        return level == 1 < rank
    if _takes_back(lower, last, assertion):
        return True
    if level == 1 < rank or rank == _ORDER["final"] > level:
        return True
    if rank < level:
        return False
    if rank > max(level, _ORDER["stated"]) and not any(h.is_lead for h in standing.values()):
        return True
    # A conclusion chooses between those asserted before, as does one after "Either B or D".
    if len(standing) > 1 and rank >= _ORDER["concluded"] and assertion.labels[0] in standing:
        return len(assertion.labels) == 1
    named_together = len({held.start for held in standing.values()}) == 1 < len(standing)
    return named_together and set(assertion.labels) < set(standing)


def _takes_back(lower: str, earlier: Assertion | None, later: Assertion) -> bool:
    """Return whether the text between two assertions withdraws the earlier one."""
    begin = earlier.end if earlier else 0
    reach = max(begin, later.start - _RETRACTION_REACH)
    between = lower[reach : later.start]
    if _RETRACTION.search(between):
        return True
    sentence = lower[max(reach, later.sentence_start) : later.start]
    return bool(_RETRACTION_IN_SENTENCE.search(sentence)) or lower.startswith(" instead", later.end)


def _passing(found: list[Assertion]) -> tuple[str | None, Form, Assertion | None]:
    """Return the category named in passing, if there is exactly one."""
    passing = [assertion for assertion in found if assertion.rank == "passing"]
    labels = {label for assertion in passing for label in assertion.labels}
    if len(labels) == 1:
        return labels.pop(), "embedded", passing[-1]
    return None, "absent", None
