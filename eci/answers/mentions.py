"""Finding where an answer names a label: by letter, by word or by the text of an option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final, Literal, NamedTuple

from eci.answers.languages import ENGLISH, Language
from eci.answers.spellings import find_spellings
from eci.answers.text import Folded, word_set
from eci.answers.vocabulary import Aliases, Vocabulary, vocabulary_of
from eci.questions.labels import LabelSet

MAX_MENTIONS: Final = 1000
"""Of more mentions than this only the first and the last half are read, which bounds the time."""

Kind = Literal["symbol", "word", "text"]

CONTINUATIONS: Final = word_set("""
    according although and as at based because but by due for from given however i if in instead
    is it nor not on only or otherwise over overall rather since so that the there therefore
    these they this thus to unless was we when which while with would
""")
"""Words that may follow a label. Others make ``no`` a determiner and ``A`` an article or part of a
name: "no difference", "A reduction", "B cells"."""

_AFTER_ADVERB: Final = word_set("the there these they this it we i that in with a not")
_AFTER_A: Final = CONTINUATIONS | word_set("""
    and or vs versus than are be would could can may might must has does did should seems appears
    remains looks cannot can't isn't wasn't also alone only rather instead best over y o e u ou et
    und oder ist es est sino sondern mais mas ma
""")
"""Words that may follow the letter "A"; before others it is the article."""

_AFTER_LABEL: Final = ("links", "joins", "contrasts", "insteads", "negations")
_COPULA: Final = re.compile(r"'(?:[dt][iıuü]r|y[iı])(?!\w)")
"""Turkish endings of a letter that is a word of its own: "C'dir"."""
_NEXT_WORD: Final = re.compile(r"[ \t]+([^\W\d_]+)(?![-\w])")
_NEXT_ANY: Final = re.compile(r"[ \t]*(\S)")
_OPEN: Final = re.compile(r"[(\[{][\s*_\"'`]{0,4}\Z")
_CLOSE: Final = re.compile(r"[\s*_\"'`.]{0,4}[)\]}]")
_BOLD_BEFORE: Final = frozenset("*_\"'`")
_BOLD_AFTER: Final = re.compile(r"[.):]?[*_\"'`]")
_NAMED: Final = re.compile(r"\b(?:option|choice|answer|letter|alternative)[\s*_\"'`(]{1,4}\Z")
_GLUE: Final = re.compile(r"[\s*_)(\]\[}{.:\-\"'`|=,\\$]{0,8}(?:(?:the|an?)\s)?")
_ARTICLE: Final = re.compile(r"[ \t]{1,4}(\d|[a-zß-ɏ]+(?:'t)?)")
_OPENED: Final = 40
_DEFINED: Final = re.compile(r"[\"'`*_)]{0,4}\s{1,3}(?:means?|meaning|would mean|stands for)\b")
_CLAUSE_END: Final = re.compile(r"[*_\"'`)\]}<]{0,4}(?:[.,;:!?\n)]|\s{0,4}\Z|\s-|/)")
_SPECIES: Final = re.compile(r"\.\s([a-z]{4,})")


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
        marker: A letter that is assumed to be the label, by the order of a set without letters.
    """

    label: str
    start: int
    end: int
    kind: Kind
    is_strong: bool = False
    is_synonym: bool = False
    is_merged: bool = False
    mismatch: str | None = None
    marker: str = ""


