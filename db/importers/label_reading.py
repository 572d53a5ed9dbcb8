"""What a label of a file means: a label, a letter, a number or the text of an option."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from string import ascii_uppercase
from typing import Any, Final

from db.content.items import MAX_LABELS
from db.importers.paths import nested, text_of
from db.records import Option, join_labels

MIN_LABELS: Final = 2
_MAX_LETTERS: Final = 10
YES_NO_MAYBE: Final = ("yes", "no", "maybe")
_SAME: Final = {
    "true": "yes",
    "false": "no",
    "y": "yes",
    "n": "no",
    "1": "yes",
    "0": "no",
}
"""How spreadsheets and people write yes and no, where yes and no are the labels."""
_LISTED: Final = re.compile(
    r"\s*[,;|/&+、・，；｜]\s*(?:and\s|und\s|et\s|y\s|e\s)?|\s(?:and|und|et|y|e)\s"
)
_SPACED: Final = re.compile(r"\w(?:\s+\w)+")
_BRACKETED: Final = re.compile(r"\{([^{}]*)\}|\[([^\[\]]*)\]")
_MARKED: Final = re.compile(
    r"[*_`\"']*(?:option|choice|answer)?\s*[(\[{]?\s*(\w+?)\s*[)\]}.:]?[*_`\"']*", re.IGNORECASE
)
_DECIMAL: Final = re.compile(r"(-?\d+)\.0+")
_MONTH: Final = r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)\w*"
_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ].*)?"
    rf"|\d{{1,2}}[. -]{{1,2}}{_MONTH}|{_MONTH}[. -]{{1,2}}\d{{1,2}}",
    re.IGNORECASE,
)


def find_label(
    value: Any, labels: Sequence[str], options: Sequence[Option] = (), base: int | None = None
) -> str | None:
    """Return the label that a value of a file means, None where it means none of them.

    Args:
        base: The number of the first option, where numbers count options.
    """
    text = text_of(value)
    if not text:
        return None
    text = text if text in labels else whole_number(text)
    is_number = text.lstrip("-").isdigit()
    if is_number and base is not None and options and not isinstance(value, str):
        return _at(int(text) - base, labels)
    return (
        _named(text, labels)
        or _named_option(text, labels, options)
        or _marked(text, labels)
        or (_at(int(text) - base, labels) if is_number and base is not None and options else None)
        or _named(_SAME.get(text.casefold(), ""), labels)
        or _lettered(text, labels, options)
    )


def labels_of_values(values: Iterable[str]) -> tuple[str, ...]:
    """Return the labels of the values of a file: yes, no, maybe where they mean these.

    Single letters are those of options that the questions name in their text.
    """
    distinct = list(dict.fromkeys(value for value in values if value))
    whole = [_DECIMAL.fullmatch(value) for value in distinct]
    distinct = [match[1] for match in whole if match] if all(whole) else distinct
    folded = {value.casefold() for value in distinct}
    if folded & {*YES_NO_MAYBE, "y", "n"} and folded <= {*YES_NO_MAYBE, *_SAME}:
        return YES_NO_MAYBE
    if distinct and all(value in ascii_uppercase[:_MAX_LETTERS] for value in distinct):
        # The options are in the text of the question.
        return tuple(ascii_uppercase[: max(4, ascii_uppercase.index(max(distinct)) + 1)])
    by_folded = {value.casefold(): value for value in reversed(distinct)}
    found = [by_folded[name] for name in dict.fromkeys(value.casefold() for value in distinct)]
    stems = {re.sub(r"\d+", "", label).casefold() for label in found}
    if len(stems) == 1 and all(re.search(r"\d", label) for label in found):
        found.sort(key=lambda label: [int(part) for part in re.findall(r"\d+", label)])
    return tuple(found)


def parts_of(value: Any) -> list[str]:
    """Return the labels that one text lists, fewer than two where it lists none.

    Example:
        >>> parts_of("A, C and D"), parts_of("BD"), parts_of("{1|3}"), parts_of("grade 2")
        (['A', 'C', 'D'], ['B', 'D'], ['1', '3'], ['grade 2'])
    """
    text = text_of(value)
    given = nested(text)
    if isinstance(given, list | tuple):
        return [text_of(part) for part in given]
    bracketed = _BRACKETED.fullmatch(text)
    text = (bracketed[1] or bracketed[2] or "").strip() if bracketed else text
    if _SPACED.fullmatch(text):
        return text.split()
    if re.fullmatch(r"[A-Z]{2,}|[a-e]{2,}", text) and len({*text}) == len(text):
        return [*text]
    return [part.strip() for part in _LISTED.split(text) if part.strip()]


def lists_of(value: Any) -> Iterator[list[str]]:
    """Yield in which ways one text may list labels, those that hold commas themselves first."""
    for separator in "\n|;":
        parts = [part.strip() for part in text_of(value).split(separator) if part.strip()]
        if len(parts) > 1:
            yield parts
    yield parts_of(value)


def separator_of(values: Iterable[str]) -> str | None:
    """Return the character between several labels of one value, None where there are none.

    It is one where the parts come again: alone, or next to others.
    """
    distinct = {value for value in values if value}
    for separator in "|;,":
        lists = [value.split(separator) for value in distinct if separator in value]
        parts = Counter(part.strip() for value in distinct for part in value.split(separator))
        if lists and all(part.strip() for one in lists for part in one):
            again = sum(parts[part.strip()] > 1 for one in lists for part in one)
            if again > len(lists) and len(parts) <= MAX_LABELS:
                return separator
    return None


def index_base(numbers: Iterable[tuple[int, int]], default: int | None) -> int | None:
    """Return whether options are counted from 0 or 1, by all pairs of a number and their count.

    Args:
        default: What is usual in the format, where the numbers leave it open.
    """
    pairs = list(numbers)
    if any(number == 0 for number, _ in pairs):
        return 0
    if any(number == count for number, count in pairs):
        return 1
    return default


def whole_number(text: str) -> str:
    """Return "2" of "2.0", as pandas writes a number where others are missing; else the text."""
    whole = _DECIMAL.fullmatch(text)
    return whole[1] if whole else text


def is_date(label: str) -> bool:
    """Return whether a label looks like a date, into which spreadsheets change "1-2".

    Example:
        >>> is_date("2025-01-02 00:00:00"), is_date("02. Jan"), is_date("T1a")
        (True, True, False)
    """
    return _DATE.fullmatch(label.strip()) is not None


def is_text_of_another(text: str, label: str, options: Iterable[Option]) -> bool:
    """Return whether a text is that of an option with another label, and not of this one."""
    same = {option.label for option in options if _bare(option.text) == _bare(text)}
    return bool(text and same) and label not in same


def _named(text: str, labels: Sequence[str]) -> str | None:
    if not text:
        return None
    if text in labels:
        return text
    return next((label for label in labels if label.casefold() == text.casefold()), None)


def _named_option(text: str, labels: Sequence[str], options: Sequence[Option]) -> str | None:
    wanted = _bare(text)
    same = [option.label for option in options if _bare(option.text) == wanted]
    return _named(same[0], labels) if len(same) == 1 else None


def _marked(text: str, labels: Sequence[str]) -> str | None:
    """Return the label of ``(B)``, ``B.`` or ``Option B``."""
    marked = _MARKED.fullmatch(text)
    return _named(marked[1], labels) if marked else None


def _lettered(text: str, labels: Sequence[str], options: Sequence[Option]) -> str | None:
    """Return the label that ``B: the option's text`` or ``B. Because ...`` begins with."""
    begun = re.match(r"\(?(\w{1,2})[).:]\s+(.+)", text, re.DOTALL)
    label = _named(begun[1], labels) if begun and options else None
    if begun is None or label is None:
        return None
    return label if _named_option(begun[2], labels, options) in (label, None) else None


def _at(position: int, labels: Sequence[str]) -> str | None:
    return labels[position] if 0 <= position < len(labels) else None


def _bare(text: str) -> str:
    return " ".join(text.replace('"', "").casefold().split()).rstrip(".")


def label_of_file(value: Any) -> str | None:
    """Return a label as an export of ours writes it: a list, or its JSON text, is a set."""
    given = nested(value) if isinstance(value, str) and value.startswith("[") else value
    if isinstance(given, list | tuple):
        return join_labels([text_of(part) for part in given], ())
    return text_of(given) or None
