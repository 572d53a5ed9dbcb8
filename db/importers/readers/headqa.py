"""HEAD-QA: the exams of the original release, or one question a row as on Hugging Face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from db.importers.entries import Entry, Frame, Row
from db.importers.mapping import Mapping, read_entry
from db.importers.paths import text_of

_QUESTION: Final = Mapping(question="qtext", options="answers", gold="ra", source="=headqa")


def read_headqa(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the questions of each exam; they are numbered within it."""
    del frame
    for place, exam in rows:
        name = text_of(exam.get("name") or exam.get("id"))
        about = {key: text_of(exam[key]) for key in ("year", "category") if exam.get(key)}
        for question in exam.get("data") or [exam]:
            number = text_of(question["qid"])
            yield replace(
                read_entry(place, question, _QUESTION),
                place=f"{place}, question {number}",
                item_id=f"{name}-{number}",
                metadata={"exam": name, **about},
            )
