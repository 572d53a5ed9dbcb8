"""Reading a category out of free text: a table of what models write, and what each is."""

from __future__ import annotations

import pytest

from eci.answers.reader import FORMS, READER_VERSION, read_answer
from eci.questions.labels import PUBMEDQA, LabelSet

FIXED = PUBMEDQA
LETTERS = LabelSet.from_options({"A": "yes", "B": "no", "C": "maybe"})
DRUGS = LabelSet.from_options(
    {"A": "Aspirin", "B": "Unfractionated heparin", "C": "Apixaban", "D": "IV fluids only"}
)
BUGS = LabelSet.from_options(
    {
        "A": "Acinetobacter baumannii",
        "B": "C. difficile",
        "C": "E. coli",
        "D": "S. aureus",
        "E": "None",
    }
)
TEN = LabelSet.from_options({letter: f"finding {letter * 3}" for letter in "ABCDEFGHIJ"})
NUMBERS = LabelSet.from_options({str(k): f"choice number {k}" for k in range(1, 11)})
TRIAGE = LabelSet.fixed("triage", ["urgent", "non-urgent", "self care"])

# (text, label set, label, form)
CASES: list[tuple[str | None, LabelSet, str | None, str]] = [
    # nothing to read
    (None, FIXED, None, "absent"),
    ("", FIXED, None, "absent"),
    (" \n\t\u200b ", FIXED, None, "absent"),
    ("...", DRUGS, None, "absent"),
    ("Ως εκ τούτου δεν είναι σαφές.", FIXED, None, "absent"),
    # the prompt's own definitions, repeated
    (
        "2. Weigh the evidence: yes means that the results support it; no means that they do not; "
        "maybe means that the results are mixed; maybe means",
        FIXED,
        None,
        "absent",
    ),
    ('"Yes" means that the study supports it. The answer is no.', FIXED, "no", "stated"),
    # bare
    ("Yes", FIXED, "yes", "bare"),
    ("NO.", FIXED, "no", "bare"),
    ("maybe\n", FIXED, "maybe", "bare"),
    ("**Yes**", FIXED, "yes", "bare"),
    ("\u200bY\u200bes\ufeff", FIXED, "yes", "bare"),
    ("Ｙｅｓ。", FIXED, "yes", "bare"),
    ("B", DRUGS, "B", "bare"),
    ("b", DRUGS, "B", "bare"),
    ("(b)", DRUGS, "B", "bare"),
    ("B.", DRUGS, "B", "bare"),
    ("[C]", DRUGS, "C", "bare"),
    ("(A) yes", LETTERS, "A", "bare"),
    ("A. yes", LETTERS, "A", "bare"),
    ("C: maybe", LETTERS, "C", "bare"),
    ("B — no.", LETTERS, "B", "bare"),
    ("**B** (no)", LETTERS, "B", "bare"),
    ("Maybe", LETTERS, "C", "bare"),
    ("no", LETTERS, "B", "bare"),
    ("unfractionated heparin", DRUGS, "B", "bare"),
    ("**D) IV fluids only**.", DRUGS, "D", "bare"),
    ("Option C", DRUGS, "C", "bare"),
    ("Answer: Option C", DRUGS, "C", "bare"),
    ("## Answer\n\nB", DRUGS, "B", "bare"),
    ("Final Answer: **B**", DRUGS, "B", "bare"),
    ("\\boxed{B}", DRUGS, "B", "bare"),
    ("$\\boxed{\\text{B}}$", DRUGS, "B", "bare"),
    ("<answer>yes</answer>", FIXED, "yes", "bare"),
    ('{"answer": "no"}', FIXED, "no", "bare"),
    ("A: yes", FIXED, "yes", "bare"),
    ("Yes/No/Maybe: no", FIXED, "no", "bare"),
    ("Yes or no: no", FIXED, "no", "bare"),
    ("<|im_start|>assistant\nYes<|im_end|>\n<|im_start|>user\nNo", FIXED, "yes", "bare"),
    ("10", NUMBERS, "10", "bare"),
    ("Perhaps.", FIXED, "maybe", "bare"),
    ("Nope", FIXED, "no", "bare"),
    ("Self care.", TRIAGE, "self care", "bare"),
    ("non-urgent", TRIAGE, "non-urgent", "bare"),
    # inferred: a letter by the order of a set without letters
    ("B", FIXED, "no", "inferred"),
    ("\\boxed{C}", FIXED, "maybe", "inferred"),
    ("The answer is (A).", FIXED, "yes", "inferred"),
    # leading
    ("Yes, the study shows a benefit.", FIXED, "yes", "leading"),
    ("Yes the study shows a benefit.", FIXED, "yes", "leading"),
    ("No. Acupuncture is not a proven treatment.", FIXED, "no", "leading"),
    ("No, the answer is no.", FIXED, "no", "leading"),
    ("No the results do not support this.", FIXED, "no", "leading"),
    ("Maybe. More data are needed.", FIXED, "maybe", "leading"),
    ("**No** – there was no difference.", FIXED, "no", "leading"),
    ("B. Because anticoagulation is needed.", DRUGS, "B", "leading"),
    ("(C) Apixaban\n\nAspirin is too weak here.", DRUGS, "C", "leading"),
    ("A is correct because it inhibits COX.", DRUGS, "A", "leading"),
    ("Sure! Yes.", FIXED, "yes", "leading"),
    ("Answer: B\n\nExplanation: it acts at once.", DRUGS, "B", "leading"),
    ("Yes, but only if the patients are adherent.", FIXED, "yes", "leading"),
    ("B, since C is contraindicated.", DRUGS, "B", "leading"),
    (
        "(A) yes\n\nWhy not the others:\n(B) no: the data disagree.\n(C) maybe: they are clear.",
        LETTERS,
        "A",
        "leading",
    ),
    ("No, there was no significant difference, and no deaths.", FIXED, "no", "leading"),
    ("No, wait. Yes.", FIXED, "yes", "stated"),
    ("C\n\nThe letter is C.", LETTERS, "C", "leading"),
    ("Yes\nYes\nYes", FIXED, "yes", "leading"),
    # stated
    ("The answer is (B).", DRUGS, "B", "stated"),
    ("The data favour it. The answer is yes.", FIXED, "yes", "stated"),
    ("It works.\n\nFinal answer: **B**", DRUGS, "B", "stated"),
    (
        "Reasoning first.\n\nTherefore, the answer is:\n\n**(A) yes** - as the study found.",
        LETTERS,
        "A",
        "stated",
    ),
    ('The answer to the question "Is it better to be big?" is:\n\n(B) no', LETTERS, "B", "stated"),
    ("So the best next step is **D**.", DRUGS, "D", "stated"),
    ("It dissolves clots.\n\nC", DRUGS, "C", "stated"),
    ("Heparin works fast.\n\n| Answer | B |", DRUGS, "B", "stated"),
    ("| Option | Verdict |\n|---|---|\n| A | incorrect |\n| B | correct |", DRUGS, "B", "stated"),
    ("Each was weighed. Option B is correct.", DRUGS, "B", "stated"),
    ("After review, B is the best choice.", DRUGS, "B", "stated"),
    ("The correct answer is apixaban, an oral agent.", DRUGS, "C", "stated"),
    ("In the end I would choose option C here.", DRUGS, "C", "stated"),
    ("I'd go with B.", DRUGS, "B", "stated"),
    ("Thus we obtain \\boxed{C}.", DRUGS, "C", "stated"),
    ("The trial was small. In conclusion, no.", FIXED, "no", "stated"),
    (
        'the most appropriate answer is "maybe." This reflects uncertainty.',
        FIXED,
        "maybe",
        "stated",
    ),
    ("The answer is probably yes.", FIXED, "yes", "stated"),
    ("The answer is B because A is too weak.", DRUGS, "B", "stated"),
    (
        "Given the options:\n(A) yes\n(B) no\n(C) maybe\n\nThe best answer is **(A) yes**.",
        LETTERS,
        "A",
        "stated",
    ),
    ("(A) yes\n(B) no\n(C) maybe\n\n(B) no", LETTERS, "B", "stated"),
    (
        "Für Frau Müller (68 J., Sjögren) gilt: die Antwort ist klar.\n\nAnswer: Yes",
        FIXED,
        "yes",
        "stated",
    ),
    ("Η απάντηση: β-blocker.\nFinal answer: A", DRUGS, "A", "stated"),
    ("The answer is I.", TEN, "I", "stated"),
    ("The answer is (10).", NUMBERS, "10", "stated"),
    ("1. First point\n2. Second point\n\nAnswer: 3", NUMBERS, "3", "stated"),
    ("The organism is likely C. difficile.", BUGS, "B", "stated"),
    ("The patient can wait. Verdict: self care", TRIAGE, "self care", "stated"),
    # negation
    ("The answer is not A.", DRUGS, None, "absent"),
    ("The answer is not A but B.", DRUGS, "B", "stated"),
    ("The answer is not yes.", FIXED, None, "absent"),
    ("The answer is B, not A.", DRUGS, "B", "stated"),
    ("A is incorrect. The answer is B.", DRUGS, "B", "stated"),
    ("The answer is neither yes nor no.", FIXED, None, "absent"),
    ("It is neither yes nor no, so the answer is maybe.", FIXED, "maybe", "stated"),
    ("I don't think the answer is A. The answer is C.", DRUGS, "C", "stated"),
    ("The answer cannot be (A), so it must be (C).", DRUGS, "C", "stated"),
    ("The answer is C rather than D.", DRUGS, "C", "stated"),
    (
        "(A) is wrong.\n(B) is wrong.\n(C) is the correct answer.\n(D) is wrong.",
        DRUGS,
        "C",
        "stated",
    ),
    ("The answer is yes. On reflection, the answer is not yes.", FIXED, None, "contradictory"),
    # corrections and contradictions
    ("The answer is B. Wait, actually C.", DRUGS, "C", "stated"),
    ("A. Hmm, wait, that is wrong. The answer is D.", DRUGS, "D", "stated"),
    ("Yes. Sorry, I meant no.", FIXED, "no", "stated"),
    ("The answer is A. I change my answer to B.", DRUGS, "B", "stated"),
    (
        "The best answer is **A**.\n\nHowever, since this is not correct, the best is:\n\n**D**.",
        DRUGS,
        "D",
        "stated",
    ),
    ("Yes, it seems so. ... Final answer: no", FIXED, "no", "stated"),
    ("Wait, no, the answer is yes.", FIXED, "yes", "stated"),
    ("Yes, the study shows an effect. However, no, it does not.", FIXED, None, "contradictory"),
    (
        "Yes, the study shows an effect. However, no significant difference was seen.",
        FIXED,
        "yes",
        "leading",
    ),
    ("Yes, it works in mice. The answer is no.", FIXED, None, "contradictory"),
    ("A. Renal papillary necrosis\n\nThe correct answer is C.", DRUGS, None, "contradictory"),
    ("The answer is A or B.", DRUGS, None, "contradictory"),
    ("The answer is both A and C.", DRUGS, None, "contradictory"),
    ("Yes and no.", FIXED, None, "contradictory"),
    ("(A) no", LETTERS, None, "contradictory"),
    ("C. Aspirin", DRUGS, None, "contradictory"),
    ("Final answer: A\n\nFinal answer: B", DRUGS, None, "contradictory"),
    # embedded
    ("Patients did well on apixaban over two years.", DRUGS, "C", "embedded"),
    ("Among these, option B acts fastest.", DRUGS, "B", "embedded"),
    ("The answer could be A.", DRUGS, "A", "embedded"),
    ("If she were pregnant, the answer would be B.", DRUGS, "B", "embedded"),
    ("Several readers would say that the data lean to 'yes' here.", FIXED, "yes", "embedded"),
    (
        "If she were pregnant, the answer would be B. As she is not, the answer is C.",
        DRUGS,
        "C",
        "stated",
    ),
    # several in passing, echoes, refusals, things that are no labels
    ("Aspirin and apixaban were both studied.", DRUGS, None, "absent"),
    ("(A) yes (B) no (C) maybe", LETTERS, None, "absent"),
    ("A. yes\nB. no\nC. maybe", LETTERS, None, "absent"),
    ("yes, no, or maybe", FIXED, None, "absent"),
    ("Please answer with yes, no or maybe.", FIXED, None, "absent"),
    ("A. Aspirin\nB. Unfractionated heparin\nC. Apixaban", DRUGS, None, "absent"),
    ("This is a yes or no question about stroke.", FIXED, None, "absent"),
    ("I cannot answer this question.", FIXED, None, "absent"),
    ("No, I cannot answer that.", FIXED, None, "absent"),
    ("I'm sorry, but I can't say yes or no without more data.", FIXED, None, "absent"),
    ("I cannot give medical advice, but the answer is B.", DRUGS, "B", "stated"),
    ("No significant difference was found between the groups.", FIXED, None, "absent"),
    ("No. 5 was excluded, and no patients died.", FIXED, None, "absent"),
    ("A 45-year-old man took vitamin D for hepatitis B.", DRUGS, None, "absent"),
    ("A reduction was seen. I think more data are needed.", TEN, None, "absent"),
    ("I think that more data are needed.", TEN, None, "absent"),
    ("À la question posée, les données manquent.", DRUGS, None, "absent"),
    ("A. baumannii is resistant, as are B cells.", DRUGS, None, "absent"),
    (
        "Type B cells, e.g. group A patients, i.e. D-dimer, C-reactive protein, IgA.",
        DRUGS,
        None,
        "absent",
    ),
    ("Is the answer yes? Hard to tell.", FIXED, None, "absent"),
    ("The answer is a matter of debate.", DRUGS, None, "absent"),
    ("Maybe patients forgot.", FIXED, None, "absent"),
    # reasoning traces
    ("<think>It could be A. No, B.</think>\n\nB", DRUGS, "B", "bare"),
    (
        "<think>The answer is A.</think> Then <think>or B?</think> The answer is C.",
        DRUGS,
        "C",
        "stated",
    ),
    ("The template opened it. A?</think>\nD", DRUGS, "D", "bare"),
    ("<THINK>\nhm\n</THINK>\nYes, it does.", FIXED, "yes", "leading"),
    ("<think>The answer is A.</think>", DRUGS, None, "absent"),
    ("<|channel|>analysis<|message|>A?<|end|><|channel|>final<|message|>B", DRUGS, "B", "bare"),
]


