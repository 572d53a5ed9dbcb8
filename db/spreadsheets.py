"""Texts in files that a spreadsheet opens."""

from __future__ import annotations

from typing import Final

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert_text(text: str) -> str:
    """Return a text that no spreadsheet runs: one that begins as a formula gets an apostrophe.

    See https://owasp.org/www-community/attacks/CSV_Injection.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
