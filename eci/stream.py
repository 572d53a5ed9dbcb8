"""Classifying a stream of questions of any length, chunk by chunk; a bad line stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any

from eci.answers.reader import Reading, read_answer
from eci.answers.several import read_labels
from eci.errors import EciError
from eci.questions.json_lines import Record, parse_record
from eci.questions.labels import LabelSet
from eci.questions.prompts import Exemplar, Question

if TYPE_CHECKING:
    from eci.model.eci_model import Answer, Classification, EciModel, Progress

ShotChooser = Callable[[Question], tuple[Exemplar, ...]]
"""Gives the shots of a question, such as ``ExemplarPool.choose`` with its number of shots."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one line: a category, or why there is none.

    Attributes:
        line_number: From 1.
        record: None where the line could not be read.
        category: None where ``fault`` says why.
        answer: None where no text was asked for.
        fault: Empty where there is a category.
    """

    line_number: int
    record: Record | None = None
    category: Classification | None = None
    answer: Answer | None = None
    fault: str = ""


def no_shots(_: Question) -> tuple[Exemplar, ...]:
    """Return a question without any shots."""
    return ()


def classify_lines(
    model: EciModel,
    lines: Iterable[tuple[int, bytes]],
    *,
    choose_shots: ShotChooser = no_shots,
    max_new_tokens: int = 0,
    batch_size: int = 8,
    chunk_size: int = 128,
    progress: Progress | None = None,
) -> Iterator[list[Outcome]]:
    """Classify the questions of a stream.

    Args:
        model: Its head knows the fixed label sets that lines may name.
        lines: With their numbers, as :func:`eci.questions.json_lines.iter_lines` gives them.
        choose_shots: Called for each question.
        max_new_tokens: Longest text to write after the category; 0 for none.
        batch_size: Questions prefilled together.
        chunk_size: Lines held in memory; within a chunk, similar lengths are put together.
        progress: Called after each batch, within the chunk.

    Yields:
        The outcomes of one chunk: one for each line, in the order of the lines.
    """

    def run(asked: Sequence[_Asked]) -> list[tuple[Classification, Answer | None]]:
        questions = [one.record.question for one in asked]
        shots = [one.shots for one in asked]
        if not max_new_tokens:
            read = model.classify(questions, shots, batch_size=batch_size, progress=progress)
            return [(category, None) for category in read]
        answers = model.answer(
            questions,
            shots,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            progress=progress,
        )
        return [(answer.classification, answer) for answer in answers]

    source = iter(lines)
    while chunk := list(islice(source, chunk_size)):
        understood = [_ask(model, number, line, choose_shots) for number, line in chunk]
        yield _complete(model, understood, run)


def result_fields(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome without a fault as the fields of its line of output.

    docs/eci_library.md lists them.
    """
    record, category = outcome.record, outcome.category
    assert record and category  # noqa: S101 - narrows types: there was no fault
    labels = record.question.label_set
    fields: dict[str, Any] = {
        "id": record.record_id,
        "label": _plain(labels, category.label),
        "probabilities": dict(zip(labels.names, category.probabilities, strict=True)),
        "set": None if category.labels_in_set is None else list(category.labels_in_set),
        "ask_a_person": category.asks_person,
        "prompt_tokens": category.prompt_tokens,
        "is_shortened": category.is_shortened,
    }
    if outcome.answer is not None:
        fields["answer"] = _answer_fields(outcome.answer, labels)
    if record.answer is not None:
        fields["judgement"] = _judgement_fields(record.answer, category, labels)
    if record.label is not None:
        fields["gold_label"] = _plain(labels, record.label)
    if record.metadata is not None:
        fields["metadata"] = record.metadata
    return fields


def read_text(
    text: str, labels: LabelSet, aliases: Mapping[str, Sequence[str]] | None = None
) -> Reading:
    """Return the label that a text gives; where several may be right, all of them."""
    return (read_labels if labels.is_several else read_answer)(text, labels, aliases)


def _plain(labels: LabelSet, label: str | None) -> Any:
    """Return a label for output: of items with several right ones, the list of them."""
    if label is None or not labels.is_several:
        return label
    return [labels.names[place] for place in labels.indices(label)]


def _answer_fields(answer: Answer, labels: LabelSet) -> dict[str, Any]:
    reading = read_text(answer.text, labels)
    read = reading_fields(reading, labels)
    fields = {"text": answer.text, **read, "num_tokens": answer.num_tokens}
    if answer.classification.thinking:
        fields["thinking"] = answer.classification.thinking
    return {**fields, "is_finished": answer.is_finished and reading.is_finished}


def _judgement_fields(answer: str, category: Classification, labels: LabelSet) -> dict[str, Any]:
    """Return what an answer says, and what the head thinks of that."""
    reading = read_text(answer, labels)
    read = reading_fields(reading, labels)
    fields: dict[str, Any] = {**read, "probability": None, "agrees": None}
    if reading.label is not None:
        right = labels.indices(reading.label)
        # Of a set: that each of its labels is right and no other, as if they were independent.
        each = [p if place in right else 1 - p for place, p in enumerate(category.probabilities)]
        fields["probability"] = prod(each) if labels.is_several else each[right[0]]
        fields["agrees"] = reading.label == category.label
    return fields


def reading_fields(reading: Reading, labels: LabelSet) -> dict[str, Any]:
    """Return what was read from an answer as fields of a line of output."""
    return {
        "label": _plain(labels, reading.label),
        "form": reading.form,
        "span": None if reading.start is None else [reading.start, reading.end],
        "is_finished": reading.is_finished,
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    line_number: int
    record: Record
    shots: tuple[Exemplar, ...]


def _ask(model: EciModel, number: int, line: bytes, choose: ShotChooser) -> _Asked | Outcome:
    record = None
    try:
        record = parse_record(line, model.label_sets)
        return _Asked(number, record, choose(record.question))
    except EciError as error:
        return Outcome(number, record, fault=str(error))


def _complete(
    model: EciModel,
    understood: Sequence[_Asked | Outcome],
    run: Callable[[Sequence[_Asked]], list[tuple[Classification, Answer | None]]],
) -> list[Outcome]:
    asked = [one for one in understood if isinstance(one, _Asked)]
    refused = {one.line_number: one for one in understood if isinstance(one, Outcome)}
    try:
        results = run(asked)
    except EciError:
        # One prompt that cannot be written refuses the whole call, before anything is computed.
        refused |= {one.line_number: fault for one in asked if (fault := _find_fault(model, one))}
        asked = [one for one in asked if one.line_number not in refused]
        results = run(asked)
    outcomes = refused | {
        one.line_number: Outcome(one.line_number, one.record, category, answer)
        for one, (category, answer) in zip(asked, results, strict=True)
    }
    return [outcomes[one.line_number] for one in understood]


def _find_fault(model: EciModel, asked: _Asked) -> Outcome | None:
    try:
        model.row(asked.record.question, asked.shots)
    except EciError as error:
        return Outcome(asked.line_number, asked.record, fault=str(error))
    return None
