"""Finding where an answer names a label: by letter, by word or by the text of an option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final, Literal, NamedTuple

from eci.answers.text import Folded, fold, word_set
from eci.questions.labels import LabelSet

MAX_MENTIONS: Final = 1000
"""Of more mentions than this only the first and the last half are read, which bounds the time."""

Kind = Literal["symbol", "word", "text"]

CONTINUATIONS: Final = word_set("""
    according although and as at based because but by due for from given however i if in is it nor
    not on or otherwise overall since so that the there therefore these they this thus to unless was
    we when which while with would
""")
"""Words that may follow a label. Others make ``no`` a determiner and ``A`` an article or part of a
name: "no difference", "A reduction", "B cells"."""

_SYNONYMS: Final = {
    "yes": ("yeah", "yep", "yup", "affirmative"),
    "no": ("nope", "nah"),
    "maybe": ("perhaps", "possibly", "may be"),
}
_WORD_PATTERNS: Final = {
    word: re.compile(rf"{word}(?!\w)") for pair in _SYNONYMS.items() for word in (pair[0], *pair[1])
}

_NEXT_WORD: Final = re.compile(r"[ \t]+([^\W\d_]+)(?![-\w])")
_NEXT_ANY: Final = re.compile(r"[ \t]*(\S)")
_OPEN: Final = re.compile(r"[(\[{][\s*_\"'`]{0,4}\Z")
_CLOSE: Final = re.compile(r"[\s*_\"'`.]{0,4}[)\]}]")
_BOLD_BEFORE: Final = frozenset("*_\"'`")
_BOLD_AFTER: Final = re.compile(r"[.):]?[*_\"'`]")
_NAMED: Final = re.compile(r"\b(?:option|choice|answer|letter|alternative)[\s*_\"'`(]{1,4}\Z")
_GLUE: Final = re.compile(r"[\s*_)(\]\[}{.:\-\"'`|=,\\$]{0,8}")
_DEFINED: Final = re.compile(r"[\"'`*_)]{0,4}\s{1,3}(?:means?|meaning|would mean|stands for)\b")
_SPECIES: Final = re.compile(r"\.\s([a-z]{4,})")
_DECORATION: Final = " \t*_()[]{}\"'`|$\\.!,;"


class Mention(NamedTuple):
    """One place where a label is named, in positions of the folded text.

    Attributes:
        label: Name of the label.
        start: First character, an opening bracket included.
        end: Past the last character, a closing bracket included.
        kind: A letter or number, one of the words yes, no and maybe, or a longer name or text.
        is_strong: Cannot be read as anything else: in brackets, quotes or bold, after "option", or
            a letter together with the text of its option.
        is_synonym: A word such as "perhaps": counts only without another mention there.
        is_merged: A letter and the text of an option, its own or another's.
        mismatch: Label of the option text that directly follows a letter of another option.
    """

    label: str
    start: int
    end: int
    kind: Kind
    is_strong: bool = False
    is_synonym: bool = False
    is_merged: bool = False
    mismatch: str | None = None


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What to look for, made once per label set."""

    symbols: dict[str, str]
    symbol_patterns: tuple[re.Pattern[str], ...]
    words: dict[str, tuple[str, bool]]
    texts: tuple[tuple[str, str], ...]


