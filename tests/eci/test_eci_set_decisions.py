"""Operating points where several labels may be right, judged on items that did not choose them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from eci.arrays import BoolArray, FloatArray
from eci.decisions import MOST_PROBABLE, DecisionRule, DecisionSettings
from eci.set_decisions import choose_set_rule


def draw(
    n: int, seed: int, bases: tuple[float, ...], strength: float, shift: float = 0.0
) -> tuple[FloatArray, BoolArray]:
    """Return probabilities of labels with these log-odds, and which are right.

    ``shift`` is added to the log-odds of all labels but the first, so that they are not calibrated.
    """
    rng = np.random.default_rng(seed)
    odds = np.array(bases) + strength * rng.normal(size=(n, len(bases)))
    p = 1 / (1 + np.exp(-odds))
    right = rng.random(p.shape) < p
    right[np.arange(n), p.argmax(axis=1)] |= ~right.any(axis=1)
    odds[:, 1:] += shift
    return 1 / (1 + np.exp(-odds)), right


@pytest.mark.parametrize("is_options", [False, True])
def test_thresholds_raise_the_overlap_of_new_items_where_probabilities_are_too_low(
    is_options: bool,
) -> None:
    gains = []
    for seed in range(5):
        p, right = draw(150, seed, (0.5, -1.5, -2.5, -2.5), 1.2, shift=-1.2)
        rule = choose_set_rule(p, right, DecisionSettings(), is_options=is_options)
        assert len(rule.label_thresholds) == (1 if is_options else 4)
        assert rule.mean_cost is not None and rule.mean_cost_most_probable is not None
        assert rule.mean_cost <= rule.mean_cost_most_probable
        new, gold = draw(4000, 100 + seed, (0.5, -1.5, -2.5, -2.5), 1.2, shift=-1.2)
        scores = [
            jaccard_score(gold, each.decide_sets(new).given, average="samples")
            for each in (rule, MOST_PROBABLE)
        ]
        gains.append(scores[0] - scores[1])
        assert 1 - scores[0] == pytest.approx(rule.mean_cost, abs=0.1)
    assert min(gains) > -0.01
    assert np.mean(gains) > (0.0 if is_options else 0.015)


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_probabilities_say_nothing_of_keep_one_half(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.55, 0.95, (200, 3))
    right = rng.random((200, 3)) < 0.9  # each is best given always, as one half does
    rule = choose_set_rule(p, right, DecisionSettings(), is_options=False)
    assert rule.label_thresholds == (0.5, 0.5, 0.5)


def test_of_few_items_or_at_another_cost_nothing_is_chosen() -> None:
    p, right = draw(19, 1, (0.5, -2.5, -2.5), 1.2)
    rule = choose_set_rule(p, right, DecisionSettings(target_error=0.1), is_options=False)
    assert (rule.label_thresholds, rule.threshold) == ((0.5, 0.5, 0.5), None)
    assert rule.decide_sets(p).asks_person.all()
    p, right = draw(200, 1, (0.5, -2.5, -2.5), 1.2)
    rule = choose_set_rule(p, right, DecisionSettings(cost="accuracy"), is_options=False)
    assert rule.label_thresholds == (0.5, 0.5, 0.5)
    exact = (rule.decide_sets(p).given == right).all(axis=1).mean()
    assert rule.mean_cost == pytest.approx(1 - exact)
    empty = choose_set_rule(
        np.empty((0, 3)), np.empty((0, 3)), DecisionSettings(target_error=0.1), is_options=False
    )
    assert empty.mean_cost is None
    assert empty.decide_sets([[0.9, 0.9, 0.9]]).asks_person.all()


def test_sets_that_no_person_reviews_keep_the_target_error() -> None:
    broken = 0
    for seed in range(30):
        p, right = draw(400, seed, (3.0, -4.0, -4.0), 4.0)
        rule = choose_set_rule(p, right, DecisionSettings(target_error=0.15), is_options=False)
        new, gold = draw(4000, 500 + seed, (3.0, -4.0, -4.0), 4.0)
        decided = rule.decide_sets(new)
        alone = ~decided.asks_person
        wrong = (decided.given != gold).any(axis=1)[alone]
        broken += bool(len(wrong)) and wrong.mean() > 0.15
        assert alone.any()
    assert broken <= 3


def test_a_rule_of_sets_survives_json_and_one_of_before_gives_labels_from_one_half() -> None:
    p, right = draw(200, 3, (0.5, -2.0), 1.0)
    rule = choose_set_rule(p, right, DecisionSettings(), is_options=False)
    assert DecisionRule.model_validate_json(rule.model_dump_json()) == rule
    old = DecisionRule.model_validate({"num_items": 0, "set_coverage": 0.9})
    assert old.decide_sets([[0.5, 0.49]]).given.tolist() == [[True, False]]