def find_mentions(
    answer: Folded, label_set: LabelSet, aliases: Aliases, languages: tuple[Language, ...]
) -> list[Mention]:
    """Find the places that name a label, in order, none overlapping another.

    Weak letters are among them: whether a lone "B" is a label depends on where it occurs, which
    the caller judges.
    """
    vocabulary = vocabulary_of(label_set, aliases)
    found = [
        *_symbols(answer, vocabulary, languages),
        *_words(answer, vocabulary),
        *_foreign_words(answer, vocabulary, languages),
        *(Mention(*place, "text") for place in find_spellings(answer.lower, vocabulary.texts)),
    ]
    found.sort(key=lambda mention: (mention.start, -mention.end))
    if len(found) > MAX_MENTIONS:
        found = found[: MAX_MENTIONS // 2] + found[-MAX_MENTIONS // 2 :]
    merged = _merge(answer, _without_overlaps(found))
    mentions = [
        mention
        for mention in merged
        if not _is_species(answer.text, mention) and not _is_defined(answer.lower, mention)
    ]
    return _as_defined(mentions) if vocabulary.are_assumed else mentions


def _as_defined(mentions: list[Mention]) -> list[Mention]:
    """Replace assumed letters by the pairs of letter and label in the text: "(A) no, (B) yes"."""
    pairs: dict[str, set[str]] = {}
    for mention in mentions:
        if mention.marker and mention.is_merged:
            pairs.setdefault(mention.marker, set()).add(mention.label)
    defined = {marker: min(labels) for marker, labels in pairs.items() if len(labels) == 1}

    def label_of(mention: Mention) -> str | None:
        is_lone = mention.marker and not mention.is_merged
        return defined.get(mention.marker) if is_lone else mention.label

    if all(label_of(mention) in {mention.label, None} for mention in mentions):
        return mentions
    # Another order than that of the set: a letter without a pair is unknown.
    named = [(mention, label_of(mention)) for mention in mentions]
    return [mention._replace(label=label) for mention, label in named if label is not None]


def _symbols(
    answer: Folded, vocabulary: Vocabulary, languages: tuple[Language, ...]
) -> Iterator[Mention]:
    text = answer.text
    matches = (pattern.finditer(text) for pattern in vocabulary.symbol_patterns)
    for match in chain.from_iterable(matches):
        start, end = match.span()
        if not _stands_alone(text, start, end):
            continue
        symbol = match[0].lower()
        label = vocabulary.symbols[symbol]
        marker = symbol if vocabulary.are_assumed else ""
        opening = _OPEN.search(text, max(0, start - 5), start)
        closing = _CLOSE.match(text, end) if opening else None
        if opening and closing:
            start, end = opening.start(), closing.end()
            yield Mention(label, start, end, "symbol", is_strong=True, marker=marker)
            continue
        before, after = text[start - 1 : start], text[end : end + 1]
        strong = bool(before in _BOLD_BEFORE and before and _BOLD_AFTER.match(text, end))
        strong = strong or bool(_NAMED.search(answer.lower, max(0, start - 16), start))
        strong = strong or (after == ")" and not _is_parenthesised(text, start))
        if match[0].islower() and not strong and after not in {"", ")", ".", ":", "\n", ","}:
            continue
        if not strong and match[0] == "A" and _is_article(answer.lower, end, languages):
            continue
        yield Mention(label, start, end, "symbol", is_strong=strong, marker=marker)


def _is_parenthesised(text: str, start: int) -> bool:
    """Return whether the bracket after "(group C)" closes one before it, unlike that of "C)"."""
    begin = max(0, start - _OPENED)
    return text.rfind("(", begin, start) > text.rfind(")", begin, start)


def _is_article(lower: str, end: int, languages: tuple[Language, ...]) -> bool:
    """Return "A serum ferritin" from "A is correct" and "A."."""
    following = _ARTICLE.match(lower, end)
    if following is None or following[1] in _AFTER_A:
        return False
    word = following[1]
    return not any(word in language[name] for language in languages[1:] for name in _AFTER_LABEL)


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
        return _COPULA.match(text, end) is not None
    return not (after == "." and following[:1].isalnum() and not following.isalpha())


def _is_species(text: str, mention: Mention) -> bool:
    """Return "C. difficile" from "C. because"."""
    if mention.kind != "symbol" or mention.is_strong or mention.is_merged:
        return False
    match = _SPECIES.match(text, mention.end)
    return match is not None and match[1] not in CONTINUATIONS


def _words(answer: Folded, vocabulary: Vocabulary) -> Iterator[Mention]:
    text = answer.lower
    for category, label in vocabulary.categories.items():
        for match in _matches(ENGLISH, category, text):
            start, end = match.span()
            before = text[start - 1 : start] if start else ""
            if not ENGLISH.may_begin(text, start):
                continue
            if before == "-" and text[start - 2 : start - 1].isalnum():
                continue
            if text[end : end + 1] == "-" and text[end + 1 : end + 2].isalnum():
                continue
            quoted = bool(before in _BOLD_BEFORE and before and _BOLD_AFTER.match(text, end))
            quoted = quoted or bool(before in {"(", "["} and _CLOSE.match(text, end))
            paired = text.endswith(("or ", "/"), 0, start)
            if match[0] != "yes" and not (quoted or paired or _may_follow(text, start, end)):
                continue
            if category == "maybe" and not quoted and _is_adverb(text, end):
                continue
            is_synonym = match[0] != category
            yield Mention(label, start, end, "word", is_strong=quoted, is_synonym=is_synonym)


def _is_adverb(text: str, end: int) -> bool:
    """Return "maybe the answer is B" from "maybe because"."""
    following = _NEXT_WORD.match(text, end)
    return following is not None and following[1] in _AFTER_ADVERB


def _foreign_words(
    answer: Folded, vocabulary: Vocabulary, languages: tuple[Language, ...]
) -> Iterator[Mention]:
    """Yield the words for yes, no and maybe of other languages, where they end a clause."""
    text = answer.lower
    for language in languages[1:]:
        for category, label in vocabulary.categories.items():
            for match in _matches(language, category, text):
                if _CLAUSE_END.match(text, match.end()) and language.may_begin(text, match.start()):
                    yield Mention(label, match.start(), match.end(), "word", is_synonym=True)


def _matches(language: Language, category: str, text: str) -> Iterator[re.Match[str]]:
    words = [word for word in language.answers[category] if word in text]
    return chain.from_iterable(language.answer_pattern(word).finditer(text) for word in words)


def _may_follow(text: str, start: int, end: int) -> bool:
    """Return "No, ..." and "no because ..." from "no difference" and "No. 5"."""
    if text.startswith(". of ", end) or re.match(r"\.?\s?\d", text[end : end + 3]):
        return False
    following = _NEXT_WORD.match(text, end)
    if following:
        return following[1] in CONTINUATIONS or following[1] == text[start:end]
    nearest = _NEXT_ANY.match(text, end)
    return not (nearest and nearest[1].isalnum() and nearest.start(1) > end)


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
        if last is None or not _GLUE.fullmatch(answer.lower, last.end, mention.start):
            merged.append(mention)
        elif last.label == mention.label and last.kind != mention.kind and not last.is_merged:
            end = _closed(answer, last, mention.end)
            marker = last.marker or mention.marker
            merged[-1] = last._replace(
                end=end, kind="symbol", is_strong=True, is_merged=True, marker=marker
            )
        elif (
            last.kind == "symbol"
            and mention.kind != "symbol"
            and not mention.is_synonym
            and _is_heading(answer, last, mention)
        ):
            # An assumed letter has no text of its own, so the label is what follows it.
            merged[-1] = last._replace(
                label=mention.label if last.marker else last.label,
                mismatch=None if last.marker else mention.label,
                end=mention.end,
                is_strong=True,
                is_merged=True,
            )
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
