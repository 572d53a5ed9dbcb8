"""The gate and the registry: accuracy alone promotes nothing, people do, and may go back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import NotPermittedError
from db.outcomes.gate_pairs import GatePair
from db.outcomes.selection import Selection
from db.outcomes.slices import save_slice
from db.people.reviewers import add_reviewer
from db.records import Section, join_labels, labels_in
from db.retraining.model_versions import find_by_alias, list_alias_events, register_model
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from eci.statistics.estimates import Estimate, Interval
from tests.support.annotations import annotate
from tests.support.records import LABELS, make_head_prediction, make_item, make_prediction, make_run
from tests.support.stores import open_store
from training.control.registry import PromotionError, choose_challenger, gate_of, promote, roll_back
from training.evaluation.gate import judge_pairs, run_gate
from training.evaluation.gate_checks import check_first_ece, check_gain
from training.evaluation.gate_report import Check, GateReport, level_of_use
from training.evaluation.reporting.report_text import figure, plain
from training.evaluation.reporting.reports import model_card

GOLD = ["yes"] * 60 + ["no"] * 40 + ["maybe"] * 20
Predict = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> Database:
    """A store of 120 test items: 60 yes, 40 no, 20 maybe; the first 40 have a long context."""
    database = open_store(tmp_path / "review.duckdb")
    with database.transaction() as cur:
        items = [
            make_item(
                f"t-{n:03d}",
                question=f"Does drug {n} help?",
                context=(Section("", f"word{n} " * (300 if n % 3 == 0 else 5)),),
                gold_label=label,
                metadata={},
            )
            for n, label in enumerate(GOLD)
        ]
        add_items(cur, items, origin="items")
    return database


@pytest.fixture
def eve(store: Database) -> str:
    with store.transaction() as cur:
        return add_reviewer(cur, "Eve", "engineer").reviewer_id


@pytest.fixture
def predict(store: Database, eve: str) -> Predict:
    """Return a function that stores and registers a run with these head labels."""

    def add(run_id: str, labels: Sequence[str], sure: float = 0.6) -> None:
        with store.transaction() as cur:
            add_run(cur, make_run(run_id))
            heads = [
                make_head_prediction(f"t-{n:03d}", run_id, label, sure)
                for n, label in enumerate(labels)
            ]
            add_predictions(cur, heads)
            register_model(cur, run_id, eve)

    return add


def _some_right(num_wrong: Sequence[int]) -> list[str]:
    """Return the gold labels with so many of each label turned into another."""
    wrong = dict(zip(LABELS, num_wrong, strict=True))
    given = []
    for label in GOLD:
        turned = wrong[label] > 0
        wrong[label] -= turned
        given.append(LABELS[(LABELS.index(label) + 1) % 3] if turned else label)
    return given


def test_accuracy_alone_promotes_nothing(store: Database, predict: Predict, eve: str) -> None:
    predict("champion", _some_right((20, 15, 8)))
    promote(store, 1, eve, "the first one, to begin with")
    # 20 + 15 more right, but it never says maybe.
    predict("yes-man", ["yes" if label == "maybe" else label for label in GOLD])
    report = gate_of(store, 2, EVERYTHING)
    (pubmedqa,) = report.sets
    assert pubmedqa.comparison.fixed > pubmedqa.comparison.broken
    assert pubmedqa.comparison.is_significant, "its accuracy is significantly higher"
    assert not report.passed
    assert any("recall" in check.name for check in report.failed)
    with pytest.raises(PromotionError, match=r"maybe 60 % to 0 %"):
        promote(store, 2, eve)
    assert find_by_alias(store.cursor(), "champion").version == 1  # type: ignore[union-attr]


def test_a_model_that_is_better_all_round_passes(
    store: Database, predict: Predict, eve: str
) -> None:
    predict("champion", _some_right((20, 15, 8)), 0.64)
    promote(store, 1, eve, "the first one, to begin with")
    predict("better", _some_right((5, 5, 3)), 0.88)
    report = promote(store, 2, eve)
    assert report.passed, report.failed
    champion = find_by_alias(store.cursor(), "champion")
    assert champion is not None and champion.aliases == ("champion",)
    event = list_alias_events(store.cursor(), "champion")[0]
    assert (event.action, event.reviewer, event.gate["passed"]) == ("promote", "Eve", True)
    card = model_card(store.cursor(), champion.run_id)
    (pubmedqa,) = report.sets
    before, after = (figure(one) for one in pubmedqa.accuracies)
    difference = figure(pubmedqa.difference, "points")
    assert f"| pubmedqa | {before} | {after} | {difference} |" in card
    assert all(
        f"| {check.verdict} | {plain(check.finding)} |" in card for check in report.all_checks
    )


def test_the_same_model_again_has_no_gain(store: Database, predict: Predict, eve: str) -> None:
    predict("champion", _some_right((20, 15, 8)))
    promote(store, 1, eve, "the first one, to begin with")
    predict("again", _some_right((20, 15, 8)))
    report = gate_of(store, 2, EVERYTHING)
    assert report.failed == ()
    assert report.gain.verdict == "unsure"
    assert report.outcome == "too_few", "20 items of a label cannot exclude a fall of 5 points"
    with pytest.raises(PromotionError, match="At least one metric improves"):
        promote(store, 2, eve)


def test_each_further_model_compared_with_a_champion_raises_the_bar(
    store: Database, predict: Predict, eve: str
) -> None:
    with store.transaction() as cur:
        ann = add_reviewer(cur, "Ann", "reviewer").reviewer_id
    predict("champion", _some_right((20, 15, 8)), 0.64)
    promote(store, 1, eve, "the first one, to begin with")
    for number in range(2, 6):
        predict(f"run-{number}", _some_right((19, 15, 8)), 0.64)

    def look(version: int, who: str) -> int:
        return gate_of(store, version, EVERYTHING, asked_by=who).num_uses

    assert [look(2, eve), look(3, eve), look(3, eve), look(2, eve)] == [1, 2, 2, 1]
    assert [look(4, ann), look(5, ann), look(5, eve), look(4, eve)] == [3, 3, 3, 4]
    predict("better", _some_right((5, 5, 3)), 0.88)
    assert look(6, eve) == 5
    assert promote(store, 6, eve).num_uses == 5
    assert look(5, eve) == 1, "with a new champion the count begins again"


def test_the_levels_of_all_comparisons_add_up_to_five_per_cent() -> None:
    assert sum(level_of_use(number) for number in range(1, 100_000)) == pytest.approx(0.05, 1e-4)


def _simulated(seed: int, spread_before: float, spread_after: float) -> GateReport:
    """Return the report on 600 items of two calibrated models that see the labels through noise."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, 600)

    def posteriors(spread: float) -> np.ndarray:
        seen = np.eye(3)[gold] + rng.normal(0, spread, (600, 3))
        weights = np.exp(seen / spread**2)
        return weights / weights.sum(1, keepdims=True)

    before, after = posteriors(spread_before), posteriors(spread_after)
    pairs = [
        GatePair(
            str(n),
            "pubmedqa",
            LABELS,
            LABELS[gold[n]],
            LABELS[int(before[n].argmax())],
            LABELS[int(after[n].argmax())],
            tuple(before[n]),
            tuple(after[n]),
        )
        for n in range(600)
    ]
    sets = judge_pairs(pairs)
    return GateReport("before", "after", "digest", 1, sets, (), check_gain(sets, 1), ())


