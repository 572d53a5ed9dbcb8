"""JSON lines: the questions of `python -m eci classify` and the answers of `python -m eci read`.

One JSON object a line, UTF-8. A line is understood completely or refused: an unknown field may be a
misspelt one, and dropping it would change the question. docs/eci_library.md lists the fields.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from eci.errors import EciError, RecordError
from eci.questions.labels import OPTION_SETS, SEVERAL_OPTIONS, Label, LabelSet
from eci.questions.prompts import Exemplar, Question

MAX_LINE_BYTES: Final = 1 << 20
"""Longer lines are refused unread: no prompt is that long, and memory stays bounded."""

_NUM_NAMED: Final = 20
_SHOWN: Final = 80
_MAX_DEPTH: Final = 20

_T = TypeVar("_T")
_Model = TypeVar("_Model", bound=BaseModel)


def _encodable(text: str) -> str:
    # JSON can spell half of a surrogate pair, which no tokenizer takes.
    text.encode()
    return text


def _flat(metadata: dict[str, Any]) -> dict[str, Any]:
    # What can hardly be read must still be written: deep nesting ends in a RecursionError.
    level: list[Any] = [metadata]
    for _ in range(_MAX_DEPTH):
        children = (v.values() if isinstance(v, dict) else v for v in level)
        level = [c for group in children for c in group if isinstance(c, dict | list)]
    if level:
        raise ValueError(f"nested deeper than {_MAX_DEPTH}")
    return metadata


_Text = Annotated[str, AfterValidator(_encodable)]
_Filled = Annotated[_Text, StringConstraints(pattern=r"\S")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Section(_Strict):
    heading: _Text = ""
    text: _Text


class _Label(_Strict):
    name: _Filled
    definition: _Text = ""
    code: _Text = ""


class _LabelSet(_Strict):
    name: _Filled
    labels: list[_Filled | _Label]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(x if isinstance(x, str) else x.name for x in self.labels)

    def label_set(self, is_several: bool) -> LabelSet:
        labels = (
            Label(x) if isinstance(x, str) else Label(x.name, "", x.definition, x.code)
            for x in self.labels
        )
        return LabelSet(self.name, tuple(labels), is_several)


class _Fields(_Strict):
    """The fields of a line; each description says what a message says was expected."""

    id: _Filled | int = Field(description="a text or a whole number")
    question: _Filled = Field(description="a text that is not empty")
    context: _Text | list[_Section] = Field(
        "", description='a text or a list of {"heading": ..., "text": ...}'
    )
    label_set: _Filled | _LabelSet | None = Field(
        None, description='a name or {"name": ..., "labels": [...]}'
    )
    options: dict[_Filled, _Text] | None = Field(
        None, description='texts by letter, such as {"A": "Rest", "B": "Surgery"}'
    )
    is_several: bool = Field(False, description="true where several of the options may be right")
    label: _Filled | list[_Filled] | None = Field(
        None, description="the gold label, or a list of labels where several may be right"
    )
    rationale: _Text = Field("", description="a text")
    answer: _Text | None = Field(None, description="what a model wrote, a text")
    metadata: Annotated[dict[str, Any], AfterValidator(_flat)] | None = Field(
        None, description=f"an object, nested at most {_MAX_DEPTH} deep"
    )


class _AnswerFields(_Strict):
    """The fields of a line with an answer to be read."""

    id: _Filled | int | None = Field(None, description="a text or a whole number")
    text: _Text | None = Field(description="the answer, a text or null")
    labels: list[_Filled] | None = Field(
        None, description='a list of texts, such as ["yes", "no", "maybe"]'
    )
    options: dict[_Filled, _Text] | None = Field(
        None, description='texts by letter, such as {"A": "Rest", "B": "Surgery"}'
    )
    is_several: bool = Field(False, description="true where several labels may be right")
    aliases: dict[_Filled, list[_Filled]] = Field(
        {}, description='other names by label, such as {"yes": ["A", "positive"]}'
    )


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One answer of a file, still to be read.

    Attributes:
        record_id: As given; None without one.
        text: What a model wrote.
        label_set: The labels it may give.
        aliases: Label to the other names that stand for it.
    """

    record_id: str | int | None
    text: str
    label_set: LabelSet
    aliases: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Record:
    """One question of a file.

    Attributes:
        record_id: As given.
        label: Its gold label, where the line has one: as :meth:`LabelSet.join` writes it. It is
            never shown to the model.
        rationale: Why that label is right; shown only where the record serves as a shot.
        answer: What a model wrote, to be judged; None without one.
        metadata: Carried along untouched.
    """

    record_id: str | int
    question: Question
    label: str | None
    rationale: str
    metadata: Mapping[str, Any] | None
    answer: str | None = None


