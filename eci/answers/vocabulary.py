"""What to look for in an answer: the letters, words and texts that stand for each label."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from string import ascii_lowercase
from typing import Final

from eci.answers.languages import ENGLISH
from eci.answers.text import fold
from eci.questions.labels import MAX_OPTIONS, LabelSet

Aliases = tuple[tuple[str, tuple[str, ...]], ...]
"""Other names of labels, as given by the caller, in a form that can be cached."""

_LONE_LETTER: Final = re.compile(r"(?<![^\W_])[a-z](?![^\W_])")
_DECORATION: Final = " \t*_()[]{}\"'`|$\\.!,;"


@dataclass(slots=True)
class Vocabulary:
    """What to look for, made once per label set.

    Attributes:
        symbols: Letters and numbers, and the label of each.
        are_assumed: The letters are not the set's own: they follow from its order.
        categories: The label that is called yes, no or maybe.
        texts: Names and texts of labels, and their labels.
    """

    symbols: dict[str, str] = field(default_factory=dict)
    symbol_patterns: tuple[re.Pattern[str], ...] = ()
    are_assumed: bool = False
    categories: dict[str, str] = field(default_factory=dict)
    texts: tuple[tuple[str, str], ...] = ()


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
def vocabulary_of(label_set: LabelSet, aliases: Aliases) -> Vocabulary:
    """Sort the names and texts of the labels by how they must be looked for."""
    found = Vocabulary()
    texts: dict[str, set[str]] = {}
    named = [(name, name) for name in label_set.names]
    named += [(label.name, label.code) for label in label_set if label.code]
    named += [(name, other) for name, others in aliases for other in others]
    for name, spelt in named:
        key = " ".join(fold(spelt).lower.split())
        if len(key) == 1 or key.isdigit():
            found.symbols[key] = name
        else:
            texts.setdefault(key, set()).add(name)
    for label in label_set:
        text = " ".join(fold(label.text).lower.split()).strip(_DECORATION)
        texts.setdefault(text, set()).add(label.name)
    plain = []
    for text, names in texts.items():
        # A text that two options share, or that is another option's letter, decides nothing.
        if len(names) > 1 or text in found.symbols or not text:
            continue
        (name,) = names
        if text in ENGLISH.answers:
            found.categories[text] = name
        else:
            plain.append((text, name))
    found.texts = tuple(plain)
    if not found.symbols:
        found.symbols = _letters_by_order(label_set)
        found.are_assumed = True
    found.symbol_patterns = _symbol_patterns(tuple(sorted(found.symbols)))
    return found


def _letters_by_order(label_set: LabelSet) -> dict[str, str]:
    """Return A for the first label and so on, as prompts number them; none if it can mislead."""
    names = label_set.names
    if not 1 < len(names) <= MAX_OPTIONS or any(_LONE_LETTER.search(n.lower()) for n in names):
        return {}
    return dict(zip(ascii_lowercase, names, strict=False))