def test_better_equal_and_worse_models_are_told_apart() -> None:
    better = [_simulated(seed, 0.8, 0.6).outcome for seed in range(8)]
    equal = [_simulated(seed, 0.7, 0.7).outcome for seed in range(8)]
    worse = [_simulated(seed, 0.6, 0.8).outcome for seed in range(8)]
    assert better.count("better") >= 7
    assert set(equal) <= {"no_worse", "too_few"}
    assert set(worse) == {"worse"}


def test_a_slice_that_gets_worse_stops_the_gate(store: Database, predict: Predict) -> None:
    predict("before", _some_right((30, 20, 10)))
    after = [
        LABELS[(LABELS.index(label) + 1) % 3] if n % 3 == 0 else label
        for n, label in enumerate(GOLD)
    ]
    predict("after", after)
    report = run_gate(store.cursor(), EVERYTHING, "before", "after")
    worse = [one.change.value for one in report.slices if one.is_worse]
    assert worse == ["1,500 to 2,499 characters"]
    assert any("slice" in check.name for check in report.failed)
    (long,) = (one for one in report.slices if one.is_worse)
    assert long.difference.n == long.change.n == 40
    assert long.difference.interval is not None and long.difference.interval.high < 0


def test_saved_slices_count_unless_they_ask_what_a_model_got_wrong(
    store: Database, predict: Predict
) -> None:
    predict("before", _some_right((30, 20, 10)))
    predict("after", _some_right((20, 25, 10)))
    with store.transaction() as cur:
        by = add_reviewer(cur, "Eve").reviewer_id
        few = Selection(gold_label="maybe", slices=(("mesh", "Humans"),))
        save_slice(cur, "all yes", Selection(gold_label="yes"), saved_by=by)
        save_slice(cur, "wrong before", Selection(head_is_right=False), saved_by=by)
        save_slice(cur, "few", few, saved_by=by)
    saved = [
        (one.change.value, one.change.n, one.change.num_fixed, one.change.num_broken)
        for one in run_gate(store.cursor(), EVERYTHING, "before", "after").slices
        if one.change.dimension is None
    ]
    assert saved == [("all yes", 60, 10, 0)]