@pytest.mark.parametrize(("text", "label_set", "label", "form"), CASES)
def test_table(text: str | None, label_set: LabelSet, label: str | None, form: str) -> None:
    reading = read_answer(text, label_set)
    assert (reading.label, reading.form) == (label, form)
    assert reading.is_finished
    assert (reading.start is None) == (form == "absent")


def test_the_table_is_large_and_has_every_form() -> None:
    assert len(CASES) >= 80
    assert {form for *_, form in CASES} == set(FORMS)


@pytest.mark.parametrize(
    ("text", "label_set", "decided"),
    [
        ("The answer is (B).", DRUGS, "(B)"),
        ("So:\n\n**(A) yes**.", LETTERS, "(A) yes"),
        ("\u200b\u200bSo the answer is **ye\u200bs**.", FIXED, "ye\u200bs"),
        ("<think>A</think>\n\n**B** (no)", LETTERS, "B** (no)"),
        ("Yes, it does. Final answer: no", FIXED, "no"),
        ("Yes, it does. The answer is no.", FIXED, "no"),
        ("Line one\r\nAnswer: C\r\n", DRUGS, "C"),
        ("Sjo\u0308gren or not: the answer is yes.", FIXED, "yes"),
    ],
)
def test_the_span_points_into_the_text_as_given(
    text: str, label_set: LabelSet, decided: str
) -> None:
    reading = read_answer(text, label_set)
    assert text[reading.start : reading.end] == decided


