"""What holds for every text: no exception, spans inside, labels of the set, linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eci.answers.reader import FORMS, read_answer
from eci.answers.text import fold
from eci.questions.labels import PUBMEDQA, LabelSet

OPTIONS = LabelSet.from_options({"A": "yes", "B": "No effect", "C": "Sjögren (1)", "D": "2"})
TEN = LabelSet.from_options({str(k): f"option {k}" for k in range(1, 11)})
TRIAGE = LabelSet.fixed("triage", ["urgent", "non-urgent", "self care", "T1a", "重症", "ア"])
LABEL_SETS = st.sampled_from([PUBMEDQA, OPTIONS, TEN, TRIAGE])

PIECES = st.sampled_from(
    [
        *("<think>", "</think>", "yes", "no", "maybe", "A", "B", "(C)", "**D**", "1", "2.", "10"),
        *("answer", "is", ":", "the", "not", "but", "or", "/", ",", ".", "?", "!", "\n", "\r\n"),
        *("\\boxed{", "}", "final", "wait", "actually", "cannot", "I", "if", "option", "No effect"),
        *("Sjo\u0308gren", "\u200b", "|", "-", "#", "`", '"', "correct", "incorrect", "(1)"),
        *("<|im_end|>", "İ", "ß", "Ａ", "\u0307"),
        *(
            "答案是B。",
            "正解は",
            "はい",
            "です",
            "重症",
            "ア",
            "是",
            "la respuesta es",
            "sí",
            "oui",
            "ja",
        ),
        *(
            "therefore",
            "non urgent",
            "self-care",
            "T1",
            "a",
            "C)",
            "<answer>",
            "</answer>",
            "No effects",
        ),
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=40).map(" ".join))


@settings(max_examples=400)
@given(TEXTS, LABEL_SETS)
def test_any_text_gives_a_consistent_reading(text: str, label_set: LabelSet) -> None:
    reading = read_answer(text, label_set)
    assert reading.form in FORMS
    assert reading.label is None or reading.label in label_set.names
    assert (reading.label is None) == (reading.form in {"contradictory", "absent"})
    assert (reading.start is None) == (reading.end is None) == (reading.form == "absent")
    spans = [(start, end) for _, start, end in reading.candidates]
    if reading.start is not None and reading.end is not None:
        spans.append((reading.start, reading.end))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(label in label_set.names for label, *_ in reading.candidates)
    assert reading.is_finished or reading.label is None


@settings(max_examples=200)
@given(TEXTS)
def test_folding_keeps_the_way_back(text: str) -> None:
    folded = fold(text)
    assert len(folded.lower) == len(folded.text)
    if folded.offsets is not None:
        assert len(folded.offsets) == len(folded.text) + 1
        assert folded.offsets == sorted(folded.offsets)


@settings(max_examples=100)
@given(st.sampled_from(PUBMEDQA.names), st.sampled_from(["", "**", '"', "`", " ", "\u200b"]))
def test_a_bare_category_is_read_whatever_wraps_it(name: str, wrap: str) -> None:
    for spelled in (name, name.upper(), name.title()):
        reading = read_answer(f"{wrap}{spelled}{wrap}", PUBMEDQA)
        assert (reading.label, reading.form) == (name, "bare")


HOSTILE = [
    "yes ",
    "A ",
    "a. ",
    "(B) ",
    "is B, ",
    "the answer is A\n",
    "not ",
    "<think>",
    "<think> </think>",
    "< ",
    ". ",
    "*",
    "(",
    " ",
    "\n",
    "no\n",
    "Final answer: ",
    "\u200b",
    "o\u0308",
    "wait, ",
    "I cannot ",
    "yes/no ",
    "(A) yes (B) no ",
    "x",
    "1. ",
    "\\boxed{",
    "I cannot say A but B ",
    '"Is it A?" ',
    "(A",
    "A) ",
    "A) no B) ",
    "答案是B。",
    "是",
    "ア答",
    "はいです",
    "la respuesta es A o B, sí. ",
    "No-eff ect ",
    "answer: some effect of it ",
    "<answer>",
    "either A or B. So the answer is B. ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    # Eight times the text may take eight times as long; quadratic time would take 64 times.
    small, large = (_seconds(piece * (size // len(piece))) for size in (30_000, 240_000))
    assert large < 24 * max(small, 0.004)


def _seconds(text: str) -> float:
    """CPU time of one reading, the best of two, with a category at both ends of the text."""
    times = []
    for _ in range(2):
        begin = time.process_time()
        read_answer(f"{text}\nFinal answer: no", OPTIONS)
        read_answer(f"Yes, {text}", PUBMEDQA)
        times.append(time.process_time() - begin)
    return min(times)
