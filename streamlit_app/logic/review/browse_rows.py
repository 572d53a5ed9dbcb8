"""Rows of the Browse table: what a list entry says in each column."""

from __future__ import annotations

from collections.abc import Iterable

from db.review.item_list import ReviewRow
from streamlit_app.logic.review.verdict import FORM_WORDS, origin_words
from streamlit_app.markup import reveal
from streamlit_app.wording import words

PAGE_SIZE = 50
MAX_QUESTION = 220
"""Characters of a question in a row."""

COLUMNS = words("browse_column")
"""Titles of the columns by their key, in order."""


def num_pages(total: int, page_size: int = PAGE_SIZE) -> int:
    """Return the number of pages for a total; an empty list has one page."""
    return max(1, -(-total // page_size))


def table(rows: Iterable[ReviewRow]) -> dict[str, list[str | int]]:
    """Arrange rows as columns for a data frame; texts show their invisible characters."""
    cells = [_cells(row) for row in rows]
    return {title: [line[key] for line in cells] for key, title in COLUMNS.items()}


def _cells(row: ReviewRow) -> dict[str, str | int]:
    question = " ".join(row.question.split())
    cut = question if len(question) <= MAX_QUESTION else f"{question[: MAX_QUESTION - 1]}…"
    return {
        "question": reveal(cut),
        "gold": _shown(row.gold_label),
        "text": _outcome(row.answer_label, row.gold_label),
        "head": _outcome(row.head_label, row.gold_label),
        "confidence": "" if row.head_confidence is None else f"{row.head_confidence:.0%}",
        "mine": _shown(row.my_label),
        "reviews": row.num_annotations,
        "origin": origin_of(row),
        "form": _shown(FORM_WORDS.get(row.answer_form or "", row.answer_form)),
        "source": reveal(row.source),
        "split": row.split,
        "item": reveal(row.item_id),
    }


def origin_of(row: ReviewRow) -> str:
    """Return where the label of record of a listed item comes from."""
    return origin_words(row.gold_origin, row.conflicting, row.num_agreeing, row.num_annotations)


def _shown(value: str | None) -> str:
    return "" if value is None else reveal(value)


def _outcome(label: str | None, gold: str | None) -> str:
    """Return a label with a sign for right or wrong: colour alone would not do."""
    if label is None or gold is None:
        return _shown(label)
    return f"{'✓' if label == gold else '✗'} {reveal(label)}"
