"""Operating points: labels of least cost, sets that hold them, and when to ask a person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import f1_score

from eci.arrays import FloatArray, IntArray
from eci.decisions import DecisionRule, DecisionSettings, choose_rule, risk_threshold
from eci.errors import LabelSetError
from eci.questions.labels import PUBMEDQA, LabelSet

SEEDS = (0, 1, 2)
ORDINAL = LabelSet.fixed("severity", ["none", "mild", "severe"])


def draw(seed: int, n: int, shares: tuple[float, ...] = (0.55, 0.33, 0.12)) -> Any:
    """Return exact posteriors of items whose rare label is never the most probable one."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.array(shares) * 6, size=n)
    y = np.array([rng.choice(len(shares), p=row) for row in probabilities])
    return probabilities, y


@pytest.mark.parametrize("seed", SEEDS)
def test_the_cost_that_is_stated_is_lower_on_new_items_than_for_the_most_probable_label(
    seed: int,
) -> None:
    p, y = draw(seed, 600)
    new_p, new_y = draw(100 + seed, 4000)
    costs = ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (5.0, 5.0, 0.0))
    tried = {
        "macro_f1": DecisionSettings(cost="macro_f1"),
        "matrix": DecisionSettings(cost="matrix", matrix={"severity": costs}),
        "ordinal": DecisionSettings(cost="ordinal"),
    }
    for cost, settings in tried.items():
        rule = choose_rule(p, y, settings, ORDINAL)
        assert (rule.cost, rule.num_items) == (cost, 600)
        decided = rule.decide(new_p).labels
        new_cost = _mean_cost(cost, costs, new_y, decided)
        assert new_cost < _mean_cost(cost, costs, new_y, new_p.argmax(1))
        assert rule.mean_cost == pytest.approx(new_cost, abs=0.12), "estimated without looking"


def test_further_items_choose_how_much_rare_labels_count_and_nothing_else() -> None:
    few_cost, more_cost = [], []
    for seed in range(8):
        p, y = draw(seed, 60)
        few = choose_rule(p, y, DecisionSettings(target_error=0.3), PUBMEDQA)
        others = draw(200 + seed, 500)
        more = choose_rule(p, y, DecisionSettings(target_error=0.3), PUBMEDQA, others=others)
        assert (more.num_items, more.set_thresholds) == (60, few.set_thresholds)
        new_p, new_y = draw(100 + seed, 4000)
        few_cost.append(_mean_cost("macro_f1", (), new_y, few.decide(new_p).labels))
        more_cost.append(_mean_cost("macro_f1", (), new_y, more.decide(new_p).labels))
    assert np.mean(more_cost) < np.mean(few_cost)


