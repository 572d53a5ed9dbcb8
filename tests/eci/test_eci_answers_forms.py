"""Answers in the forms that prompts ask for: JSON, tables, ticks, lists of percentages, sets."""

from __future__ import annotations

import pytest

from eci.answers.reader import read_answer
from eci.answers.several import read_labels
from eci.questions.labels import PUBMEDQA, LabelSet

OPTIONS = {
    "A": "Heparin infusion",
    "B": "Chest drain",
    "C": "Bedside echocardiogram",
    "D": "Oral iron",
}
STEPS = LabelSet.from_options(OPTIONS)
SEVERAL = LabelSet.from_options(OPTIONS, is_several=True)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"reasoning": "Option A is plausible.", "answer": "B. Chest drain"}', "B"),
        ('```json\n{\n "reasoning": "A is slow, B bleeds.",\n "answer_choice": "C"\n}\n```', "C"),
        ("{'analysis': 'A or B.', 'final_answer': 'D', 'confidence': 0.8}", "D"),
        ('I weighed A and B.\n\n{"answer": "C", "why": "B is wrong"}', "C"),
        ('{"answer": "none of these", "why": "no option fits"}', None),
        ("| A | Incorrect |\n| B | Correct |\n| C | Incorrect |\n| D | Incorrect |", "B"),
        ("A ❌ B ❌ C ✅ D ❌", "C"),
        ("A: ✗\nB: ✗\nC: ✓\nD: ✗", "C"),
        ("1. A - wrong\n2. B - wrong\n3. C - right\n4. D - wrong", "C"),
        ("A: false\nB: true\nC: false\nD: false", "B"),
        ("Heparin infusion: 10%\nChest drain: 70%\n\nAnswer: B", "B"),
        ("A: 20%\nB: 30%\nC: 50%", None),
        ("C (confidence: 85%)", "C"),
        ("C: 85%", "C"),
        ("By elimination, C remains.", "C"),
        ("Is it A? No. It is C.", "C"),
        ("It is A cells that matter.", None),
        ("It is not A but D.", "D"),
        ("Answer: both A and C", None),
        ("A and C", None),
        ("Either A or B.", None),
        ("\\[\\boxed{\\textbf{(D)}}\\]", "D"),
        ("> **Answer:** B", "B"),
        ("“D”", "D"),
        ("Es ist nicht A, sondern B.", "B"),
        ("Richtig ist Antwort (B), da die Luft entweichen muss.", "B"),
        ("Ce n'est pas A, mais B.", "B"),
        ("Il s'agit de l'option C.", "C"),
        ("No es A sino B.", "B"),
        ("La respuesta es la a).", "A"),
        ("Não é A, mas sim C.", "C"),
        ("Logo, a resposta correta é a alternativa (B).", "B"),
        ("L'opzione corretta è la B.", "B"),
        ("Non A, ma B.", "B"),
        ("答えはAではなくDです。", "D"),
        ("最も適切なのはBです。", "B"),
        ("【正解】C", "C"),
        ("正确答案是B选项。", "B"),
        ("不是A，而是C。", "C"),
        ("故本题选C。", "C"),
    ],
)
def test_one_label_is_read_in_every_form(text: str, label: str | None) -> None:
    reading = read_answer(text, STEPS)
    assert reading.label == label, reading
    if reading.start is not None and reading.end is not None:
        assert 0 <= reading.start < reading.end <= len(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"reasoning": "No effect in A, yes in B.", "final_decision": "maybe"}', "maybe"),
        ('```json\n{"step_by_step_thinking": "Yes, but no.", "answer_choice": "C"}\n```', "maybe"),
        ("It is not (A) yes. It is (B) no.", "no"),
        ("A) yes\nB) no\nC) maybe\n\nAnswer: C", "maybe"),
        ("| A) yes | supported |\n| B) no | not supported |\n\nThe answer is A.", "yes"),
        ("\\boxed{\\text{B}}", "no"),
        ("Die richtige Antwort lautet: **C) vielleicht**", "maybe"),
        ("La respuesta correcta es (A) sí.", "yes"),
        ("正解は（B）いいえです。", "no"),
    ],
)
def test_lettered_prompts_of_yes_no_and_maybe_are_read_in_every_form(text: str, label: str) -> None:
    assert read_answer(text, PUBMEDQA).label == label


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Answer: both A and C", "AC"),
        ('{"reasoning": "B is wrong", "answer": ["A", "C"]}', "AC"),
        ('{"reasoning": "B or D", "answer": "A, C"}', "AC"),
        ("b,d", "BD"),
        ("a, c", "AC"),
        ("Final answer: AC", "AC"),
        ("\\boxed{ACD}", "ACD"),
        ("答案：ACD", "ACD"),
        ("正解はACです。", "AC"),
        ("A、C", "AC"),
        ("A, B, C and D", "ABCD"),
        ("A ✓ B ✗ C ✓ D ✗", "AC"),
        ("A: true\nB: false\nC: true\nD: false", "AC"),
        ("| A | correct |\n| B | incorrect |\n| C | correct |\n| D | incorrect |", "AC"),
        ("All of the above are correct.", "ABCD"),
        ("Not all of the above are correct.", ""),
        ("Not B; A and C.", "AC"),
        ("A. Heparin infusion\nC. Bedside echocardiogram", "AC"),
        ("Réponses : A, C", "AC"),
        ("As respostas corretas são A e C.", "AC"),
        ("正解はAとCです。", "AC"),
        ("答案是A和C。", "AC"),
        ("The patient is AC negative.", ""),
        ("BAD", ""),
    ],
)  # fmt: skip
def test_sets_are_read_in_every_form(text: str, labels: str) -> None:
    reading = read_labels(text, SEVERAL)
    assert reading.label == (SEVERAL.join(labels) if labels else None), reading
    if reading.start is not None and reading.end is not None:
        assert 0 <= reading.start < reading.end <= len(text)