def test_option_text_is_found_across_accents_written_two_ways() -> None:
    label_set = LabelSet.from_options({"A": "Sj\u00f6gren syndrome", "B": "Lupus"})
    assert (
        read_answer("The answer is Sjo\u0308gren  syndrome.".replace("  ", " "), label_set).label
        == "A"
    )


@pytest.mark.parametrize("text", ["<think>The answer is B, I", "x</think>y<think>The answer is B"])
def test_a_trace_never_closed_is_unfinished_and_offers_candidates(text: str) -> None:
    reading = read_answer(text, DRUGS)
    assert (reading.label, reading.form, reading.is_finished) == (None, "absent", False)
    assert [label for label, *_ in reading.candidates] == ["B"]
    (_, start, end) = reading.candidates[0]
    assert text[start:end] == "B"


def test_candidates_of_a_contradiction_name_both_sides() -> None:
    reading = read_answer("The answer is A. Then again, the answer is B.", DRUGS)
    assert reading.form == "contradictory"
    assert [label for label, *_ in reading.candidates] == ["A", "B"]


def test_options_whose_texts_are_letters_are_read_by_letter() -> None:
    label_set = LabelSet.from_options({"A": "B", "B": "C", "C": "D", "D": "E"})
    assert read_answer("The answer is (B).", label_set).label == "B"


def test_readings_are_stamped_with_a_version() -> None:
    assert READER_VERSION
