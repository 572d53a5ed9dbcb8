"""Reading the labels out of answers that came without them, for the store."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from string import ascii_uppercase
from typing import Final, cast

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from db.connection import Database
from db.content.readings import (
    AnswerReading,
    UnreadAnswer,
    add_readings,
    find_unread,
    reading_table,
    unread_answers,
)
from db.copied_reads import read_aside
from db.importers.batch import ImportBatch
from db.records import OPTION_LABEL_SETS, OPTIONS_LABEL_SET
from eci.answers.reader import READER_VERSION, Reading, read_answer
from eci.answers.several import read_labels
from eci.questions.labels import PUBMEDQA, LabelSet

_FEW: Final = 300
"""Answers that are read at once: a process takes longer to start."""
_PART: Final = 10_000
"""Labels stored in one transaction."""
_one_at_a_time = threading.Lock()


def read_new_answers(database: Database) -> int:
    """Read every answer whose run did not say how it gives its label; give how many were read.

    Stored in parts, so that a stop in between loses nothing. Answers read by an older version of
    the reader are read again.
    """
    with _one_at_a_time:
        cur = database.cursor()
        few = list(find_unread(cur, READER_VERSION, limit=_FEW + 1))
        if not few:
            return 0
        is_few = sum(unread.num_rows for unread in few) <= _FEW
        readings = _read_tables(few) if is_few else read_aside(cur, _read_everything)
        starts = iter(range(0, readings.num_rows, _PART))
        return database.in_parts(
            lambda cur: sum(
                add_readings(cur, readings.slice(start, _PART)) for start in islice(starts, 1)
            )
        )


def _read_everything(cur: DuckDBPyConnection) -> pa.Table:
    return _read_tables(find_unread(cur, READER_VERSION))


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
    columns = ["item_id", "label_set", "labels", "options", "is_several"]
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


def _read_tables(tables: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables(
        reading_table(_read(answer) for answer in unread_answers(unread)) for unread in tables
    )


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
    options = [(option.label, option.text) for option in unread.options]
    if unread.is_several:
        labels = (
            LabelSet.from_options(options, is_several=True)
            if unread.label_set in OPTION_LABEL_SETS
            else LabelSet.fixed(unread.label_set, unread.labels, is_several=True)
        )
        reading = read_labels(unread.answer, labels, unread.aliases)
        return reading, reading.label
    if unread.label_set == OPTIONS_LABEL_SET:
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