def test_a_slice_of_all_test_items_is_none_as_the_other_checks_judge_it(
    store: Database, predict: Predict
) -> None:
    predict("before", _some_right((30, 20, 10)))
    predict("after", _some_right((20, 25, 10)))
    slices = run_gate(store.cursor(), EVERYTHING, "before", "after").slices
    assert {one.change.dimension for one in slices} == {"length_range"}
    assert sum(one.change.n for one in slices) == len(GOLD)


def test_the_first_champion_must_beat_the_commonest_label(
    store: Database, predict: Predict, eve: str
) -> None:
    predict("constant", ["yes"] * len(GOLD))
    failed = [check.finding for check in gate_of(store, 1, EVERYTHING).failed]
    assert "never predicted: no, maybe" in failed
    predict("knows", _some_right((5, 5, 3)), 0.88)
    assert promote(store, 2, eve).passed


def _calibration(report: GateReport) -> Check:
    (check,) = (check for check in report.all_checks if "calibrated" in check.name)
    return check


def test_a_first_model_that_misjudges_itself_is_stopped(store: Database, predict: Predict) -> None:
    predict("unsure of itself", _some_right((5, 5, 3)), 0.6)  # right in 89 %, says 60 %
    report = gate_of(store, 1, EVERYTHING)
    assert report.failed == (_calibration(report),)
    assert "ECE 29.2 % (" in report.failed[0].finding
    assert "n = 120" in report.failed[0].finding


def test_too_few_items_to_tell_calibration_are_said_and_stop_nothing(
    store: Database, predict: Predict, eve: str
) -> None:
    predict("few", _some_right((5, 5, 3))[:90], 0.6)
    report = promote(store, 1, eve)
    check = _calibration(report)
    assert report.passed and report.unsure == (check,)
    assert check.finding.startswith("too few items to tell: ECE ") and "n = 90" in check.finding
    assert "unsure" in [kept["verdict"] for kept in report.to_dict()["checks"]]


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.05, 0.02, 0.1, "pass"),
        (0.09, 0.06, 0.12, "unsure"),
        (0.15, 0.09, 0.2, "unsure"),
        (0.15, 0.11, 0.2, "fail"),
    ],
)
def test_the_interval_and_not_the_value_decides_about_calibration(
    value: float, low: float, high: float, verdict: str
) -> None:
    ece = Estimate(value, 500, Interval(low, high, 0.95, "basic bootstrap"))
    assert check_first_ece("pubmedqa", ece).verdict == verdict


def test_rolling_back_twice_goes_back_twice(store: Database, predict: Predict, eve: str) -> None:
    for number in range(3):
        predict(f"run-{number}", _some_right((20, 15, 8)))
        promote(store, number + 1, eve, "for the sake of this test")
    versions = []
    for _ in range(3):
        with pytest.raises(PromotionError, match="reason 'no' is too short"):
            roll_back(store, eve, "no")
        model = roll_back(store, eve, "worse on the ward")
        versions.append(None if model is None else model.version)
    assert versions == [2, 1, None]
    with pytest.raises(PromotionError, match="no champion"):
        roll_back(store, eve, "worse on the ward")
    assert len(list_alias_events(store.cursor(), "champion")) == 6


def test_only_engineers_and_admins_promote_and_roll_back(
    store: Database, predict: Predict, eve: str
) -> None:
    predict("one", _some_right((5, 5, 3)), 0.88)
    with store.transaction() as cur:
        ann = add_reviewer(cur, "Ann", "reviewer").reviewer_id
    with pytest.raises(NotPermittedError):
        promote(store, 1, ann)
    promote(store, 1, eve)
    with pytest.raises(NotPermittedError):
        roll_back(store, ann, "worse on the ward")
    with pytest.raises(NotPermittedError):
        choose_challenger(store, 1, ann)


def test_the_challenger_can_be_chosen_but_is_never_the_champion(
    store: Database, predict: Predict, eve: str
) -> None:
    for number in range(3):
        predict(f"run-{number}", _some_right((20, 15, 8)))
    assert find_by_alias(store.cursor(), "challenger").version == 3  # type: ignore[union-attr]
    choose_challenger(store, 1, eve)
    assert find_by_alias(store.cursor(), "challenger").version == 1  # type: ignore[union-attr]
    promote(store, 1, eve, "for the sake of this test")
    with pytest.raises(PromotionError, match="champion"):
        choose_challenger(store, 1, eve)


