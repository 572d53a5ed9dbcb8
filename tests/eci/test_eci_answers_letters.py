"""Letters that stand for the labels of a set that has none, and option texts in other spellings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from eci.answers.reader import read_answer
from eci.questions.labels import PUBMEDQA, LabelSet

CARE = LabelSet.from_options(
    {"A": "Fluid bolus", "B": "Needle decompression", "C": "Serum lactate", "D": "5-10units"}
)
TRIAGE = LabelSet.fixed("triage", ["urgent", "non-urgent", "self care"])
GRADES = LabelSet.fixed("grade", ["grade 1", "grade 2", "grade 20"])
STAGES = LabelSet.fixed("stage", ["T1", "T1a", "T2"])
CODES = LabelSet.fixed("icd", ["I10", "I11", "J45"])
JAPANESE = LabelSet.fixed("severity", ["重症", "非重症", "軽症"])
NUMBERS = LabelSet.fixed("score", ["1", "2", "3"])
ARABIC = LabelSet.fixed("urgency", ["عاجل", "روتيني"])
BLOOD = LabelSet.fixed("blood", ["group B", "group A"])

KANA = LabelSet.from_options({"ア": "安静", "イ": "手術"})


def test_the_answers_that_were_misread_are_read(data_dir: Path) -> None:
    cases = json.loads((data_dir.parent / "cases" / "answers_misread.json").read_text())
    wrong = {}
    for case in cases:
        options = case["options"]
        labels = PUBMEDQA if isinstance(options, str) else LabelSet.from_options(options)
        reading = read_answer(case["text"], labels)
        if reading.label != case["right"]:
            wrong[case["name"]] = (reading.label, reading.form)
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "label", "form"),
    [
        ("A", "yes", "inferred"),
        ("(b)", "no", "inferred"),
        ("c)", "maybe", "inferred"),
        ("**C**", "maybe", "inferred"),
        ("Answer: B", "no", "inferred"),
        ("The p value is 0.4. The correct answer is (B).", "no", "inferred"),
        ("$\\boxed{\\textbf{(C)}}$", "maybe", "inferred"),
        ("<think>The answer is A.</think><answer>B</answer>", "no", "inferred"),
        ('{"answer": "C"}', "maybe", "inferred"),
        ("Therefore, among A through C, the answer is C.", "maybe", "inferred"),
        # The word confirms the letter, or corrects it: another prompt may number otherwise.
        ("B) no", "no", "bare"),
        ("(C) maybe", "maybe", "bare"),
        ("2. no", "no", "bare"),
        ("ii) no", "no", "bare"),
        ("The answer is (iii) maybe.", "maybe", "stated"),
        ("The trial was small. The answer is 2) no.", "no", "stated"),
        ("The trial was small.\n\n\\boxed{C) maybe}", "maybe", "stated"),
        ("A) no", "no", "bare"),
        ("Options: A) no B) yes C) maybe\n\nAnswer: B", "yes", "inferred"),
        ("The correct answer is B. Yeah, that is right.", "no", "inferred"),
        # What is no label stays none.
        ("2", None, "absent"),
        ("D", None, "absent"),
        ("A group of 20 patients took vitamin B.", None, "absent"),
        ("Hepatitis B and C were excluded.", None, "absent"),
        ("Conclusion: A is better than B.", None, "absent"),
        ("The result is that B had fewer deaths.", None, "absent"),
        ("In summary, (A) was safer.", None, "absent"),
        ("The answer is B because the groups did not differ.", "no", "inferred"),
        ("A is correct.", "yes", "inferred"),
        ("The answer is not B.", None, "absent"),
        ("Yes, it works in mice. The answer is (B).", None, "contradictory"),
        ("The answer is A.\nThe answer is C.", None, "contradictory"),
    ],
)
def test_letters_follow_the_order_of_a_set_without_letters(
    text: str, label: str | None, form: str
) -> None:
    reading = read_answer(text, PUBMEDQA)
    assert (reading.label, reading.form) == (label, form)


@pytest.mark.parametrize(
    ("text", "aliases", "label", "form"),
    [
        ("C", {"yes": ["C"], "no": ["B"], "maybe": ["A"]}, "yes", "bare"),
        ("Answer: 2", {"yes": ["1"], "no": ["2"], "maybe": ["3"]}, "no", "bare"),
        ("The result is positive.", {"yes": ["positive"], "no": ["negative"]}, "yes", "stated"),
        ("Negative", {"yes": ["positive"], "no": ["negative"]}, "no", "bare"),
        ("The answer is B.", {"no": ["negative"]}, "no", "inferred"),
        ("B", {"unknown label": ["B"]}, "no", "inferred"),
    ],
)
def test_the_caller_names_what_stands_for_a_label(
    text: str, aliases: Mapping[str, Sequence[str]], label: str, form: str
) -> None:
    reading = read_answer(text, PUBMEDQA, aliases)
    assert (reading.label, reading.form) == (label, form)


@pytest.mark.parametrize(
    ("text", "labels", "label"),
    [
        ("grade 2", GRADES, "grade 2"),
        ("The tumour is Grade-20.", GRADES, "grade 20"),
        ("Grade 200", GRADES, None),
        ("grade 2.5", GRADES, None),
        ("T1a", STAGES, "T1a"),
        ("The stage is T1.", STAGES, "T1"),
        ("T1b", STAGES, None),
        ("T1 a large tumour", STAGES, "T1"),
        ("Code: I10", CODES, "I10"),
        ("I10.9", CODES, None),
        ("Disposition: self-care", TRIAGE, "self care"),
        ("Non urgent", TRIAGE, "non-urgent"),
        ("判定は非重症です。", JAPANESE, "非重症"),
        ("重症", JAPANESE, "重症"),
        ("عاجل.", ARABIC, "عاجل"),
        ("التصنيف: عاجل", ARABIC, "عاجل"),
        ("분류: 重症", JAPANESE, "重症"),
        ("The answer is grade 2.", NUMBERS, "2"),
        ("Score: 3", NUMBERS, "3"),
        ("答えはイです。", KANA, "イ"),
        # The letters of the set's own names are no markers.
        ("group A", BLOOD, "group A"),
        ("A", BLOOD, None),
    ],
)
def test_labels_of_any_text_are_read_whole(text: str, labels: LabelSet, label: str | None) -> None:
    reading = read_answer(text, labels)
    assert reading.label == label
    if reading.start is not None:
        assert text[reading.start : reading.end].strip()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("The answer is B) needle-decompression of the chest.", "B"),
        ("**Answer:** C) lactate in serum", "C"),
        ("Answer: 5-10 units", "D"),
        ("Answer: serum-lactate", "C"),
        ("Ans: serum lactate", "C"),
        ("Answer: Fluid boluses", "A"),
        ("Answer: Needle decompressions", "B"),
        ("Answer: 510 units", None),
        ("The best choice would be option (d)", "D"),
        ("Patients in (group C) did better.", None),
    ],
)
def test_option_texts_may_be_spelt_otherwise(text: str, label: str | None) -> None:
    assert read_answer(text, CARE).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("He is pale. A serum lactate is the best first test.", "C"),
        ("A fluid bolus", "A"),
        ("A needle decompression would help. The answer is A.", "A"),
        ("A is correct.", "A"),
        ("A reasonable plan can wait.", None),
    ],
)
def test_the_article_is_no_option(text: str, label: str | None) -> None:
    assert read_answer(text, CARE).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (
            "- **Option A**: A fluid bolus is fair.\n- **Option B**: The needle decompression is "
            "for tension.\n\nTherefore, the correct answer is (C).",
            "C",
        ),
        ("Option A is a true statement. Option B is right too. Thus the answer is D.", "D"),
        ("It is either A or C. The lactate is normal, so the answer is A.", "A"),
        ("Both help:\n(A) Fluid bolus.\n(C) Serum lactate.\n\nThe best answer is:\n(C)", "C"),
        ("Both A and C are correct. Therefore, the answer is D.", "D"),
        ("For shock, B is correct.\n\nIn conclusion, the best answer is option A.", "A"),
        ("The answer is A. But perhaps the answer is B. So the answer is A.", "A"),
        ("Maybe the answer is A. The lactate matters, so it is C.", "C"),
        ("The answer is A. Or is it? The answer is B.\n\nB", "B"),
        ("The best step is to **(B) decompress the chest**.", "B"),
        ("The answer is A. However, the answer is B.", None),
        ("(A) Fluid bolus\n\nIn conclusion, the answer is B.", None),
        ("Therefore, the answer is A.\n\nTherefore, the answer is B.", None),
    ],
)
def test_the_conclusion_outranks_the_discussion_before_it(text: str, label: str | None) -> None:
    assert read_answer(text, CARE).label == label
