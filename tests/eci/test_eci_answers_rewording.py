"""Options that an answer gives in other words: read only where they resemble one option alone."""

from __future__ import annotations

import pytest

from eci.answers.reader import read_answer
from eci.questions.labels import PUBMEDQA, LabelSet

IRON = LabelSet.from_options(
    {
        "A": "Increased transferrin saturation",
        "B": "Low hepcidin levels",
        "C": "Decreased transferrin saturation",
        "D": "Normal transferrin saturation",
    }
)
CARE = LabelSet.from_options(
    {
        "A": "Explain the delay to the family and record it in the notes",
        "B": "Urgent colonoscopy without preparation",
        "C": "Cardiac ultrasonography in the ward",
        "D": "Oral vancomycin 125 mg",
    }
)


@pytest.mark.parametrize(
    ("text", "labels", "label"),
    [
        ("Answer: a decrease in transferrin saturation", IRON, "C"),
        ("The correct answer is decreased serum transferrin saturation.", IRON, "C"),
        ("Answer: hepcidin level low", IRON, "B"),
        ("Explain the delay to the family and document it in the notes.", CARE, "A"),
        (
            "He is unstable.\n\nTherefore, the best next step is ultrasonography in the ward, "
            "because it is fast.",
            CARE,
            "C",
        ),
        ("I would go with vancomycin by mouth. Answer: vancomycin 125 mg, oral", CARE, "D"),
        ("Die richtige Antwort ist: orales Vancomycin, 125 mg", CARE, "D"),
        # Like several, like none, or against one.
        ("Answer: transferrin saturation", IRON, None),
        ("Answer: ferritin", IRON, None),
        ("Answer: oral vancomycin 500 mg", CARE, None),
        ("Answer: urgent colonoscopy with preparation", CARE, None),
        ("The answer is not ultrasonography in the ward.", CARE, None),
        ("The answer could be ultrasonography in the ward.", CARE, None),
        ("Is the answer ultrasonography in the ward?", CARE, None),
        ("I cannot answer this question.", CARE, None),
        ("Answer: probably", PUBMEDQA, None),
    ],
)
def test_an_announced_option_may_be_reworded(
    text: str, labels: LabelSet, label: str | None
) -> None:
    reading = read_answer(text, labels)
    assert (reading.label, reading.form) == (label, "inferred" if label else "absent")
    if reading.start is not None:
        assert text[reading.start : reading.end].strip(" .") != ""


def test_the_opposite_of_an_option_is_not_the_option() -> None:
    labels = LabelSet.from_options(
        {"A": "Decreased pulmonary capillary wedge pressure in the left atrium", "B": "Gout"}
    )
    text = "Answer: increased pulmonary capillary wedge pressure in the left atrium"
    assert read_answer(text, labels).label is None


def test_an_announced_rewording_outranks_an_option_named_in_passing() -> None:
    text = "Early on one sees low hepcidin levels. Answer: decreased saturation of transferrin"
    assert read_answer(text, IRON).label == "C"
