"""SQuAD and data sets of its form, such as COVID-QA: questions whose answers are in a passage.

They have no labels: what a model writes is reviewed as text, next to the passage and the answers
that count as right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from typing import Any, Final

from db.importers.entries import Entry, Frame, Row
from db.importers.paths import text_of
from db.records import FREE_TEXT_LABEL_SET, Section

UNANSWERABLE: Final = "The passage does not answer this question."
"""The right answer where the file says ``is_impossible`` or lists none."""


def read_squad(rows: Iterable[Row], frame: Frame) -> Iterator[Entry]:
    """Yield the questions of each article's passages, or of each row as on Hugging Face."""
    del frame
    for place, row in rows:
        title = text_of(row.get("title"))
        for passage in row.get("paragraphs") or [{"context": row["context"], "qas": [row]}]:
            section = Section(title, text_of(passage["context"]))
            for asked in passage["qas"]:
                yield _entry(place, asked, section)


def _entry(place: str, asked: MappingOf[str, Any], section: Section) -> Entry:
    given = asked.get("answers") or ()
    texts = given["text"] if isinstance(given, MappingOf) else [one["text"] for one in given]
    right = list(dict.fromkeys(text_of(text) for text in texts))
    return Entry(
        place=f"{place}, question {asked.get('id', '')}",
        item_id=text_of(asked.get("id")),
        question=text_of(asked["question"]),
        context=(section,),
        label_set=FREE_TEXT_LABEL_SET,
        long_answer="\n".join(right) if right else UNANSWERABLE if "answers" in asked else "",
    )
