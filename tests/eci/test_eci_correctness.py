"""Certified acceptance against scipy and by simulation; the correctness head on made answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import hypergeom
from sklearn.metrics import roc_auc_score

from eci.answers.cues import CUES, ITEM_CUES, cues_of, final_from, item_cues, read_parts
from eci.errors import ArtifactError
from eci.model import correctness
from eci.model.correctness import (
    HEAD_FILE,
    AnsweredItem,
    CorrectnessHead,
    fit_correctness,
    gather,
)
from eci.model.early_exit import choose_threshold, cross_predict_steps, read_steps, stop
from eci.questions.labels import PUBMEDQA
from eci.statistics.acceptance import certify, p_value
from eci.statistics.selective import area_under_roc

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("errors", "reviewed", "waiting", "risk"),
    [(0, 10, 10, 0.2), (3, 50, 70, 0.1), (7, 100, 900, 0.15), (20, 200, 5000, 0.2), (5, 9, 1, 0.5)],
)
def test_the_test_of_a_threshold_is_that_of_scipy(
    errors: int, reviewed: int, waiting: int, risk: float
) -> None:
    wrong = int(np.floor(risk * waiting)) + 1 + errors
    expected = hypergeom.cdf(errors, reviewed + waiting, wrong, reviewed)
    assert p_value(errors, reviewed, waiting, risk) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("signal", [0.0, 2.0])
def test_more_errors_than_allowed_are_accepted_no_more_often_than_promised(signal: float) -> None:
    total, reviewed, risk, level = 400, 200, 0.2, 0.9
    broken = accepted = 0
    for _ in range(300):
        score = RNG.normal(size=total)
        right = RNG.random(total) < 1 / (1 + np.exp(-1.3 - signal * score))
        drawn = RNG.permutation(total)
        on, out = drawn[:reviewed], drawn[reviewed:]
        found = certify(score[on], right[on], score[out], risk=risk, level=level)
        if found.threshold is not None:
            taken = score[out] >= found.threshold
            accepted += 1
            assert taken.sum() == found.num_accepted
            broken += (~right[out][taken]).mean() > risk
    assert broken <= 300 * (1 - level) + 2 * np.sqrt(300 * level * (1 - level))
    assert signal == 0 or accepted > 150


def test_the_reviews_still_needed_are_enough_if_the_rate_stays() -> None:
    score = np.linspace(1, 0, 60)
    right = np.ones(60, dtype=bool)
    right[[20, 45]] = False
    waiting = np.linspace(1, 0, 940)
    found = certify(score, right, waiting, risk=0.05)
    assert found.threshold is None
    assert found.more_reviews is not None
    times = int(np.ceil((60 + found.more_reviews) / 60))
    left = np.linspace(1, 0, 1000 - 60 * times)
    again = certify(np.tile(score, times), np.tile(right, times), left, risk=0.05)
    assert again.threshold is not None
    assert certify([], [], waiting, risk=0.05).more_reviews
    assert certify(score, np.zeros(60, bool), waiting, risk=0.05).more_reviews is None
    with pytest.raises(ValueError, match="2 findings for 60 scores"):
        certify(score, [True, False], waiting, risk=0.05)


def test_the_area_under_the_curve_is_that_of_scikit_learn() -> None:
    right = RNG.random(300) < 0.6
    scores = np.round(right + RNG.normal(size=300), 1)  # with ties
    found = area_under_roc(scores, right)
    assert found.value == pytest.approx(roc_auc_score(right, scores), abs=1e-9)
    assert found.interval is not None
    assert found.interval.low < found.value < found.interval.high
    assert area_under_roc([0.1, 0.2], np.array([True, True])).value is None


def test_a_text_that_changes_its_mind_shows_it() -> None:
    text = (
        "<think>\nThe answer is yes.\n\nWait, it might be no.\n\nThe answer is no.\n</think>\n\nNo"
    )
    parts = read_parts(text, PUBMEDQA)
    assert [part.label for part in parts] == ["yes", "no", "no", "no"]
    assert text[parts[1].start : parts[1].end] == "Wait, it might be no."
    assert final_from(parts, "no") == parts[1].end / len(text)
    assert final_from(parts, "yes") is None
    assert final_from((), "yes") is None
    found = dict(zip(CUES, cues_of(text, "no", "bare", parts), strict=True))
    assert (found["changes"], found["last_other"], found["form_bare"]) == (1, 0.25, 1)
    assert found["doubt_words"] == pytest.approx(np.log(2))
    empty = cues_of("", "no", "bare", ())
    assert np.isfinite(empty).all()
    assert len(read_parts("yes\n" * 100, PUBMEDQA)) <= 12
    # In quadratic time these blanks would take minutes, and the test would run out of time.
    assert len(read_parts(f"yes{' ' * 400_000}.\nno", PUBMEDQA)) == 2


def test_an_item_shows_how_long_it_is_and_how_sure_its_results_sound() -> None:
    found = item_cues("Does it work?", ("Some methods.", "It may not work: p = 0.3, 0.4."))
    by_name = dict(zip(ITEM_CUES, found, strict=True))
    assert by_name["question_words"] == pytest.approx(np.log(4))
    assert (by_name["sections"], by_name["last_words"]) == (2, pytest.approx(np.log(9)))
    assert by_name["last_hedges"] == by_name["last_negations"] == pytest.approx(1 / 12)
    assert by_name["last_numbers"] == pytest.approx(2 / 12)
    assert np.isfinite(item_cues("", ())).all()


def answers(n: int) -> tuple[list[AnsweredItem], np.ndarray]:
    """Return answers of which doubtful ones are wrong more often, and whether they are right."""
    right = RNG.random(n) < 0.7
    doubts = RNG.random(n) < np.where(right, 0.2, 0.8)
    texts = ["Perhaps so, but it is unclear." if doubt else "Clearly so." for doubt in doubts]
    made = [
        AnsweredItem(text, "yes", "stated", PUBMEDQA, head=(0.5, 0.3, 0.2) if i % 2 else None)
        for i, text in enumerate(texts)
    ]
    return made, right


def test_a_head_learns_what_wrong_answers_look_like_and_is_read_back(tmp_path: Path) -> None:
    made, right = answers(500)
    evidence, groups = gather(made), [str(i) for i in range(300)]
    fitted = fit_correctness(evidence, np.arange(300), right[:300], groups)
    given = fitted.probabilities
    assert roc_auc_score(right[:300], given[:300]) > 0.7
    assert roc_auc_score(right[300:], given[300:]) > 0.7
    assert given[:300].mean() == pytest.approx(right[:300].mean(), abs=0.02)
    alike = [i for i in range(0, 500, 2) if made[i].text == "Clearly so."]
    assert np.ptp(given[alike]) < 0.05
    fitted.head.save(tmp_path)
    again = CorrectnessHead.load(tmp_path)
    fresh, fresh_right = answers(200)
    found = again.probabilities(gather(fresh))
    assert found.tolist() == fitted.head.probabilities(gather(fresh)).tolist()
    assert roc_auc_score(fresh_right, found) > 0.7
    with pytest.raises(ValueError, match="0 states"):
        again.probabilities(gather(made, np.zeros((500, 2), np.float32)))
    (tmp_path / HEAD_FILE).write_bytes(b"no")
    with pytest.raises(ArtifactError, match="Fit it again"):
        CorrectnessHead.load(tmp_path)


def test_scores_of_folds_are_compared_over_a_part_of_many_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, right = answers(600)
    evidence, groups = gather(made), [str(i) for i in range(300)]
    whole = fit_correctness(evidence, np.arange(300), right[:300], groups)
    monkeypatch.setattr(correctness, "MAX_COMMON", 150)
    part = fit_correctness(evidence, np.arange(300), right[:300], groups)
    assert part.probabilities == pytest.approx(whole.probabilities, abs=0.1)
    assert roc_auc_score(right[300:], part.probabilities[300:]) > 0.7


def thoughts(n: int) -> tuple[list[str], np.ndarray]:
    """Return texts that show early what they will end with, except every fifth."""
    ended = RNG.integers(2, size=n)
    signs = ("The groups did not differ at all.", "The treated group was much better.")
    texts = [
        "Let me see. There was a trial. "
        + ("I cannot tell yet. " if i % 5 == 0 else signs[1 - label] + " ")
        + "There are more details here. They need not be read. "
        + f"The answer is {PUBMEDQA.names[label]}."
        for i, label in enumerate(ended)
    ]
    return texts, ended


def test_texts_stop_where_what_they_will_say_is_predicted() -> None:
    texts, ended = thoughts(150)
    steps = read_steps(texts, PUBMEDQA)
    assert steps.owner.tolist() == [i for i in range(150) for _ in range(4)]
    assert steps.share[3::4].tolist() == [1.0] * 150
    given = cross_predict_steps(steps, ended, np.arange(150), 3)
    assert given.sum(1) == pytest.approx(np.ones(len(given)))
    threshold = choose_threshold(steps, given, ended, np.arange(150))
    labels, share = stop(steps, given, ended, threshold)
    assert (labels == ended).mean() >= 0.95
    told = np.arange(150) % 5 > 0
    assert share[told].mean() < 0.8 < share[~told].mean()
    assert stop(steps, given, ended, 1.1)[1].tolist() == [1.0] * 150


def test_labels_that_mean_nothing_teach_nothing() -> None:
    made, _ = answers(300)
    right = RNG.random(300) < 0.7
    evidence, rows = gather(made), np.arange(300)
    fitted = fit_correctness(evidence, rows, right, [str(i // 2) for i in range(300)])
    found = area_under_roc(fitted.probabilities, right)
    assert found.interval is not None
    assert found.interval.low <= 0.5
    with pytest.raises(ValueError, match="are too few"):
        fit_correctness(evidence, rows, np.ones(300, bool), [str(i) for i in range(300)])
    with pytest.raises(ValueError, match="are too few"):  # all wrong ones repeat one another
        fit_correctness(evidence, rows, rows > 20, [str(max(i, 20)) for i in range(300)])
