"""Texts in files that a spreadsheet opens."""

from __future__ import annotations

from typing import Final

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert_text(text: str) -> str:
    """Return a text that no spreadsheet runs: one that begins as a formula gets an apostrophe.

    One that begins with apostrophes before a formula gets another, for :func:`original_text`.
    See https://owasp.org/www-community/attacks/CSV_Injection.
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def original_text(text: str) -> str:
    """Return the text of a cell that :func:`inert_text` wrote."""
    is_guarded = text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS)
    return text[1:] if is_guarded else text
