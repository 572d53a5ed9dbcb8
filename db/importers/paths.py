"""Values inside a row: paths such as ``response.body.choices.0.text``, and what cells hold."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from db.conversions import parse_json
from db.records import Option, Section

_MAX_LITERAL = 20_000
_LINE_OF_OPTIONS = re.compile(r"^\s*\(?([A-Za-z]|\d{1,2})[).:．、：]\s*(.+?)\s*$", re.MULTILINE)
_INLINE_MARK = re.compile(r"(?:^|(?<=[\s;|,]))\(?([A-Za-z]|\d{1,2})[).:]\s+")
"""The letter or number of an option, in a cell that has all of them in one line."""
_FLAGS = frozenset({"0", "1", "TRUE", "FALSE", "true", "false"})
_RIGHT = ("correct", "is_correct", "isCorrect", "right", "is_right", "isRight")
_LETTERED_LINE = re.compile(r"^\s*([A-Z])\s+(.+?)\s*$", re.MULTILINE)


def value_at(row: Any, path: str) -> Any:
    """Return the value at a path, None where there is none; ``=text`` is the text itself."""
    if path.startswith("="):
        return path[1:]
    if isinstance(row, Mapping) and path in row:
        return row[path]
    value = row
    for part in re.sub(r"\[(\d+)\]", r".\1", path).split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            return None
    return value


def text_of(value: Any) -> str:
    """Return a value as text, without outer spaces; nothing for None."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(text_of(part) for part in value)
    return str(value).strip()


def raw_text(value: Any) -> str:
    """Return a text as it is, and any other value as ``text_of`` does."""
    return value if isinstance(value, str) else text_of(value)


