"""The rules behind the review workbench: differences, sentences, phases, reading time, forms."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.records import Annotation, Encounter, Judgement, Prediction, Span
from streamlit_app.logic.review.answer_diff import MAX_WORDS, compare_answers
from streamlit_app.logic.review.form_values import split_labels, starting_values
from streamlit_app.logic.review.phases import kept_by, next_phase
from streamlit_app.logic.review.reading_time import floor_seconds
from streamlit_app.logic.review.sentences import sentence_spans
from tests.support.records import make_drug_item


def annotation(number: int, **more: Any) -> Annotation:
    fields: dict[str, Any] = {
        "annotation_id": f"a-{number}", "item_id": "q-1", "reviewer_id": "ann",
        "judgement": Judgement(("yes",)), "encounter": Encounter(phase=more.pop("phase", "open")),
        "created_at": datetime(2026, 5, 1, tzinfo=UTC),
    }  # fmt: skip
    return Annotation(**{**fields, **more})


@given(st.text(), st.text())
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    changes = compare_answers(before, after)

    def joined(*kinds: str) -> str:
        return "".join(change.text for change in changes if change.kind in kinds)

    def plain(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n").strip()

    assert joined("same", "out") == plain(before)
    assert joined("same", "in") == plain(after)


def test_a_difference_is_by_words_and_by_lines_where_texts_are_long() -> None:
    changes = compare_answers("Give the drug, now.", "Give a drug, now.")
    assert [(c.kind, c.text) for c in changes] == [
        ("same", "Give "), ("out", "the"), ("in", "a"), ("same", " drug, now."),
    ]  # fmt: skip
    line = "word " * 10 + "\n"
    long = line * (MAX_WORDS // 10)
    assert [c.kind for c in compare_answers(long, "First.\n" + long)] == ["in", "same"]


@given(st.text())
def test_sentences_lie_in_order_without_space_around_them(text: str) -> None:
    spans = sentence_spans(text)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    covered = "".join(text[start:end] for start, end in spans)
    assert "".join(covered.split()) == "".join(text.split())


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = 'The dose was "2.5 mg." It helped!\nAnswer: yes'
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        'The dose was "2.5 mg."', "It helped!", "Answer: yes",
    ]  # fmt: skip


def test_the_phase_follows_from_what_was_said() -> None:
    blind, revealed = annotation(1, phase="blind"), annotation(2, phase="revealed")
    assert next_phase("open", [blind]) == "open"
    assert next_phase("blind", []) == "blind"
    assert next_phase("blind", [blind]) == next_phase("blind", [blind, revealed]) == "revealed"
    assert next_phase("blind", [annotation(1)]) == "open"
    taken = annotation(3, action="retract", retracted_annotation_id="a-2")
    other = annotation(4, reviewer_id="bob")
    assert kept_by([blind, revealed, other, taken], "ann") == [blind]


@pytest.mark.parametrize(("phase", "words"), [("blind", 13), ("revealed", 4), ("open", 17)])
def test_the_reading_floor_counts_what_is_new_on_screen(phase: Any, words: int) -> None:
    item = make_drug_item(1)  # 4 words of question, 9 of context
    prediction = Prediction("run", "q-1", "Yes, it does help.", "yes")
    num_words = floor_seconds(item, prediction, phase, 60)
    assert num_words == words - (0 if phase == "revealed" else 2)


def test_a_form_starts_from_what_stands_and_the_draft_over_it() -> None:
    mine = annotation(1, judgement=Judgement(("yes", "maybe"), note="old", severity="minor"))
    labels = ("yes", "no", "maybe")
    values = starting_values(mine, {}, labels)
    assert split_labels(values) == ("yes", ("maybe",))
    assert (values.labels, values.note) == (("yes", "maybe"), "old")
    drafted = starting_values(
        mine,
        {
            "label": None,
            "also": ["no", "x"],
            "note": "new",
            "span": ["answer", 1, 4],
            "severity": 3,
        },
        labels,
    )
    assert drafted == Judgement(("no",), note="new", severity="minor", span=Span("answer", 1, 4))
    assert starting_values(mine, {"label": "no"}, labels).labels == ("no", "maybe")
    assert starting_values(mine, {"also": ["yes", "no"]}, labels).labels == ("yes", "no")
    assert starting_values(None, {"label": "B", "span": "x"}, labels) == Judgement()
