"""Whether a reviewer changed the answer's text."""

from __future__ import annotations


def corrected_answer(written: str | None, answer: str | None) -> str | None:
    """Return the corrected answer, or None where the text was left as it is or emptied.

    A browser gives every line break back as a bare newline, which is no correction.
    """
    if written is None or not written.strip():
        return None
    same = answer is not None and _comparable(written) == _comparable(answer)
    return None if same else written.strip()


def _comparable(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