def parse_record(line: bytes, label_sets: Mapping[str, LabelSet]) -> Record:
    """Read one line.

    Args:
        label_sets: The fixed label sets that lines may name; options always work.

    Raises:
        RecordError: It is no JSON object, or its fields break a rule; all such faults are named.
        LabelSetError: Options or labels cannot be a label set.
        UnknownLabelError: The gold label is none of the labels.
    """
    fields = _validate(line, _Fields, "a question")
    labels = _label_set(fields, label_sets)
    right = [fields.label] if isinstance(fields.label, str) else fields.label
    label = None if right is None else labels.join(right)
    given = fields.context
    sections = [_Section(text=given)] if isinstance(given, str) else given
    context = tuple((s.heading, s.text) for s in sections if s.text.strip())
    question = Question(fields.question, context, labels, str(fields.id))
    return Record(fields.id, question, label, fields.rationale, fields.metadata, fields.answer)


def parse_answer(line: bytes) -> AnswerLine:
    """Read one line with an answer.

    Raises:
        RecordError: It is no JSON object, or its fields break a rule; all such faults are named.
        LabelSetError: Options or labels cannot be a label set.
        UnknownLabelError: Aliases are given for what is none of the labels.
    """
    fields = _validate(line, _AnswerFields, "an answer")
    if (fields.labels is None) == (fields.options is None):
        raise RecordError("expected either labels or options, one of the two")
    if fields.options is not None:
        label_set = LabelSet.from_options(fields.options, is_several=fields.is_several)
    else:
        names = fields.labels or []
        label_set = LabelSet.fixed("labels", names, is_several=fields.is_several)
    for label in fields.aliases:
        label_set.index(label)
    return AnswerLine(fields.id, fields.text or "", label_set, fields.aliases)


def parse_exemplar(line: bytes, label_sets: Mapping[str, LabelSet]) -> Exemplar:
    """Read one line that is to serve as a shot: its gold label must be there.

    Raises:
        EciError: As :func:`parse_record`.
    """
    record = parse_record(line, label_sets)
    if record.label is None:
        raise RecordError("label is missing; expected the gold label, for this is an exemplar")
    return Exemplar(record.question, record.label, record.rationale)


