"""Every text that the product itself shows, from one catalogue: ``assets/en.toml``.

A page says ``say("people.title")``, never the words. Texts from files, models and people are not
in the catalogue; put in as values they are still hostile, and the code that draws the result
escapes it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_CATALOGUE = Path(__file__).parent / "assets" / "en.toml"


@cache
def _sections() -> dict[str, dict[str, str]]:
    return tomllib.loads(_CATALOGUE.read_text(encoding="utf-8"))


@cache
def catalogue() -> Mapping[str, str]:
    """Return every text by its key, ``section.name``."""
    return {
        f"{section}.{name}": text
        for section, texts in _sections().items()
        for name, text in texts.items()
    }


def say(key: str, /, **values: Any) -> str:
    """Return a text with its values put in; values are written as ``{name}`` in the catalogue.

    Raises:
        KeyError: The catalogue lacks the text, or the text wants a value that was not given.
    """
    text = catalogue()[key]
    return text.format(**values) if values else text


def say_count(key: str, count: int, /, **values: Any) -> str:
    """Return a text about a number of things, written as ``{count}``; about one, ``<key>_one``."""
    return say(f"{key}_one" if count == 1 else key, count=count, **values)


def words(section: str) -> dict[str, str]:
    """Return a section as a mapping from name to text: the words for the members of a Literal.

    Raises:
        KeyError: The catalogue lacks the section.
    """
    return dict(_sections()[section])