def number_of(value: Any) -> float | None:
    """Return a value as a finite number, None where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def count_of(value: Any) -> int | None:
    """Return a value as a count of tokens, None where it is none."""
    number = number_of(value)
    return int(number) if number is not None and 0 <= number < 2**31 else None


def nested(value: Any) -> Any:
    """Return the list or object that a cell writes as JSON, or as Python does; else the value."""
    if not isinstance(value, str) or value[:1] not in ("[", "{") or value[-1:] not in ("]", "}"):
        return value
    try:
        return parse_json(value)
    except ValueError:
        pass
    if len(value) > _MAX_LITERAL:
        return value
    try:
        found = ast.literal_eval(value)  # constants only: nothing of it is executed
        return sorted(found, key=str) if isinstance(found, set) else found
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def read_options(value: Any, *, is_split: bool = False) -> tuple[Option, ...]:
    """Return the options that a value holds in any of the usual ways; none where it is no list.

    Args:
        is_split: A text without letters or numbers is divided at its lines, ``|`` or ``;``.
    """
    value = nested(value)
    if isinstance(value, Mapping):
        return _options_of_object(value)
    if isinstance(value, str):
        found = _LINE_OF_OPTIONS.findall(value)
        if len(found) < 2:
            found = _LETTERED_LINE.findall(value)
            in_order = "".join(label for label, _ in found) == ascii_uppercase[: len(found)]
            found = found if in_order and len(found) > 1 else _inline_options(value)
        if len(found) < 2 and is_split:
            separator = next((sign for sign in "\n|;" if sign in value), "\n")
            texts = [text.strip() for text in value.split(separator) if text.strip()]
            found = list(zip(ascii_uppercase, texts, strict=False))
        return tuple(Option(label, text) for label, text in found) if len(found) > 1 else ()
    if not isinstance(value, Sequence) or len(value) > len(ascii_uppercase):
        return ()
    return tuple(_option(part, ascii_uppercase[place]) for place, part in enumerate(value))


def right_options(value: Any) -> list[str]:
    """Return the labels of the options that a value marks as right: ``{"correct": true}``.

    An object of texts says it by its values, as the targets of TruthfulQA do.
    """
    value, options = nested(value), read_options(value)
    if isinstance(value, Mapping):
        flags = list(value.values()) if _are_flags(value) else []
    else:
        parts = value if isinstance(value, list | tuple) else ()
        flags = [
            next((part[name] for name in _RIGHT if name in part), None)
            for part in parts
            if isinstance(part, Mapping)
        ]
    pairs = zip(options, flags, strict=False)
    return [option.label for option, flag in pairs if text_of(flag) in ("1", "TRUE", "true")]


def _are_flags(value: Mapping[str, Any]) -> bool:
    return len(value) > 1 and all(text_of(part) in _FLAGS for part in value.values())


def _inline_options(text: str) -> list[tuple[str, str]]:
    """Return the options of ``A) one; B) two``: their marks follow each other from the first."""
    marks: list[re.Match[str]] = []
    for match in _INLINE_MARK.finditer(text):
        last = marks[-1][1] if marks else ""
        following = str(int(last) + 1) if last.isdigit() else chr(ord(last) + 1) if last else ""
        if match[1] == following or (not marks and match.start() == 0 and match[1] in "Aa1"):
            marks.append(match)
    ends = [match.start() for match in marks[1:]] + [len(text)] * bool(marks)
    return [
        (match[1], text[match.end() : end].strip(" \t\n;|,"))
        for match, end in zip(marks, ends, strict=True)
    ]


def option_columns(row: Any, columns: Sequence[str]) -> tuple[Option, ...]:
    """Return the options of columns; a column ends with its letter or number, or gets a letter."""
    texts = [(column, raw_text(value_at(row, column))) for column in columns]
    return tuple(
        Option(_label_of_column(column, ascii_uppercase[place % 26]), text)
        for place, (column, text) in enumerate(texts)
        if text
    )


def read_context(value: Any, headings: Any = None) -> tuple[Section, ...]:
    """Return the sections of a context: a text, a list of texts or of objects."""
    value = nested(value)
    if isinstance(value, Mapping):
        inner = value.get("contexts", value.get("context"))
        return () if inner is None else read_context(inner, value.get("labels", headings))
    if isinstance(value, str) or not isinstance(value, Sequence):
        text = raw_text(value)
        return (Section("", text),) if text.strip() else ()
    names = nested(headings) if isinstance(nested(headings), Sequence) else ()
    sections = [
        _section(part, text_of(names[place]) if place < len(names) else "")
        for place, part in enumerate(value)
    ]
    return tuple(section for section in sections if section.text)


def _section(part: Any, heading: str) -> Section:
    if isinstance(part, Mapping):
        text = part.get("text", part.get("content", ""))
        return Section(str(part.get("heading", part.get("title", heading)) or ""), str(text or ""))
    return Section(heading, str(part or ""))


def _options_of_object(value: Mapping[str, Any]) -> tuple[Option, ...]:
    labels, texts = value.get("label", value.get("labels")), value.get("text", value.get("texts"))
    if isinstance(labels, Sequence) and isinstance(texts, Sequence) and not isinstance(texts, str):
        return tuple(Option(str(a), str(b)) for a, b in zip(labels, texts, strict=False))
    if _are_flags(value):
        return tuple(Option(*pair) for pair in zip(ascii_uppercase, value, strict=False))
    pairs = [(_mark_of(str(label).strip()), raw_text(text)) for label, text in value.items()]
    return tuple(Option(label, text) for label, text in pairs if text)


def _option(part: Any, letter: str) -> Option:
    if not isinstance(part, Mapping):
        text = raw_text(part)
        marked = re.fullmatch(rf"\(?{letter}[).:]\s+(.+)", text, re.DOTALL)
        return Option(letter, marked[1] if marked else text)
    label = next(
        (part[name] for name in ("label", "key", "letter", "id", "aid") if name in part), letter
    )
    text = next((part[name] for name in ("text", "value", "content", "atext") if name in part), "")
    return Option(text_of(label), raw_text(text))


def _mark_of(key: str) -> str:
    """Return the letter or number of ``option_1`` or ``choiceA``; any other key as it is."""
    marked = re.fullmatch(r"(?:option|choice|answer|opt?|ans)[ _-]?([a-z]|\d{1,2})", key, re.I)
    return marked[1] if marked else key


def _label_of_column(column: str, letter: str) -> str:
    if column.startswith("option_"):
        return column.removeprefix("option_")
    last = re.search(r"(?:^|[^A-Za-z]|^op|^choice|^option|^ans)([A-Za-z])$", column.strip(), re.I)
    return last[1].upper() if last else letter
