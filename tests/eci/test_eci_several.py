"""Reading and writing sets of labels, where several may be right."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from eci.answers.several import read_labels
from eci.decisions import MOST_PROBABLE
from eci.model.head_fit import (
    cross_validate_several,
    fit_option_set,
    fit_several,
    several_logits,
)
from eci.questions.labels import LabelSet
from eci.questions.prompts import Question, load_template
from eci.statistics.calibration import out_of_fold
from eci.statistics.ordinal import mean_rank_error, ordinal_distances, weighted_kappa

DRUGS = LabelSet.from_options(
    {"A": "Aspirin", "B": "Heparin", "C": "Warfarin", "D": "Iron", "E": "Zinc"}, is_several=True
)
SIGNS = LabelSet.fixed("signs", ["cough", "fever", "rash"], is_several=True)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("The answers are A, C and D.", "ACD"),
        ("A, C", "AC"),
        ("CA", "AC"),
        ("Final answer: A, C", "AC"),
        ("\\boxed{A, C}", "AC"),
        ("The correct answers are A and C. B is wrong because it bleeds.", "AC"),
        ("A is correct. B is incorrect. C is correct as well.", "AC"),
        ("Correct options:\n- (A) Aspirin\n- (C) Warfarin", "AC"),
        ("A is plausible. Therefore the answers are B and E.", "BE"),
        ("Aspirin and Warfarin.", "AC"),
        ("B", "B"),
        ("<think>A and B</think> C, D", "CD"),
        ("Les réponses correctes sont A, C et D.", "ACD"),
        ("Die richtigen Antworten sind A und C.", "AC"),
        ("Правильные ответы: A, C и D.", "ACD"),
        ("Oikeat vastaukset ovat A ja C.", "AC"),
        ("Doğru cevaplar A ve C'dir.", "AC"),
        ("A is true, B is false, C is true, D is false, E is false.", "AC"),
        ("A and C only.", "AC"),
        ("I choose A as well as C.", "AC"),
        ("All but B and D.", "ACE"),
        ("All of them except B are correct.", "ACDE"),
        ("I cannot say.", ""),
        ("<think>A and B", ""),
        ("", ""),
    ],
)
def test_every_label_that_a_text_gives_is_read(text: str, labels: str) -> None:
    reading = read_labels(text, DRUGS)
    assert reading.label == (DRUGS.join(labels) if labels else None)
    if reading.start is not None and reading.end is not None:
        assert 0 <= reading.start < reading.end <= len(text)


def test_words_are_read_as_sets_too() -> None:
    assert read_labels("fever, cough", SIGNS).label == SIGNS.join(["cough", "fever"])


def test_a_prompt_asks_for_every_right_label_and_an_answer_lists_them() -> None:
    template = load_template()
    system = template.messages(Question("What helps?", (), DRUGS))[0]["content"]
    assert "all right options" in system
    assert template.completion(DRUGS, DRUGS.join("CA"), "Both.") == "A, C\nBoth."
    assert "cough, fever, rash" in template.system(SIGNS)


def test_a_set_has_a_label_even_where_none_is_likely() -> None:
    sets = MOST_PROBABLE.decide_sets([[0.7, 0.2, 0.6], [0.1, 0.2, 0.05]])
    assert [sets.names_of(row, SIGNS.names) for row in (0, 1)] == [["cough", "rash"], ["fever"]]
    rule = MOST_PROBABLE.model_copy(update={"label_thresholds": (0.5, 0.8, 0.1)})
    sets = rule.decide_sets([[0.7, 0.2, 0.6], [0.1, 0.2, 0.05]])
    assert [sets.names_of(row, SIGNS.names) for row in (0, 1)] == [["cough", "rash"], ["rash"]]


@pytest.mark.parametrize("is_options", [False, True])
def test_a_head_of_several_learns_which_labels_are_right(is_options: bool) -> None:
    rng = np.random.default_rng(5)
    n, size, dim = 150, 4, 6
    direction = rng.normal(size=dim)
    if is_options:
        states = rng.normal(size=(n, size, dim)).astype(np.float32)
        y = (states @ direction > 0).astype(int)
        scores = rng.normal(size=(n, size)).astype(np.float32)
        scores[::5, -1] = -np.inf
        y[::5, -1] = 0
    else:
        states = rng.normal(size=(n, 1, dim)).astype(np.float32)
        y = (states[:, 0, :size] > 0).astype(int)
        scores = np.zeros((n, size), np.float32)
    fit = (
        fit_option_set(states, scores, y, l2=0.01)
        if is_options
        else fit_several(states, y, l2=0.01)
    )
    logits = several_logits(fit, states, scores, is_options=is_options)
    assert ((logits > 0) == y).mean() > 0.95
    folds = out_of_fold([0] * n, [str(i) for i in range(n)], num_folds=5)
    found = cross_validate_several(
        states, scores, y, is_options=is_options, folds=folds, strengths=(0.01, 10.0)
    )
    assert found.l2 == 0.01 and found.accuracy > 0.7 and found.macro_f1 > 0.9


def test_figures_of_an_order_agree_with_the_references() -> None:
    krippendorff = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(3)
    gold = rng.integers(0, 5, 200)
    given = np.clip(gold + rng.integers(-1, 3, 200), 0, 4)
    table = np.zeros((5, 5), dtype=int)
    np.add.at(table, (gold, given), 1)
    kappa, error = weighted_kappa(table), mean_rank_error(table)
    assert kappa.value == pytest.approx(cohen_kappa_score(gold, given, weights="quadratic"))
    assert error.value == pytest.approx(mean_absolute_error(gold, given))
    for one in (kappa, error):
        assert one.n == 200 and one.interval is not None and one.value is not None
        assert one.interval.low < one.value < one.interval.high
    from eci.statistics.agreement import agreement

    counts = np.zeros((200, 5), dtype=int)
    np.add.at(counts, (np.arange(200), gold), 1)
    np.add.at(counts, (np.arange(200), given), 1)
    found = agreement(counts, distances=ordinal_distances(counts.sum(axis=0)))
    expected = krippendorff.alpha(reliability_data=[gold, given], level_of_measurement="ordinal")
    assert found.krippendorff_alpha.value == pytest.approx(expected, abs=1e-9)
