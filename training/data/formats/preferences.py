"""Formats of answers that people accepted or rejected, for preference training.

TRL's preference and unpaired preference types, in the conversational format, which its trainers
put into the chat template of the model (https://huggingface.co/docs/trl/dataset_formats).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from db.retraining.judged_answers import JudgedAnswer
from eci.questions.prompts import Message
from training.data.build import Build, BuiltRecord
from training.data.formats.tables import TRAINING_FOLDS, Format, Rows, write_lines

_NOTHING: Final = (
    "Review items of the train split together with the answers of a run: an answer is rejected "
    "where the label of record is another or a reviewer corrected it, and accepted where a "
    "reviewer left it as it is."
)


def _dpo(record: BuiltRecord, answer: JudgedAnswer) -> dict[str, Any] | None:
    """Return what is to be learned and, in its place, what the model wrote.

    The chosen text is the one that a run learns: the label of record, then the reviewer's text or,
    where only the label was corrected, the imported explanation if it is one of that label.
    """
    is_same = answer.answer.strip() == record.completion.strip()
    if answer.is_accepted or is_same:
        return None
    return {
        "prompt": record.prompt,
        "chosen": record.messages[-1:],
        "rejected": [_written(answer)],
    }


def _kto(record: BuiltRecord, answer: JudgedAnswer) -> dict[str, Any]:
    return {
        "prompt": record.prompt,
        "completion": [_written(answer)],
        "label": answer.is_accepted,
    }


def _written(answer: JudgedAnswer) -> Message:
    return {"role": "assistant", "content": answer.answer}


def _rows(
    fields: Callable[[BuiltRecord, JudgedAnswer], dict[str, Any] | None],
) -> Callable[[Build], Rows]:
    """Return what makes at most one row of each judged text, in a table for each fold."""

    def rows(build: Build) -> Rows:
        tables = {}
        for fold in TRAINING_FOLDS:
            found = [fields(*pair) for pair in _pairs(build, build.fold(fold))]
            tables[fold] = [row for row in found if row is not None]
        return {fold: kept for fold, kept in tables.items() if kept}

    return rows


def _pairs(
    build: Build, records: tuple[BuiltRecord, ...]
) -> Iterator[tuple[BuiltRecord, JudgedAnswer]]:
    """Yield each record with each answer to its item; a text that several runs gave comes once."""
    by_item = {record.item_id: record for record in records}
    seen = set()
    for answer in build.answers:
        key = (answer.item_id, answer.answer.strip(), answer.is_accepted)
        if answer.item_id in by_item and key not in seen:
            seen.add(key)
            yield by_item[answer.item_id], answer


DPO: Final = Format(_rows(_dpo), write_lines, nothing=_NOTHING, is_of_answers=True)
KTO: Final = Format(_rows(_kto), write_lines, nothing=_NOTHING, is_of_answers=True)
