"""Lines of questions are understood completely or refused with a reason."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci.errors import EciError, LabelSetError, RecordError, UnknownLabelError
from eci.questions.json_lines import (
    MAX_LINE_BYTES,
    iter_lines,
    load_exemplars,
    load_records,
    parse_exemplar,
    parse_record,
)
from eci.questions.labels import PUBMEDQA, LabelSet

TRIAGE = LabelSet.fixed("triage", ["urgent", "routine"])
KNOWN = {"pubmedqa": PUBMEDQA, "triage": TRIAGE}
PLAIN: dict[str, Any] = {"id": "q1", "question": "Does it help?", "label_set": "pubmedqa"}


def _line(**changes: Any) -> bytes:
    fields = {name: value for name, value in (PLAIN | changes).items() if value is not ...}
    return json.dumps(fields).encode()


def test_every_field_arrives() -> None:
    context = [{"heading": "RESULTS", "text": "It did."}, {"text": "Or not."}, {"text": " "}]
    record = parse_record(
        _line(context=context, label="no", rationale="So.", metadata={"year": 2020}), KNOWN
    )
    assert record.question.context == (("RESULTS", "It did."), ("", "Or not."))
    assert record.question.label_set is PUBMEDQA
    assert record.question.question_id == record.record_id == "q1"
    assert (record.label, record.rationale, record.metadata) == ("no", "So.", {"year": 2020})


def test_context_may_be_one_text_and_the_id_a_number() -> None:
    record = parse_record(_line(id=7, context="It did."), KNOWN)
    assert record.record_id == 7
    assert record.question.context == (("", "It did."),)


@pytest.mark.parametrize("label_set", [..., "options", None])
def test_options_are_the_labels_of_their_question(label_set: object) -> None:
    record = parse_record(_line(label_set=label_set, options={"A": "Rest", "B": "Ice"}), KNOWN)
    assert record.question.label_set == LabelSet.from_options({"A": "Rest", "B": "Ice"})


def test_a_label_set_may_be_written_out_with_definitions_of_its_own() -> None:
    def labels(*given: object) -> LabelSet:
        written = {"name": "triage", "labels": list(given)}
        return parse_record(_line(label_set=written), KNOWN).question.label_set

    assert labels("urgent", "routine") is TRIAGE
    defined = labels({"name": "urgent", "definition": "today"}, "routine")
    assert defined.names == TRIAGE.names
    assert defined.labels[0].definition == "today"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ...}, "id is missing; expected a text or a whole number"),
        ({"id": 1.5}, "id is 1.5; expected a text or a whole number"),
        ({"id": True}, "id is true; expected"),
        ({"question": " \n"}, r'question is " \\n"; expected a text that is not empty'),
        ({"question": ["a"]}, r'question is \["a"\]; expected a text'),
        ({"question": "\ud800"}, r'question is "\\ud800"; expected a text'),
        ({"context": 5}, "context is 5; expected a text or a list of"),
        ({"context": [{"txt": "x"}]}, r'context is \[{"txt": "x"}\]; expected'),
        ({"contxt": "x"}, '"contxt" is no field of a question; known: id, question, context'),
        ({"metadata": [1]}, r"metadata is \[1\]; expected an object"),
        ({"label_set": ...}, r"the labels are missing; expected label_set \(pubmedqa, triage\)"),
        ({"label_set": "options"}, "the labels are missing; expected"),
        ({"label_set": "tirage"}, '"tirage" is unknown; known: pubmedqa, triage.*--label-set'),
        ({"label_set": {"name": "own", "labels": ["a", "b"]}}, '--label-set "own=a,b"'),
        ({"label_set": {"name": "triage"}}, "label_set is .* expected a name or"),
        ({"label_set": {"name": "triage", "labels": ["routine", "urgent"]}}, "in this order"),
        ({"options": {"A": "x", "B": "y"}}, 'options and label_set "pubmedqa" are both given'),
        ({"options": {"A": 1}}, r'options is {"A": 1}; expected texts by letter'),
        ({"id": ..., "question": 3, "odd": 1}, "id is missing.*; question is 3.*; .*odd"),
    ],
)
def test_a_fault_says_what_was_received_and_expected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        parse_record(_line(**changes), KNOWN)


def test_labels_that_cannot_be_are_refused() -> None:
    with pytest.raises(LabelSetError, match="1 options; 2 to 26"):
        parse_record(_line(label_set=..., options={"A": "x"}), KNOWN)
    with pytest.raises(UnknownLabelError, match="'perhaps'"):
        parse_record(_line(label="perhaps"), KNOWN)
    with pytest.raises(RecordError, match="label is missing"):
        parse_exemplar(_line(), KNOWN)
    assert parse_exemplar(_line(label="yes", rationale="So."), KNOWN).rationale == "So."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "no JSON"),
        (b"[]", r"the line is \[\]; expected one JSON object"),
        (b"7", "the line is 7; expected one JSON object"),
        (b'{"id": "\xff"}', "no JSON .*invalid start byte"),
        (b'{"id": "a\x00b"}', "no JSON .*control character"),
        (b'{"id": NaN}', "NaN is no JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", "no JSON .*digits"),
        (b'{"id": 1, "question": "a", "id": 2}', '"id" occurs twice'),
        (b"[" * 100_000, "nests too deeply"),
        (b'{"metadata": ' + b'{"a": ' * 30 + b"1" + b"}" * 31, "nested at most 20 deep"),
        (b'{"question": ' + b"[" * 900 + b"]" * 900 + b"}", "question is|nests too deeply"),
        (b'{"question": "' + b"a" * MAX_LINE_BYTES + b'"}', "longer than 1,048,576 bytes"),
        (b"{" + b", ".join(b'"f%d": 1' % i for i in range(9000)) + b"}", "and 8982 more"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_hostile_lines_are_refused(line: bytes, message: str) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        parse_record(line, KNOWN)
    assert len(str(caught.value)) < 4000


@settings(max_examples=300)
@given(
    line=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [*PLAIN, "context", "options", "label", "metadata", "name", "text"]
                ),
                inner,
                max_size=4,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_line_is_read_or_refused(line: bytes) -> None:
    try:
        record = parse_record(line, KNOWN)
    except EciError as error:
        assert str(error)
    else:
        assert record.question.question.strip()


def test_lines_keep_their_numbers_and_blank_ones_are_passed_over() -> None:
    stream = io.BytesIO(b"\xef\xbb\xbf" + _line() + b"\r\n\n  \n" + _line(id=2))
    lines = list(iter_lines(stream))
    assert [number for number, _ in lines] == [1, 4]
    assert [parse_record(line, KNOWN).record_id for _, line in lines] == ["q1", 2]


@pytest.mark.parametrize("extra", [-1, 0, 1, 2, MAX_LINE_BYTES, 3 * MAX_LINE_BYTES + 5])
def test_an_endless_line_costs_bounded_memory_and_only_itself(extra: int) -> None:
    long = b"x" * (MAX_LINE_BYTES + extra)
    lines = list(iter_lines(io.BytesIO(long + b"\n" + _line())))
    assert [number for number, _ in lines] == [1, 2]
    assert len(lines[0][1]) <= MAX_LINE_BYTES + 1
    assert lines[1][1] == _line()


def test_a_file_is_read_whole_or_each_fault_is_named() -> None:
    good = _line(label="yes") + b"\n"
    assert len(load_records(io.BytesIO(good * 3), KNOWN)) == 3
    assert [e.label for e in load_exemplars(io.BytesIO(good), KNOWN)] == ["yes"]
    with pytest.raises(RecordError, match=r"line 2: the line is no JSON.*; line 4: label is miss"):
        load_exemplars(io.BytesIO(good + b"{\n" + good + _line()), KNOWN)