def iter_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1.

    Of a line longer than ``MAX_LINE_BYTES`` only the beginning is given, one byte too long, so that
    :func:`parse_record` refuses it. Memory stays bounded whatever the stream holds.
    """
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_LINE_BYTES + 1)
        if line.strip():
            yield number, line


def load_records(stream: IO[bytes], label_sets: Mapping[str, LabelSet]) -> list[Record]:
    """Read a whole file of questions; all of it or nothing.

    Raises:
        RecordError: Lines cannot be read, each is named with its number; or there is none.
    """
    return _load(stream, lambda line: parse_record(line, label_sets))


def load_exemplars(stream: IO[bytes], label_sets: Mapping[str, LabelSet]) -> list[Exemplar]:
    """Read a whole file of exemplars; all of it or nothing.

    Raises:
        RecordError: Lines cannot be read or have no label, each is named; or there is none.
    """
    return _load(stream, lambda line: parse_exemplar(line, label_sets))


def _load(stream: IO[bytes], parse: Callable[[bytes], _T]) -> list[_T]:
    loaded: list[_T] = []
    faults: list[str] = []
    for number, line in iter_lines(stream):
        try:
            loaded.append(parse(line))
        except EciError as error:
            faults.append(f"line {number}: {error}")
    if faults:
        raise RecordError(
            f"{getattr(stream, 'name', 'The file')} cannot be used before these lines are "
            f"corrected or removed: {_join(faults)}"
        )
    if not loaded:
        raise RecordError(
            f"{getattr(stream, 'name', 'The file')} holds no line; expected one question a line"
        )
    return loaded


def _parse_json(line: bytes) -> object:
    if len(line) > MAX_LINE_BYTES:
        raise RecordError(
            f"the line is longer than {MAX_LINE_BYTES:,} bytes; shorten its context or drop it"
        )
    try:
        return json.loads(
            line.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except ValueError as error:
        raise RecordError(
            f"the line is no JSON ({error}): {_show(line.decode(errors='replace').strip())}; "
            "expected one JSON object in UTF-8"
        ) from error


def _validate(line: bytes, model: type[_Model], what: str) -> _Model:
    try:
        fields = _parse_json(line)
        return model.model_validate(fields)
    except RecursionError as error:
        raise RecordError("the line nests too deeply; expected one flat JSON object") from error
    except ValidationError as error:
        faults: dict[str, str] = {}
        for detail in error.errors(include_url=False):
            # By the outermost field: a union reports one fault for each of its members.
            name = str(detail["loc"][0]) if detail["loc"] else ""
            faults.setdefault(name, _describe(name, fields, model, what))
        raise RecordError(_join(list(faults.values()))) from error


def _label_set(fields: _Fields, known: Mapping[str, LabelSet]) -> LabelSet:
    given = fields.label_set
    name = given.name if isinstance(given, _LabelSet) else given
    if fields.options is not None:
        if name not in {None, *OPTION_SETS}:
            raise RecordError(
                f"options and label_set {_show(name)} are both given; leave one of them out"
            )
        is_several = fields.is_several or name == SEVERAL_OPTIONS
        return LabelSet.from_options(fields.options, is_several=is_several)
    if name is None or name in OPTION_SETS:
        raise RecordError(
            f"the labels are missing; expected label_set ({', '.join(sorted(known))}) or options"
        )
    if name not in known:
        names = ",".join(given.names) if isinstance(given, _LabelSet) else "LABEL,LABEL,..."
        raise RecordError(
            f"label set {_show(name)} is unknown; known: {', '.join(sorted(known))}. A head must "
            f"know its label sets beforehand: declare it (--label-set {_show(f'{name}={names}')}) "
            "or take an artifact that was trained on it"
        )
    if fields.is_several and not known[name].is_several:
        raise RecordError(
            f"label set {_show(name)} has one right label a question as the head knows it; leave "
            "is_several out or take an artifact that was trained on sets of labels"
        )
    if not isinstance(given, _LabelSet):
        return known[name]
    if given.names != known[name].names:
        raise RecordError(
            f"label set {_show(name)} has the labels {_show(given.names)}; expected "
            f"{_show(known[name].names)} in this order, as declared"
        )
    says_more = any(isinstance(x, _Label) and (x.definition or x.code) for x in given.labels)
    return given.label_set(known[name].is_several) if says_more else known[name]


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise RecordError(f"{_show(twice)} occurs twice in one object; give each name once")
    return fields


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise RecordError(f"{text[:_SHOWN]} is too large a number; expected one below 1e308")
    return number


def _refuse(constant: str) -> None:
    raise RecordError(f"{constant} is no JSON; expected a number, null or a text in its place")


def _describe(name: str, fields: object, model: type[BaseModel], what: str) -> str:
    known = model.model_fields
    if not isinstance(fields, dict):
        return f"the line is {_show(fields)}; expected one JSON object"
    if name not in known:
        hint = ". What should be carried along belongs into metadata" if "metadata" in known else ""
        return f"{_show(name)} is no field of {what}; known: {', '.join(known)}{hint}"
    if name not in fields:
        return f"{name} is missing; expected {known[name].description}"
    return f"{name} is {_show(fields[name])}; expected {known[name].description}"


def _join(faults: Sequence[str]) -> str:
    more = f"; and {len(faults) - _NUM_NAMED} more" if len(faults) > _NUM_NAMED else ""
    return "; ".join(faults[:_NUM_NAMED]) + more


def _show(value: object) -> str:
    """Quote what was received; JSON escapes whatever could disturb a terminal."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} […]"
