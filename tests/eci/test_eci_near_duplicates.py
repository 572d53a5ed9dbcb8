"""Repeated questions are found however they were cut or reworded, and different ones are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci.errors import DuplicateError
from eci.questions import near_duplicates
from eci.questions.labels import PUBMEDQA, LabelSet
from eci.questions.near_duplicates import (
    DUPLICATE_OVERLAP,
    MIN_SHARED,
    SHINGLE_WORDS,
    DuplicateIndex,
    find_duplicates,
    refuse_duplicates,
    words,
)
from eci.questions.prompts import Exemplar, Question

TEXT = (
    "Sixty adults with chronic cough were given honey or syrup for two weeks in a blinded trial. "
    "Cough scores fell by four points with honey and by three with syrup, a difference that the "
    "authors call uncertain. Sleep improved alike in both groups and nobody left the study early."
)


def _question(text: str, context: str = "", question_id: str = "") -> Question:
    return Question(text, (("RESULTS", context),) if context else (), PUBMEDQA, question_id)


ORIGINAL = _question("Does honey relieve chronic cough in adults?", TEXT, "q1")


@pytest.mark.parametrize(
    "variant",
    [
        ORIGINAL,
        ORIGINAL.with_context_words(20),
        ORIGINAL.with_context_words(0),
        _question(ORIGINAL.question.upper() + "!!", TEXT.replace(",", " ;").upper()),
        _question("Is honey of use?", TEXT),
        _question(ORIGINAL.question, " ".join(reversed(TEXT.split(". ")))),
        _question(ORIGINAL.question, TEXT.replace("adults", "grown-ups").replace("four", "4")),
    ],
    ids=["same", "cut", "no context", "case", "new question", "reordered", "reworded"],
)
def test_a_repeated_question_is_found(variant: Question) -> None:
    [found] = find_duplicates([variant], [_question("Is it safe?", "Quite another."), ORIGINAL])
    assert found.original is ORIGINAL
    assert found.overlap >= DUPLICATE_OVERLAP


def test_a_shared_turn_of_phrase_is_no_duplicate() -> None:
    one = _question("Is there a role for surgery?")
    other = _question("Is there a role for physiotherapy?")
    assert find_duplicates([one], [other]) == []
    assert len(find_duplicates([one], [replace(one, question_id="copy")])) == 1


def test_options_count_as_text_and_their_order_hardly() -> None:
    texts = ["rest and plenty of fluids", "a course of steroids", "surgery on the same day"]
    stem = f"{TEXT} What should be tried first in the next patient?"
    one = Question(stem, (), LabelSet.from_options(dict(zip("ABC", texts, strict=True))))
    other = Question(stem, (), LabelSet.from_options(dict(zip("ABC", texts[::-1], strict=True))))
    assert find_duplicates([one], [other])[0].overlap > 0.7


@pytest.mark.parametrize("text", ["", "???", "\0", "Why?", "𝟙" * 3])
def test_texts_too_short_for_a_shingle_match_their_like_alone(text: str) -> None:
    question = _question(text)
    others = [_question("Really?"), _question("!!!"), ORIGINAL]
    assert find_duplicates([question], others) == []
    assert find_duplicates([question], [*others, question])[0].original == question


def test_nothing_repeats_nothing() -> None:
    assert find_duplicates([], [ORIGINAL]) == []
    assert find_duplicates([ORIGINAL], []) == []


def test_questions_looked_up_together_find_what_each_finds_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(near_duplicates, "_BATCH", 3)
    asked = [_question(f"Is it {n}?", TEXT if n % 2 else f"Other words {n}.") for n in range(8)]
    index = DuplicateIndex([*asked[::2], ORIGINAL])
    assert list(index.find_each(asked)) == [index.find(one) for one in asked]
    assert list(index.find_each([])) == []


def test_duplicates_are_refused_by_name() -> None:
    copies = [replace(ORIGINAL, question_id=f"copy-{i}") for i in range(25)]
    exemplars = [Exemplar(question, "yes") for question in copies]
    refuse_duplicates(exemplars, [])
    with pytest.raises(DuplicateError, match=r"25 of 25.*'copy-0' repeats 'q1' .*1\.00") as caught:
        refuse_duplicates(exemplars, [ORIGINAL])
    assert "and 5 more" in str(caught.value)


_TEXTS = st.lists(st.sampled_from("abcdef"), max_size=14).map(" ".join)


@settings(max_examples=150)
@given(texts=st.lists(_TEXTS, max_size=8), asked=_TEXTS)
def test_the_index_agrees_with_comparing_every_pair(texts: list[str], asked: str) -> None:
    def shingles(text: str) -> set[tuple[str, ...]]:
        found = words(_question(text)) or [text]
        size = min(SHINGLE_WORDS, len(found))
        return {tuple(found[i : i + size]) for i in range(len(found) - size + 1)}

    mine = shingles(asked)
    expected = {}
    for position, text in enumerate(texts):
        other = shingles(text)
        shorter = min(len(mine), len(other))
        both = len(mine & other)
        if both >= DUPLICATE_OVERLAP * shorter and both >= min(MIN_SHARED, shorter):
            expected[position] = both / shorter
    found = DuplicateIndex([_question(text) for text in texts]).find(_question(asked))
    assert dict(found) == pytest.approx(expected)
    assert [overlap for _, overlap in found] == sorted(expected.values(), reverse=True)


@pytest.mark.data
def test_pubmedqa_test_items_repeat_no_training_item_and_are_found_when_they_do(
    data_dir: Path,
) -> None:
    folder = data_dir / "pubmedqa"
    test_ids = set(json.loads((folder / "test_ground_truth.json").read_text()))
    questions = [
        Question(
            fields["QUESTION"],
            tuple(zip(fields["LABELS"], fields["CONTEXTS"], strict=True)),
            PUBMEDQA,
            pmid,
        )
        for pmid, fields in json.loads((folder / "ori_pqal.json").read_text()).items()
    ]
    test = [question for question in questions if question.question_id in test_ids]
    train = [question for question in questions if question.question_id not in test_ids]
    assert find_duplicates([q.with_context_words(60) for q in train], test) == []
    leaked = test[::10]
    found = find_duplicates([*train, *(q.with_context_words(60) for q in leaked)], test)
    assert [pair.original for pair in found] == leaked


@pytest.mark.data
def test_the_only_medqa_pairs_are_the_same_case_retold(data_dir: Path) -> None:
    lines = (data_dir / "medqa_usmle" / "medqa_us_4options_even.jsonl").read_text().splitlines()
    questions = [
        Question(row["question"], (), LabelSet.from_options(row["options"]), str(row["realidx"]))
        for row in map(json.loads, lines)
    ]
    index = DuplicateIndex(questions)
    overlaps = sorted(
        round(overlap, 2)
        for i, question in enumerate(questions)
        for j, overlap in index.find(question)
        if i < j
    )
    assert overlaps == [0.44, 0.61, 0.66]
