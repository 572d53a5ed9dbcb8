"""Ratings of MedQA questions by clinicians, in two phases: blind, then with the gold label shown.

The form of ``medqa_relabelling.csv`` as Google Health released it (Saab et al. 2024, arXiv
2404.18416, appendix C.2): one rating a line. Each becomes two annotations of origin ``import``, one
a phase; a rater who changed nothing after the reveal says the same again. ``time`` covers the whole
form, so it is the duration of the second one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from db.content.imported_labels import ImportedLabel
from db.content.items import PROVISIONAL_ORIGIN
from db.importers.batch import ImportBatch
from db.importers.faults import FaultList
from db.importers.fields import Count, FilledText, Identifier, OptionLabel
from db.importers.files import read_csv
from db.importers.readers.medqa import MedqaEntry, medqa_item
from db.records import Phase, Verdict

OPTION_LETTERS = ("A", "B", "C", "D")
IMPORTANT_NOTE = "The missing information is important."

_EXPECTED = (
    "a header line and one rating a line, columns time (ms), worker_id, qid, question, A to D, "
    "answer_idx, blind_answerable, blind_answers, info_missing, important_info_missing, "
    "seen_change, seen_answerable and seen_answers; answers are written like ['A', 'C']"
)
_MAX_LIST_LENGTH = 200
_LETTER = r"(?:'[A-Z]'|\"[A-Z]\")"
_LETTERS = re.compile(rf"\[\s*(?:{_LETTER}(?:\s*,\s*{_LETTER})*)?\s*\]")


def _read_letters(text: Any) -> tuple[str, ...]:
    """Read a Python list of letters as it is written, without evaluating anything."""
    if text == "":
        return ()
    is_list = isinstance(text, str) and len(text) <= _MAX_LIST_LENGTH and _LETTERS.fullmatch(text)
    if not is_list:
        raise ValueError("expected a list of letters such as ['A', 'C'], or nothing")
    letters = re.findall(r"[A-Z]", text)
    if len(set(letters)) != len(letters):
        raise ValueError("a letter is given twice")
    return tuple(letters)


_Letters = Annotated[tuple[str, ...], BeforeValidator(_read_letters)]
_Truth = Literal["TRUE", "FALSE"]


class _Rating(BaseModel):
    model_config = ConfigDict(frozen=True)

    time: Count
    worker_id: Annotated[Identifier, Field(max_length=60)]
    qid: Annotated[Identifier, Field(max_length=60)]
    question: FilledText
    A: FilledText
    B: FilledText
    C: FilledText
    D: FilledText
    answer_idx: OptionLabel
    blind_answerable: _Truth
    blind_answers: _Letters
    info_missing: _Truth
    important_info_missing: _Truth
    seen_change: _Truth
    seen_answerable: _Truth | Literal[""]
    seen_answers: _Letters

    @property
    def entry(self) -> MedqaEntry:
        """Return the question that was rated, as MedQA holds it."""
        options = {letter: getattr(self, letter) for letter in OPTION_LETTERS}
        return MedqaEntry(
            question=self.question, options=options, answer_idx=self.answer_idx, realidx=self.qid
        )

    def describe_faults(self) -> Iterator[str]:
        """Describe how the rating contradicts itself."""
        for name in ("blind_answers", "seen_answers"):
            unknown = [letter for letter in getattr(self, name) if letter not in OPTION_LETTERS]
            if unknown:
                yield f"{name} holds {unknown}, expected some of {list(OPTION_LETTERS)}"
        if self.blind_answerable != _truth(self.blind_answers):
            yield f"blind_answerable is {self.blind_answerable} with {_named(self.blind_answers)}"
        if self.seen_change == "FALSE" and (self.seen_answerable or self.seen_answers):
            yield f"seen_change is FALSE with {_named(self.seen_answers)} after the reveal"
        if self.seen_change == "TRUE" and self.seen_answerable != _truth(self.seen_answers):
            yield f"seen_answerable is {self.seen_answerable!r} with {_named(self.seen_answers)}"

    def labels(self) -> Iterator[ImportedLabel]:
        """Yield the annotations of both phases."""
        seen = self.seen_answers if self.seen_change == "TRUE" else self.blind_answers
        missing: tuple[Verdict, ...] = ()
        if "TRUE" in (self.info_missing, self.important_info_missing):
            missing = ("information_missing",)
        note = IMPORTANT_NOTE if self.important_info_missing == "TRUE" else ""
        yield self._label("blind", self.blind_answers, missing, note, None)
        yield self._label("revealed", seen, (), "", self.time / 1000)

    def _label(
        self,
        phase: Phase,
        answers: tuple[str, ...],
        verdicts: tuple[Verdict, ...],
        note: str,
        duration_seconds: float | None,
    ) -> ImportedLabel:
        return ImportedLabel(
            item_id=f"medqa-{self.qid}",
            reviewer_name=f"MedQA clinician {self.worker_id:0>2}",
            labels=tuple(letter for letter in OPTION_LETTERS if letter in answers),
            phase=phase,
            verdicts=verdicts if answers else (*verdicts, "unanswerable"),
            note=note,
            duration_seconds=duration_seconds,
        )


def parse_clinician_reviews(path: Path) -> ImportBatch:
    """Read ratings, and their questions as provisional items.

    Raises:
        ImportFileError: Faults in the file.
    """
    faults = FaultList(path, _EXPECTED)
    ratings: dict[str, _Rating] = {}
    rated: dict[tuple[str, str], str] = {}
    entries: dict[str, tuple[str, MedqaEntry]] = {}
    for place, value in read_csv(path, faults, columns=tuple(_Rating.model_fields)):
        rating = faults.check(place, _Rating, value)
        if rating is None:
            continue
        for fault in rating.describe_faults():
            faults.add(place, fault)
        who = (rating.worker_id, rating.qid)
        if who in rated:
            faults.add(place, f"rater {who[0]!r} on question {who[1]!r} again ({rated[who]})")
        rated[who] = place
        first, entry = entries.setdefault(rating.qid, (place, rating.entry))
        if entry != rating.entry:
            faults.add(place, f"question {rating.qid!r} differs from the one in {first}")
        for fault in rating.entry.describe_faults() if first == place else ():
            faults.add(place, fault)
        ratings[place] = rating
    faults.raise_if_any()
    items = {place: medqa_item(entry, "test") for place, entry in entries.values()}
    return ImportBatch(
        origin=PROVISIONAL_ORIGIN,
        items=tuple(items.values()),
        labels=tuple(label for rating in ratings.values() for label in rating.labels()),
        places={item.item_id: place for place, item in items.items()},
        unread=faults.unread,
    )


def _truth(letters: tuple[str, ...]) -> _Truth:
    return "TRUE" if letters else "FALSE"


def _named(letters: tuple[str, ...]) -> str:
    return f"answers {list(letters)}" if letters else "no answer"