@pytest.mark.parametrize("is_drawn", [True, False])
def test_of_test_items_of_which_some_are_labelled_the_gate_says_what_holds_for_all(
    store: Database, predict: Predict, is_drawn: bool
) -> None:
    """120 more test items without a label; reviewers label 90 of them, drawn or hand-picked."""
    rng = np.random.default_rng(0)
    truth = [LABELS[n] for n in rng.choice(3, 120, p=[0.5, 0.3, 0.2])]
    with store.transaction() as cur:
        items = [make_item(f"u-{n:03d}", gold_label=None, source="new") for n in range(120)]
        add_items(cur, items, origin="more items")
        for run_id, share in (("before", 0.6), ("after", 0.8)):
            add_run(cur, make_run(run_id))
            given = [label if rng.random() < share else "no" for label in truth]
            heads = [
                make_head_prediction(f"u-{n:03d}", run_id, label) for n, label in enumerate(given)
            ]
            add_predictions(cur, heads)
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        settings = QueueSettings(
            "new", ReviewFilter(source="new"), order="random" if is_drawn else "item_id"
        )
        queue = add_queue(cur, settings, queue_id="new", created_by=chief)
        query = "select item_id from queue_item where queue_id = ? order by position limit 90"
        for (item_id,) in cur.execute(query, [queue.queue_id]).fetchall():
            annotate(cur, "Ann", item_id, truth[int(item_id[2:])], queue_id=queue.queue_id)

    (one,) = run_gate(store.cursor(), EVERYTHING, "before", "after").sets

    cover = next(check for check in one.checks if "can speak for all" in check.name)
    assert "90 of 120 test items are labelled" in cover.finding
    assert one.comparison.n == 90
    accuracy = one.checks[0].finding
    if is_drawn:
        assert cover.verdict == "pass"
        assert one.drawn is not None
        assert one.drawn.difference.estimate.n == 90
        assert one.accuracies[1] == one.drawn.accuracy_b.estimate
        assert "for all 120 test items; counted plainly" in accuracy
    else:
        assert cover.verdict == "unsure"
        assert one.accuracies[1] == one.comparison.accuracy_b
        assert "plainly" not in accuracy


def test_where_every_test_item_is_labelled_the_gate_counts_them_all(
    store: Database, predict: Predict
) -> None:
    predict("before", _some_right((20, 15, 8)))
    predict("after", _some_right((5, 5, 3)))
    with store.transaction() as cur:
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        settings = QueueSettings("random", ReviewFilter(), order="random")
        add_queue(cur, settings, queue_id="random", created_by=chief)
        query = "select item_id from queue_item order by position limit 40"
        for (item_id,) in cur.execute(query).fetchall():
            annotate(cur, "Ann", item_id, "yes", queue_id="random")
    (one,) = run_gate(store.cursor(), EVERYTHING, "before", "after").sets
    assert one.drawn is None and one.cover.drawn is not None
    assert one.accuracies == (one.comparison.accuracy_a, one.comparison.accuracy_b)
    assert not any("can speak for all" in check.name for check in one.checks)
    assert "by the reviewers' labels alone, of 40 drawn items" in one.checks[0].finding


def test_sets_of_labels_are_judged_by_exact_match_overlap_and_each_label(store: Database) -> None:
    signs = ("cough", "fever", "rash")
    golds = [join_labels(signs[: 1 + n % 3], signs) for n in range(90)]
    with store.transaction() as cur:
        items = [
            make_item(
                f"s-{n:03d}",
                question=f"Which signs has case {n}?",
                label_set="signs",
                labels=signs,
                gold_label=gold,
                is_several=True,
            )
            for n, gold in enumerate(golds)
        ]
        add_items(cur, items, origin="items")
        for run_id, wrong in (("before", 45), ("after", 9)):
            add_run(cur, make_run(run_id))
            given = [join_labels(("rash",), signs)] * wrong + golds[wrong:]
            add_predictions(
                cur,
                [
                    make_prediction(
                        f"s-{n:03d}",
                        run_id,
                        head_label=label,
                        head_probabilities=tuple(
                            0.9 if sign in labels_in(label) else 0.1 for sign in signs
                        ),
                    )
                    for n, label in enumerate(given)
                ],
            )
    report = run_gate(store.cursor(), EVERYTHING, "before", "after")
    (one,) = report.sets
    assert (one.label_set, one.comparison.fixed, one.comparison.broken) == ("signs", 36, 0)
    assert one.overlap is not None and one.ece_before is not None
    # By hand: of 45 (9) wrong items a third has one of three right labels, the others none.
    assert [e.value for e in one.overlap[:2]] == pytest.approx([50 / 90, 82 / 90])
    assert [each.support for each in one.recalls] == [90, 60, 30]
    assert [each.after.value for each in one.recalls] == pytest.approx([81 / 90, 54 / 60, 1.0])
    assert report.failed == () and report.passed
    first = run_gate(store.cursor(), EVERYTHING, None, "after").sets[0]
    assert first.comparison.accuracy_a.value == pytest.approx(30 / 90)
    assert {check.name for check in first.checks} >= {
        "signs: overlap is not lower by more than 2 points"
    }