@lru_cache(maxsize=512)
def _symbol_patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Compile the searches for letters and numbers that are no part of a word.

    Each starts with the character itself and tests the neighbours after, which lets the search skip
    to it: twice as fast as one pattern for all. Lower-case letters are many, so they must be
    followed by markup or punctuation, or occur in a place such as "option b is".
    """
    apart = r"(?<![^\W_].)(?![^\W_])"
    found = [rf"{re.escape(name.upper())}{apart}" for name in names if len(name) == 1]
    found += [rf"(?<![^\W_]){name}(?![^\W_])" for name in names if len(name) > 1]
    lower = "".join(re.escape(name) for name in names if name != name.upper())
    if lower:
        found.append(rf"[{lower}](?:(?=[).:,\n*_\"'`\]}}]|\Z)|(?<=[ner] .)(?= )){apart}")
    return tuple(re.compile(pattern) for pattern in found)


@lru_cache(maxsize=2048)
def _vocabulary(label_set: LabelSet) -> _Vocabulary:
    """Sort the names and texts of the labels by how they must be looked for."""
    symbols: dict[str, str] = {}
    words: dict[str, tuple[str, bool]] = {}
    texts: dict[str, set[str]] = {}
    for label in label_set:
        name = fold(label.name).lower.strip()
        if len(name) == 1 or name.isdigit():
            symbols[name] = label.name
        else:
            texts.setdefault(name, set()).add(label.name)
            texts.setdefault(re.sub(r"[\s_-]+", " ", name), set()).add(label.name)
        text = " ".join(fold(label.text).lower.split()).strip(_DECORATION)
        if text:
            texts.setdefault(text, set()).add(label.name)
    plain = []
    for text, names in texts.items():
        # A text that two options share, or that is another option's letter, decides nothing.
        if len(names) > 1 or text in symbols or not text:
            continue
        (name,) = names
        if text in _SYNONYMS:
            words[text] = (name, False)
            words.update((word, (name, True)) for word in _SYNONYMS[text])
        else:
            plain.append((text, name))
    return _Vocabulary(symbols, _symbol_patterns(tuple(sorted(symbols))), words, tuple(plain))


def find_mentions(answer: Folded, label_set: LabelSet) -> list[Mention]:
    """Find the places that name a label, in order, none overlapping another.

    Weak letters are among them: whether a lone "A" is a label depends on where it occurs, which
    the caller judges.
    """
    vocabulary = _vocabulary(label_set)
    found = [
        *_symbols(answer, vocabulary),
        *_words(answer, vocabulary),
        *_texts(answer, vocabulary),
    ]
    found.sort(key=lambda mention: (mention.start, -mention.end))
    if len(found) > MAX_MENTIONS:
        found = found[: MAX_MENTIONS // 2] + found[-MAX_MENTIONS // 2 :]
    merged = _merge(answer, _without_overlaps(found))
    return [
        mention
        for mention in merged
        if not _is_species(answer.text, mention) and not _is_defined(answer.lower, mention)
    ]


def _symbols(answer: Folded, vocabulary: _Vocabulary) -> Iterator[Mention]:
    text = answer.text
    matches = (pattern.finditer(text) for pattern in vocabulary.symbol_patterns)
    for match in chain.from_iterable(matches):
        start, end = match.span()
        if not _stands_alone(text, start, end):
            continue
        label = vocabulary.symbols[match[0].lower()]
        opening = _OPEN.search(text, max(0, start - 5), start)
        closing = _CLOSE.match(text, end) if opening else None
        if opening and closing:
            yield Mention(label, opening.start(), closing.end(), "symbol", is_strong=True)
            continue
        before = text[start - 1 : start]
        strong = bool(before in _BOLD_BEFORE and before and _BOLD_AFTER.match(text, end))
        strong = strong or bool(_NAMED.search(answer.lower, max(0, start - 16), start))
        is_lower = match[0].islower()
        if is_lower and not strong and text[end : end + 1] not in {"", ")", ".", ":", "\n", ","}:
            continue
        yield Mention(label, start, end, "symbol", is_strong=strong)


def _is_defined(lower: str, mention: Mention) -> bool:
    """Return whether a mention repeats a definition of the prompt: "yes means that ..."."""
    return mention.kind == "word" and _DEFINED.match(lower, mention.end) is not None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Refuse letters inside words, abbreviations and names: IgA, e.g., T-A, B-cell, A's, C++."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or before in {"&", "+", "@", "°"} or after in {"&", "+", "%", "@"}:
        return False
    if before and before in "-'." and text[start - 2 : start - 1].isalnum() and start > 1:
        return False
    following = text[end + 1 : end + 3]
    if after and after in "-'" and following[:1].isalnum():
        return False
    return not (after == "." and following[:1].isalnum() and not following.isalpha())


def _is_species(text: str, mention: Mention) -> bool:
    """Return "C. difficile" from "C. because"."""
    if mention.kind != "symbol" or mention.is_strong or mention.is_merged:
        return False
    match = _SPECIES.match(text, mention.end)
    return match is not None and match[1] not in CONTINUATIONS


def _words(answer: Folded, vocabulary: _Vocabulary) -> Iterator[Mention]:
    text = answer.lower
    words = [word for word in vocabulary.words if word in text]
    for match in chain.from_iterable(_WORD_PATTERNS[word].finditer(text) for word in words):
        start, end = match.span()
        before = text[start - 1 : start] if start else ""
        inside = before.isalnum() or (before == "-" and text[start - 2 : start - 1].isalnum())
        if inside:
            continue
        if text[end : end + 1] == "-" and text[end + 1 : end + 2].isalnum():
            continue
        label, is_synonym = vocabulary.words[match[0]]
        quoted = bool(before in _BOLD_BEFORE and before and _BOLD_AFTER.match(text, end))
        quoted = quoted or bool(before in {"(", "["} and _CLOSE.match(text, end))
        paired = text.endswith(("or ", "/"), 0, start)
        if match[0] != "yes" and not (quoted or paired or _may_follow(text, start, end)):
            continue
        yield Mention(label, start, end, "word", is_strong=quoted, is_synonym=is_synonym)


def _may_follow(text: str, start: int, end: int) -> bool:
    """Return "No, ..." and "no because ..." from "no difference" and "No. 5"."""
    if text.startswith(". of ", end) or re.match(r"\.?\s?\d", text[end : end + 3]):
        return False
    following = _NEXT_WORD.match(text, end)
    if following:
        return following[1] in CONTINUATIONS or following[1] == text[start:end]
    nearest = _NEXT_ANY.match(text, end)
    return not (nearest and nearest[1].isalnum() and nearest.start(1) > end)


def _texts(answer: Folded, vocabulary: _Vocabulary) -> Iterator[Mention]:
    text = answer.lower
    for phrase, label in vocabulary.texts:
        start = text.find(phrase)
        while start >= 0:
            end = start + len(phrase)
            before, after = text[start - 1 : start] if start else "", text[end : end + 1]
            inside = (phrase[0].isalnum() and (before.isalnum() or before == "-")) or (
                phrase[-1].isalnum()
                and (after.isalnum() or (after == "-" and text[end + 1 : end + 2].isalnum()))
            )
            if not inside:
                yield Mention(label, start, end, "text")
            start = text.find(phrase, end)


def _without_overlaps(found: list[Mention]) -> list[Mention]:
    kept: list[Mention] = []
    for mention in found:
        if kept and mention.start < kept[-1].end:
            longer = mention.end - mention.start > kept[-1].end - kept[-1].start
            if longer:
                kept[-1] = mention
            continue
        kept.append(mention)
    return kept


def _merge(answer: Folded, mentions: list[Mention]) -> list[Mention]:
    """Join a letter and the text of its option, in either order, into one strong mention."""
    merged: list[Mention] = []
    for mention in mentions:
        last = merged[-1] if merged else None
        if last is None or not _GLUE.fullmatch(answer.text, last.end, mention.start):
            merged.append(mention)
        elif last.label == mention.label and last.kind != mention.kind and not last.is_merged:
            end = _closed(answer, last, mention.end)
            merged[-1] = last._replace(end=end, kind="symbol", is_strong=True, is_merged=True)
        elif (
            last.kind == "symbol"
            and mention.kind != "symbol"
            and _is_heading(answer, last, mention)
        ):
            merged[-1] = last._replace(end=mention.end, mismatch=mention.label, is_merged=True)
        else:
            merged.append(mention)
    return merged


def _closed(answer: Folded, first: Mention, end: int) -> int:
    """Include the bracket that closes one opened between a letter and its text: ``B (no)``."""
    opened = answer.text.count("(", first.start, end) > answer.text.count(")", first.start, end)
    return end + 1 if opened and answer.text[end : end + 1] == ")" else end


def _is_heading(answer: Folded, letter: Mention, text: Mention) -> bool:
    """Return "(A) no", a letter with the text of another option, from "A, no"."""
    gap = answer.text[letter.end : text.start]
    closed = answer.text[letter.end - 1] in ")]"
    return "," not in gap and "\n" not in gap and (closed or bool(set(gap) & set(").:(")))
