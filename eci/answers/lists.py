"""How mentions of labels are arranged: in lines, in groups, in enumerations of the options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from eci.answers.languages import CONTRASTS, JOINS
from eci.answers.mentions import Mention
from eci.answers.text import Folded
from eci.questions.labels import LabelSet

_LIST_GAP: Final = re.compile(
    r"(?:[\s*_()\[\]{}.,;:/|\"'`•·-]|\b(?:and|or|either|option|choice)\b){0,40}"
)
_GROUP_GAP: Final = re.compile(
    rf"(?:[ \t*_()\[\],/|\"'`]|\bit is\b|\bas well as\b|\bplus\b|{JOINS}|{CONTRASTS}){{0,30}}"
)
_LINE_PREFIX: Final = re.compile(r"[ \t>#*_•·\-|(\[{\"'`]*(?:\d{1,2}[.)][ \t*_(\[\"'`]*)?")
_LINE_PREFIX_LENGTH: Final = 24
_LINE_REST: Final = re.compile(r"[ \t*_.!)\]}\"'`|\\$✓✔✅]{0,24}(?:\n|\Z)")
_LAST: Final = re.compile(r"[\s*_.!)\]}\"'`|\\$✓✔✅]{0,24}\Z")
_CLAUSE_END: Final = re.compile(r"[*_\"'`)\]}]{0,4}(?:[.,;:!?\n)]|\s{0,4}\Z|\s-)")
_SENTENCE_HEAD: Final = re.compile(
    r"(?:[.;!?]\s{1,3}|^)[*_\"'`(]{0,4}(?:option|choice)?[ *_(]{0,3}\Z"
)
_FIELD_AFTER: Final = re.compile(r"[\s)*_\]]{0,3}[:?]")


def starts_line(answer: Folded, mention: Mention) -> bool:
    """Return whether only markup, or the number of a list, precedes a mention in its line."""
    reach = max(0, mention.start - _LINE_PREFIX_LENGTH - 1)
    start = answer.text.rfind("\n", reach, mention.start) + 1
    if start == 0 and reach > 0:
        return False
    return _LINE_PREFIX.fullmatch(answer.text, start, mention.start) is not None


def ends_line(answer: Folded, mention: Mention) -> bool:
    """Return whether only markup follows a mention in its line; a colon is more than markup."""
    return _LINE_REST.match(answer.text, mention.end) is not None


def is_last_line(answer: Folded, mention: Mention) -> bool:
    """Return whether only markup follows a mention in the answer."""
    return _LAST.match(answer.text, mention.end) is not None


def ends_clause(answer: Folded, mention: Mention) -> bool:
    """Return whether punctuation or the end of the line follows a mention."""
    return _CLAUSE_END.match(answer.text, mention.end) is not None


def is_set_apart(answer: Folded, group: list[Mention]) -> bool:
    """Return "and so, no, it does not" from prose that uses the word."""
    start = group[0].start
    before = answer.text[max(0, start - 3) : start].rstrip(" \t")
    return (not before or before[-1] in ",;:.-(\"'\n*") and ends_clause(answer, group[-1])


def split_echoes(
    answer: Folded, mentions: list[Mention], label_set: LabelSet
) -> tuple[list[Mention], list[list[Mention]]]:
    """Separate the mentions from enumerations of the labels, which repeat the question.

    An enumeration is all labels in a row, or three and more lines that list them from the first: a
    list that was cut off. A label that comes again after its enumeration is no part of it.
    """
    names = label_set.names
    kept: list[Mention] = []
    echoes: list[list[Mention]] = []
    run: list[Mention] = []

    def close() -> None:
        if len(run) == len(names) > 1 or _is_cut_off_list(answer, run, names):
            echoes.append(run.copy())
        else:
            kept.extend(run)
        run.clear()

    for mention in mentions:
        if run and (
            any(mention.label == other.label for other in run)
            or not _LIST_GAP.fullmatch(answer.lower, run[-1].end, mention.start)
        ):
            close()
        run.append(mention)
    close()
    return kept, echoes


def _is_cut_off_list(answer: Folded, run: list[Mention], names: tuple[str, ...]) -> bool:
    in_order = len(run) >= 3 and tuple(mention.label for mention in run) == names[: len(run)]
    return in_order and all(starts_line(answer, mention) for mention in run)


def find_discussed(answer: Folded, mentions: list[Mention], label_set: LabelSet) -> set[Mention]:
    """Find the labels that head the parts of a discussion of all options, one after the other.

    Each heads a line that goes on, or each has a line of its own with text below it. An answer
    given first and then a discussion of the other options is not one: its lines differ in kind.
    """
    discussed: set[Mention] = set()
    run: list[Mention] = []
    alone = False
    for mention in mentions:
        if not (starts_line(answer, mention) or _heads_sentence(answer, mention)):
            continue
        stops = ends_line(answer, mention)
        if run and (stops != alone or any(mention.label == other.label for other in run)):
            run.clear()
        alone = stops
        run.append(mention)
        if len(run) == len(label_set) > 1:
            discussed.update(run)
            run.clear()
    return discussed


def _heads_sentence(answer: Folded, mention: Mention) -> bool:
    """Recognise the heads of "Option A: slow. Option B: fast." in one paragraph."""
    start = mention.start
    before = _SENTENCE_HEAD.search(answer.lower, max(0, start - 20), start)
    follows = answer.text[mention.end : mention.end + 1]
    return mention.is_strong and before is not None and follows not in {"", ".", "!", "\n"}


def numbers_a_line(answer: Folded, mention: Mention) -> bool:
    """Recognise the "2." of a numbered list where "2" is also a label."""
    number = answer.text[mention.start : mention.end]
    return number.isdigit() and starts_line(answer, mention) and not ends_line(answer, mention)


def group_mentions(answer: Folded, mentions: list[Mention]) -> Iterator[list[Mention]]:
    """Join mentions that one phrase names together: "A or B", "not A but B", "yes, not no"."""
    group: list[Mention] = []
    for mention in mentions:
        if group and not _GROUP_GAP.fullmatch(answer.lower, group[-1].end, mention.start):
            yield group
            group = []
        group.append(mention)
    if group:
        yield group


def is_field(answer: Folded, group: list[Mention]) -> bool:
    """Recognise "Yes/No:" and "A or B?", which ask and do not answer."""
    if len({mention.label for mention in group}) < 2:
        return False
    gaps = [answer.lower[a.end : b.start] for a, b in pairwise(group)]
    return all("/" in gap or "or" in gap for gap in gaps) and bool(
        _FIELD_AFTER.match(answer.text, group[-1].end)
    )
