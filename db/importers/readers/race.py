"""RACE: articles, each with several questions, their options and right letters in lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from db.importers.entries import Entry, Frame, Row
from db.importers.paths import read_context, read_options, text_of


def read_race(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the questions of each article."""
    del frame
    for place, row in rows:
        parts = zip(row["questions"], row["options"], row["answers"], strict=True)
        for number, (question, options, answer) in enumerate(parts, start=1):
            yield Entry(
                place=f"{place}, question {number}",
                item_id=f"{text_of(row['id'])}-{number}" if row.get("id") else "",
                question=text_of(question),
                context=read_context(row["article"]),
                options=read_options(options),
                gold=answer,
                source="race",
            )
