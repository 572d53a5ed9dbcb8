"""Reading real models' answers, against the labels that their authors' parser took from them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from answer_reading import load_stated

from eci.answers.reader import Reading, read_answer
from eci.questions.labels import PUBMEDQA, LabelSet

pytestmark = pytest.mark.data

QWQ = "QwQ-32B-pubmedqa-test-zero_shot.json"
MEDQA_COT = "gpt-4o-mini-medqa-test_hard-cot.json"
PUBMEDQA_COT = "gpt-4o-mini-pubmedqa-test_hard-cot.json"
MEDQA_FEW_SHOT = "gpt-4o-medqa-test_hard-few_shot.json"
GPT4O_COT = "gpt-4o-pubmedqa-test_hard-cot.json"
GPT4O_FEW_SHOT = "gpt-4o-pubmedqa-test_hard-few_shot.json"

EXPLAINED = {
    # The model reasoned up to the token limit, closed its trace with the last token and wrote no
    # answer. The authors' parser took "B" from inside the trace.
    (QWQ, "12790890"): (None, "absent"),
    # The question is about a figure that the model did not get; it says that it "cannot
    # definitively choose an option" and asks for the figure. The authors' parser gave "A".
    (MEDQA_COT, "709"): (None, "absent"),
}
"""Every answer that is read differently from ``predicted_answer``, and how it is read."""


def _read(data_dir: Path, name: str) -> list[tuple[dict[str, Any], Reading]]:
    rows = json.loads((data_dir / "model_answers" / name).read_text(encoding="utf-8"))
    return [(row, read_answer(_text(row), _options(row))) for row in rows]


def _text(row: dict[str, Any]) -> str:
    return str(row.get("raw_response") or row["completion"])


def _options(row: dict[str, Any]) -> LabelSet:
    return LabelSet.from_options(row["options"])


@pytest.mark.parametrize(("name", "count"), [(QWQ, 434), (MEDQA_COT, 100), (PUBMEDQA_COT, 100)])
def test_readings_agree_with_the_authors_but_for_the_explained(
    data_dir: Path, name: str, count: int
) -> None:
    finished = [(row, reading) for row, reading in _read(data_dir, name) if reading.is_finished]
    assert len(finished) == count
    different = {
        (name, str(row["realidx"])): (reading.label, reading.form)
        for row, reading in finished
        if reading.label != row["predicted_answer"]
    }
    assert different == {key: value for key, value in EXPLAINED.items() if key[0] == name}
    assert 1 - len(different) / count >= 0.99


@pytest.mark.parametrize("name", [MEDQA_FEW_SHOT, GPT4O_COT])
def test_readings_agree_with_what_each_answer_states(data_dir: Path, name: str) -> None:
    stated = load_stated(Path(name).stem)
    read = {str(row["realidx"]): reading.label for row, reading in _read(data_dir, name)}
    assert len(read) == 100
    assert read == stated


@pytest.mark.parametrize("name", [QWQ, PUBMEDQA_COT, GPT4O_COT, GPT4O_FEW_SHOT])
def test_lettered_answers_are_read_without_knowing_the_letters(data_dir: Path, name: str) -> None:
    different = {
        str(row["realidx"]): label
        for row, reading in _read(data_dir, name)
        if (label := read_answer(_text(row), PUBMEDQA).label)
        != row["options"].get(reading.label or "")
    }
    assert different == {}


def test_a_conclusion_decides_where_the_reasoning_is_not_marked(data_dir: Path) -> None:
    rows = [row for row, reading in _read(data_dir, QWQ) if reading.label is not None]
    different = {
        row["realidx"]: reading.label
        for row in rows
        if (reading := read_answer(re.sub("</?think>", "", _text(row)), _options(row))).label
        != row["predicted_answer"]
    }
    assert (len(rows), different) == (433, {})


def test_answers_that_were_cut_off_are_unfinished_and_never_guessed(data_dir: Path) -> None:
    cut_off = [(row, reading) for row, reading in _read(data_dir, QWQ) if not reading.is_finished]
    assert len(cut_off) == 66
    assert all("</think>" not in _text(row) for row, _ in cut_off)
    assert all((reading.label, reading.form) == (None, "absent") for _, reading in cut_off)


def test_an_answer_that_ends_with_its_trace_offers_the_candidates_of_the_trace(
    data_dir: Path,
) -> None:
    (reading,) = (r for row, r in _read(data_dir, QWQ) if row["realidx"] == "12790890")
    assert reading.is_finished
    assert "B" in {label for label, *_ in reading.candidates}


@pytest.mark.parametrize("name", [QWQ, MEDQA_COT, PUBMEDQA_COT])
def test_the_span_alone_reads_as_the_same_label(data_dir: Path, name: str) -> None:
    for row, reading in _read(data_dir, name):
        if reading.label is not None:
            decided = _text(row)[reading.start : reading.end]
            assert read_answer(decided, _options(row)).label == reading.label, row["realidx"]