def _mean_cost(cost: str, costs: Any, gold: IntArray, decided: IntArray) -> float:
    if cost == "macro_f1":
        return 1 - float(f1_score(gold, decided, average="macro"))
    if cost == "matrix":
        return float(np.array(costs)[gold, decided].mean())
    return float(np.abs(gold - decided).mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_label_that_is_never_the_most_probable_is_decided_for_at_macro_f1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.choice(3, p=(0.55, 0.33, 0.12), size=500)
    p = np.full((500, 3), 0.0)
    p[:] = (0.5, 0.3, 0.2)
    p[y == 1] = (0.3, 0.5, 0.2)
    p[y == 2] = (0.4, 0.25, 0.35)
    assert 2 not in p.argmax(1)
    rule = choose_rule(p, y, DecisionSettings(), PUBMEDQA)
    assert (rule.decide(p).labels[y == 2] == 2).all()
    assert choose_rule(p, y, DecisionSettings(cost="accuracy"), PUBMEDQA).costs is None


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_drawn_at_random_teach_no_weights(seed: int) -> None:
    p, _ = draw(seed, 400, (0.4, 0.35, 0.25))
    y = np.random.default_rng(seed + 50).permutation(draw(seed, 400)[1])
    rule = choose_rule(p, y, DecisionSettings(), PUBMEDQA)
    assert rule.mean_cost is not None
    assert rule.mean_cost > 0.55, "no better than chance, and says so"


def test_of_few_items_nothing_is_chosen_and_a_person_is_always_asked() -> None:
    p, y = draw(0, 12)
    settings = DecisionSettings(target_error=0.05)
    for rows in (0, 12):
        rule = choose_rule(p[:rows].reshape(-1, 3), y[:rows], settings, PUBMEDQA)
        assert rule.num_items == rows
        decided = rule.decide(p)
        assert (decided.labels == p.argmax(1)).all()
        assert decided.asks_person.all()
        assert rule.threshold is None


@pytest.mark.parametrize("target", [0.02, 0.05, 0.1, 0.2])
def test_labels_that_no_person_reviews_keep_the_target_error(target: float) -> None:
    broken = 0
    for seed in range(40):
        p, y = _confident(seed, 400)
        rule = choose_rule(p, y, DecisionSettings(target_error=target), PUBMEDQA)
        new_p, new_y = _confident(1000 + seed, 4000)
        decided = rule.decide(new_p)
        alone = ~decided.asks_person
        if alone.any():
            broken += (decided.labels != new_y)[alone].mean() > target + 0.01
    assert broken <= 4, "the promise holds in 95 of 100 draws"


def _confident(seed: int, n: int) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet((0.25, 0.2, 0.15), size=n)
    p = 0.999 * p + 0.001 / 3
    return p, np.array([rng.choice(3, p=row / row.sum()) for row in p])


def test_most_items_need_no_person_where_confidence_is_earned() -> None:
    p, y = _confident(3, 2000)
    rule = choose_rule(p, y, DecisionSettings(target_error=0.1), PUBMEDQA)
    assert rule.threshold is not None
    assert rule.decide(p).asks_person.mean() < 0.6
    assert risk_threshold([0.9, 0.8], np.array([False, True]), 0.1) is None


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_sets_hold_the_gold_label_as_often_as_promised(coverage: float) -> None:
    p, y = draw(1, 2000)
    new_p, new_y = draw(2, 4000)
    rule = choose_rule(p, y, DecisionSettings(set_coverage=coverage), PUBMEDQA)
    sets = rule.decide(new_p).sets
    assert sets is not None
    for label in range(3):
        held = sets[new_y == label, label].mean()
        assert held == pytest.approx(coverage, abs=0.06)


def test_a_person_is_asked_wherever_the_set_is_not_a_single_label() -> None:
    p, y = draw(1, 500)
    rule = choose_rule(p, y, DecisionSettings(ask_unless_single=True), PUBMEDQA)
    decided = rule.decide(p)
    assert decided.sets is not None
    assert (decided.asks_person == (decided.sets.sum(1) != 1)).all()
    assert 0 < decided.asks_person.mean() < 1


def test_options_are_decided_by_probability_whatever_errors_cost() -> None:
    p, y = _confident(1, 300)
    p = np.pad(p, ((0, 0), (0, 2)))
    settings = DecisionSettings(cost="ordinal", target_error=0.2)
    rule = choose_rule(p, y, settings, None)
    assert (rule.cost, rule.costs) == ("accuracy", None)
    decided = rule.decide(np.pad(p, ((0, 0), (0, 1))))
    assert (decided.labels == p.argmax(1)).all()
    assert decided.sets is not None
    assert not decided.sets[:, 3:].any(), "options that an item lacks are in no set"
    assert decided.sets.any(1).mean() > 0.8
    assert not decided.asks_person.all()


def test_a_rule_survives_json() -> None:
    p, y = draw(0, 200)
    settings = DecisionSettings(target_error=0.3, set_coverage=0.95, ask_unless_single=True)
    rule = choose_rule(p, y, settings, PUBMEDQA)
    again = DecisionRule.model_validate_json(rule.model_dump_json())
    assert again == rule
    few = choose_rule(p[:3], y[:3], settings, PUBMEDQA)
    assert DecisionRule.model_validate_json(few.model_dump_json()) == few


SQUARE = ((0.0, 1.0), (1.0, 0.0))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cost": "matrix"}, "go together"),
        ({"cost": "accuracy", "matrix": {"a": SQUARE}}, "go together"),
        ({"cost": "matrix", "matrix": {"a": ((0, 1),)}}, "one row and column"),
        ({"cost": "matrix", "matrix": {"a": ((0, 1), (1,))}}, "one row and column"),
        ({"cost": "matrix", "matrix": {"a": ((2, 1), (1, 0))}}, "costs less than being right"),
        ({"cost": "matrix", "matrix": {"a": ((0, -1), (1, 0))}}, "greater than or equal to 0"),
        ({"cost": "matrix", "matrix": {"a": ((0, float("nan")), (1, 0))}}, "finite number"),
        ({"order": {"a": ("x", "y")}}, "ordinal"),
        ({"cost": "f2"}, "macro_f1"),
        ({"target_error": 0.0}, "greater than 0"),
        ({"target_error": 1}, "less than 1"),
        ({"set_coverage": 1.5}, "less than 1"),
        ({"coverage": 0.9}, "not permitted"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DecisionSettings.model_validate(fields)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (DecisionSettings(cost="matrix", matrix={"severity": SQUARE}), "2 rows for 3 labels"),
        (DecisionSettings(cost="matrix", matrix={"tirage": SQUARE}), "'tirage' is not among sev"),
        (DecisionSettings(cost="matrix", matrix={"options": SQUARE}), "'options' is not among"),
        (DecisionSettings(cost="ordinal", order={"severity": ("none", "mild")}), "none, mild"),
    ],
)
def test_costs_that_do_not_fit_the_label_sets_are_refused(
    settings: DecisionSettings, words: str
) -> None:
    with pytest.raises(LabelSetError, match=words):
        settings.require_labels([ORDINAL, LabelSet.from_options({"A": "x", "B": "y"})])


def test_an_order_of_labels_decides_what_is_near() -> None:
    p = np.array([[0.45, 0.45, 0.10]])  # yes, no, maybe
    settings = DecisionSettings(cost="ordinal", order={"pubmedqa": ("yes", "maybe", "no")})
    settings.require_labels([PUBMEDQA])
    assert choose_rule(p, [0], settings, PUBMEDQA).decide(p).labels.tolist() == [2]
    listed = choose_rule(p, [0], DecisionSettings(cost="ordinal"), PUBMEDQA)
    assert listed.decide(p).labels.tolist() == [1]
