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
from eci.answers.languages import languages_of
from eci.answers.reader import Form, Reading
from eci.answers.text import find_answer_part, fold
from eci.answers.vocabulary import Aliases
from eci.questions.labels import LabelSet

_ASSERTED = ("loose", "stated", "announced", "concluded", "final")
_JOINED = re.compile(r"[\s*_\"'`(\[{]*([A-Za-z]{2,26})[\s*_\"'`)\]}.]*")


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
    joined = _joined_letters(text[part.start : part.end], label_set)
    if joined:
        return Reading(label_set.join(joined), "bare", part.start, part.end, True, ())
    answer = fold(text[part.start : part.end])
    names = set(label_set.names)
    given: Aliases = tuple((k, tuple(v)) for k, v in (aliases or {}).items() if k in names)
    found = find_assertions(answer, label_set, given, languages_of(answer.lower, label_set))
    decided = _decide(found)
    denied = {label for one in found if one.rank == "denied" for label in one.labels}
    labels = {label for one in decided for label in one.labels}
    if len(decided) > 1 or labels <= denied:
        labels -= denied
    if not labels:
        return Reading(None, "absent", None, None, True, ())
    start, _ = answer.original_span(decided[0].start, decided[0].end)
    _, end = answer.original_span(decided[-1].start, decided[-1].end)
    is_lead = decided[0].is_lead
    form: Form = "bare" if is_lead and decided[0].is_all else "leading" if is_lead else "stated"
    span = (start + part.start, end + part.start)
    return Reading(label_set.join(labels), form, *span, True, ())


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


def _joined_letters(text: str, label_set: LabelSet) -> list[str]:
    """Return the labels of "ACD", where that is all there is and each is one letter."""
    match = _JOINED.fullmatch(text)
    if match is None or len({*match[1]}) != len(match[1]):
        return []
    by_letter = {name.upper(): name for name in label_set.names if len(name) == 1}
    found = [by_letter.get(letter.upper(), "") for letter in match[1]]
    return found if all(found) and match[1].upper() not in label_set.names else []
