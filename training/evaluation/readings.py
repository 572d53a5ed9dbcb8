"""Reading the labels out of answers that came without them, for the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase
from typing import Final, cast

import pyarrow as pa
import pyarrow.compute as pc

from db.child_process import child_process
from db.connection import Database
from db.content.readings import (
    AnswerReading,
    UnreadAnswer,
    add_readings,
    find_unread,
    reading_table,
    unread_answers,
)
from db.importers.batch import ImportBatch
from db.records import OPTIONS_LABEL_SET
from eci.answers.reader import READER_VERSION, Reading, read_answer
from eci.questions.labels import PUBMEDQA, LabelSet

_BATCH: Final = 2_000
_ANSWER_BYTES: Final = 1_000


def read_new_answers(database: Database) -> int:
    """Read every answer whose run did not say how it gives its label; give how many were read.

    Stored batch by batch, so that a stop in between loses nothing. Answers read by an older version
    of the reader are read again.
    """
    num_read = 0
    unread = find_unread(database.cursor(), READER_VERSION, limit=_BATCH)
    with child_process(for_bytes=_ANSWER_BYTES * unread.num_rows) as call:
        while unread.num_rows:
            readings = call(_read_all, unread)
            with database.transaction() as cur:
                num_read += add_readings(cur, readings)
            unread = find_unread(database.cursor(), READER_VERSION, limit=_BATCH)
    return num_read


@dataclass(frozen=True)
class Compared:
    """How many labels of a file differ from those that the texts of its answers state."""

    num_compared: int = 0
    num_differing: int = 0


def compare_staged(batch: ImportBatch, folder: Path) -> Compared:
    """Compare the labels of a staged file with those that its answers state.

    Only answers with both, to items that are in the file.
    """
    staged = batch.staged(folder)
    items, predictions = cast(pa.Table, staged.items), cast(pa.Table, staged.predictions)
    has_both = pc.and_(pc.is_valid(predictions["answer"]), pc.is_valid(predictions["answer_label"]))
    columns = ["item_id", "label_set", "labels", "options"]
    joined = predictions.filter(has_both).select(["run_id", "item_id", "answer", "answer_label"])
    by_id = {row["item_id"]: row for row in items.select(columns).to_pylist()}
    # The store, with the synonyms of its label sets, is not at hand here.
    rows = [
        {**row, **by_id[row["item_id"]], "set_labels": None}
        for row in joined.to_pylist()
        if row["item_id"] in by_id
    ]
    labels = [
        (answer.answer_label, _read_label(answer)[1])
        for answer in unread_answers(pa.Table.from_pylist(rows))
    ]
    differing = sum(label is not None and label != given for given, label in labels)
    return Compared(len(labels), differing)


def _read_all(unread: pa.Table) -> pa.Table:
    return reading_table(_read(answer) for answer in unread_answers(unread))


def _read(unread: UnreadAnswer) -> AnswerReading:
    reading, label = _read_label(unread)
    return AnswerReading(
        run_id=unread.run_id,
        item_id=unread.item_id,
        label=label,
        form=reading.form,
        start_index=reading.start,
        end_index=reading.end,
        is_finished=reading.is_finished,
        reader_version=READER_VERSION,
    )


def _read_label(unread: UnreadAnswer) -> tuple[Reading, str | None]:
    if unread.label_set == OPTIONS_LABEL_SET:
        options = [(option.label, option.text) for option in unread.options]
        reading = read_answer(unread.answer, LabelSet.from_options(options))
        return reading, reading.label
    label_set = (
        PUBMEDQA
        if unread.label_set == PUBMEDQA.name
        else LabelSet.fixed(unread.label_set, unread.labels)
    )
    if any(unread.aliases.values()):
        reading = read_answer(unread.answer, label_set, unread.aliases)
        return reading, reading.label
    reading = read_answer(unread.answer, label_set)
    if reading.form == "inferred" and unread.answer_label is not None:
        reading = _check_letter(unread, label_set, reading)
    return reading, reading.label


def _check_letter(unread: UnreadAnswer, label_set: LabelSet, reading: Reading) -> Reading:
    """Return how a letter gives its label, by the label that the run's makers read.

    Nothing in the store records which letter stood for which label. Where the makers' label is the
    one that the order of the labels gives, the prompt used that order; elsewhere another one.
    """
    if reading.label != unread.answer_label:
        return replace(reading, label=None, form="absent", start=None, end=None)
    letters = dict(zip(unread.labels, ascii_uppercase, strict=False))
    return read_answer(unread.answer, label_set, {name: [one] for name, one in letters.items()})
