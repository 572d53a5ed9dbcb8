"""The words of each language by which answers announce their labels, from ``languages.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Final

from eci.answers.text import word_set
from eci.questions.labels import LabelSet

_WORD_SETS: Final = (
    *("nouns", "fields", "fillers", "links", "verbs", "final", "closing", "connectives", "loose"),
    *("negations", "guesses", "modals", "conditions", "kinds", "joins", "contrasts", "insteads"),
)
_MARKUP: Final = r"\\[a-z]{1,12}|<[a-z]{1,12}(?:[ _][a-z]{1,12})?>"
_UNSPACED: Final = frozenset({"hi", "ja", "ko", "th", "zh"})
"""Words stand without spaces, or, in Hindi, have marks that are no letters."""
_WORDS: Final = r"[^\W\d_]+(?:'[^\W\d_]+)?"
_WORD: Final = re.compile(r"[^\W\d_]++(?:'[^\W\d_]++)?(?!-)")
"""A whole word; the first part of "non-invasive" is no sign of French."""
_SIGNS: Final = r"->|=>|[:=|→⇒,;?!.]|\d+"


@dataclass(frozen=True)
class Language:
    """The vocabulary of one language; ``languages.toml`` explains each set.

    Attributes:
        code: Such as ``de``.
        is_spaced: Words are separated by spaces.
        words: The sets by name.
        prepositions: With the words that must come before each.
        affirmed: Phrases after a label that choose it.
        denied: Phrases after a label that refuse it.
        answers: Words for yes, no and maybe, by label.
        tails: Words that may follow the label within its announcement.
    """

    code: str
    is_spaced: bool
    words: Mapping[str, frozenset[str]]
    prepositions: Mapping[str, frozenset[str]]
    affirmed: tuple[str, ...]
    denied: tuple[str, ...]
    answers: Mapping[str, tuple[str, ...]]
    tails: tuple[str, ...]

    def __getitem__(self, name: str) -> frozenset[str]:
        """Return one of the sets of words."""
        return self.words[name]

    @cached_property
    def token(self) -> re.Pattern[str]:
        """Return what finds the tokens of a text; without spaces, the words of this table."""
        if self.is_spaced:
            return re.compile(f"{_MARKUP}|{_WORDS}|{_SIGNS}")
        known = {word for words in self.words.values() for word in words if word[0].isalpha()}
        return re.compile(f"{_MARKUP}|{_any_of(known)}|[a-z]+|[^\\W\\d_]|{_SIGNS}")

    @cached_property
    def link(self) -> re.Pattern[str]:
        """Return what finds the words and signs that join an announcement to what it announces."""
        words = _any_of(word for word in self["links"] if word[0].isalpha())
        words = rf"(?<![^\W_])(?:{words})(?![^\W_])" if self.is_spaced else words
        return re.compile(rf"{words}|[:=]|->|=>|→|⇒")

    def answer_pattern(self, word: str) -> re.Pattern[str]:
        """Return what finds a word for yes, no or maybe; ``may_begin`` checks what is before it.

        A pattern that starts with the word itself lets the search skip to it.
        """
        return self._answer_patterns[word]

    @cached_property
    def _answer_patterns(self) -> dict[str, re.Pattern[str]]:
        words = [word for words in self.answers.values() for word in words]
        tail = rf"(?:{_any_of(self.tails)})?" if self.tails else ""
        if not self.is_spaced:
            return {word: re.compile(f"{word}{tail}") for word in words}
        return {word: re.compile(rf"{word}(?!\w)") for word in words}

    def may_begin(self, text: str, start: int) -> bool:
        """Return whether a word for yes, no or maybe may start here: never inside a word."""
        if start == 0 or not text[start - 1].isalnum():
            return True
        return not self.is_spaced and text.endswith(tuple(self["links"] | self["nouns"]), 0, start)

    @cached_property
    def verdict(self) -> re.Pattern[str] | None:
        """Return what finds a phrase that chooses or refuses the label before it."""
        if not self.affirmed and not self.denied:
            return None
        end = r"(?!\w)" if self.is_spaced else ""
        return re.compile(
            rf"[\s*_)\]\"'`|,]{{0,6}}(?:(?P<denied>{_any_of(self.denied)})"
            rf"|(?P<affirmed>{_any_of(self.affirmed)})){end}"
        )


def _any_of(phrases: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, phrases), key=lambda phrase: (-len(phrase), phrase)))


def _language(code: str, table: Mapping[str, Any]) -> Language:
    return Language(
        code,
        code not in _UNSPACED,
        {
            name: frozenset(f"{table.get(name, '')} {_TABLES['signs'].get(name, '')}".split())
            for name in _WORD_SETS
        },
        {word: frozenset(before.split()) for word, before in table["prepositions"].items()},
        tuple(table.get("affirmed", ())),
        tuple(table.get("denied", ())),
        {label: tuple(table[label]) for label in ("yes", "no", "maybe")},
        tuple(table.get("tails", ())),
    )


_TABLES: Final = tomllib.loads(files("eci.answers").joinpath("languages.toml").read_text("utf-8"))
ENGLISH: Final = _language("en", _TABLES["en"])
OTHERS: Final = tuple(
    _language(code, table) for code, table in _TABLES.items() if code not in {"signs", "en"}
)
"""The other languages; English is always read."""


def _signs(language: Language) -> frozenset[str]:
    """Return the words that show that an answer may be in a language."""
    named = ("nouns", "fields", "links", "verbs")
    words = {word for name in named for word in language[name]}
    words |= {word for before in language.prepositions.values() for word in before}
    if not language.is_spaced:
        words |= {*language.affirmed, *language.denied}
    phrases = [phrase for phrases in language.answers.values() for phrase in phrases]
    words |= {word for phrase in phrases for word in _WORD.findall(phrase)}
    return frozenset(words - {word for name in _WORD_SETS for word in ENGLISH[name]} - _ENGLISH)


_ENGLISH: Final = word_set(
    "no on er die son men nu as over e bun solution diagnosis diagnostic diagnose"
)
"""Words of English too, which are signs of no other language."""
_SAMPLE: Final = (300, 1200)
"""The languages of an answer are those of its beginning and its end, by characters."""
_SIGNS_OF: Final = {language.code: _signs(language) for language in OTHERS}


def languages_of(lower: str, label_set: LabelSet) -> tuple[Language, ...]:
    """Return the languages whose words are in a text in lower case, English first.

    An answer may call the label of a fixed set by the name of the set: "Triage: urgent".
    """
    lower = lower if len(lower) < sum(_SAMPLE) else f"{lower[: _SAMPLE[0]]} {lower[-_SAMPLE[1] :]}"
    words = set(_WORD.findall(lower))
    return (
        ENGLISH if label_set.is_options else _with_nouns(label_set),
        *(
            language
            for language in OTHERS
            if (language.is_spaced and words & _SIGNS_OF[language.code])
            or (not language.is_spaced and not lower.isascii() and _occurs(language, lower))
        ),
    )


def _of_all(name: str) -> str:
    """Return what finds a word of one of the sets, in any language."""
    spaced, unspaced = set[str](), set[str]()
    for language in (ENGLISH, *OTHERS):
        words = {word for word in language[name] if word[0].isalpha()}
        (spaced if language.is_spaced else unspaced).update(words)
    return rf"(?:\b(?:{_any_of(spaced)})\b|{_any_of(unspaced)})"


JOINS: Final = _of_all("joins")
CONTRASTS: Final = _of_all("contrasts")


@lru_cache(maxsize=256)
def _with_nouns(label_set: LabelSet) -> Language:
    kinds = frozenset(_WORD.findall(label_set.name.lower()))
    if any(len(name) == 1 or name.isdigit() for name in label_set.names):
        kinds |= ENGLISH["kinds"]
    words = {name: ENGLISH[name] | kinds for name in ("nouns", "fillers")}
    return replace(ENGLISH, words={**ENGLISH.words, **words})


def _occurs(language: Language, lower: str) -> bool:
    return any(word in lower for word in _SIGNS_OF[language.code])
