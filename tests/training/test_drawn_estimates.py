"""Accuracy by the reviewers' labels, for all items, from the queues that can speak for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.outcomes import scored_runs
from db.outcomes.run_pairs import PairFilter
from db.outcomes.selection import OutcomeFilter, Selection
from db.people.reviewers import add_reviewer
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter
from db.review.queues import Queue, QueueSettings, add_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import head_says, make_item, make_prediction, make_run
from tests.support.stores import open_store
from training.evaluation.drawn_estimates import (
    DrawnEstimate,
    estimate_accuracy,
    estimate_difference,
    estimate_slices,
)

NUM_ITEMS = 240
RNG = np.random.default_rng(1)
MARGIN = RNG.random(NUM_ITEMS) * 0.5
IS_WRONG = RNG.random(NUM_ITEMS) < 0.5 - MARGIN
"""The less confident the head, the likelier reviewers find it wrong."""
ALL = OutcomeFilter(EVERYTHING, "run-1", "record", "pubmedqa")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """Yield items whose imported label is what the head says, though it is wrong on some."""
    database = open_store(tmp_path / "store.duckdb")
    with database.transaction() as cur:
        items = [
            make_item(f"q-{n:03d}", metadata={"year": "2001" if n < 120 else "2015"})
            for n in range(NUM_ITEMS)
        ]
        add_items(cur, items, origin="items")
        add_run(cur, make_run())
        add_predictions(
            cur,
            [
                make_prediction(
                    f"q-{n:03d}",
                    head_label="yes",
                    head_probabilities=(0.5 + MARGIN[n] / 2, 0.5 - MARGIN[n] / 2, 0.0),
                )
                for n in range(NUM_ITEMS)
            ],
        )
        add_reviewer(cur, "Chief", "admin")
    yield database
    database.close()


def made(store: Database, name: str, **fields: object) -> Queue:
    settings = QueueSettings(name, fields.pop("flt", ReviewFilter(run_id="run-1")), **fields)  # type: ignore[arg-type]
    with store.transaction() as cur:
        chief = add_reviewer(cur, "Chief").reviewer_id
        return add_queue(cur, settings, queue_id=name, created_by=chief)


def review(store: Database, queue: Queue, number: int) -> list[int]:
    """Label the first items of a queue as they really are; return their numbers."""
    query = "select item_id from queue_item where queue_id = ? order by position limit ?"
    with store.transaction() as cur:
        ids = [row[0] for row in cur.execute(query, [queue.queue_id, number]).fetchall()]
        for item_id in ids:
            label = "no" if IS_WRONG[int(item_id[2:])] else "yes"
            annotate(cur, "Ann", item_id, label, queue_id=queue.queue_id)
    return [int(item_id[2:]) for item_id in ids]


def estimated(store: Database, flt: OutcomeFilter = ALL) -> DrawnEstimate | None:
    scored_runs.refresh(store.cursor(), ["run-1"])
    return estimate_accuracy(store.cursor(), flt, "head")


def test_the_least_certain_first_with_a_floor_speak_for_all_items(store: Database) -> None:
    numbers = review(store, made(store, "least", order="uncertain", seed=5), 80)
    truth = 1 - IS_WRONG.mean()
    plain = 1 - IS_WRONG[numbers].mean()

    found = estimated(store)

    assert found is not None and found.estimate.value is not None
    assert found.estimate.n == 80
    assert (found.num_items, found.num_population) == (NUM_ITEMS, NUM_ITEMS)
    interval = found.estimate.interval
    assert interval is not None and interval.method == "PPI++"
    assert interval.low < truth < interval.high
    assert abs(found.estimate.value - truth) < abs(plain - truth)


def test_a_queue_reviewed_whole_leaves_no_doubt(store: Database) -> None:
    review(store, made(store, "all", order="item_id"), NUM_ITEMS)
    found = estimated(store)
    assert found is not None
    assert found.estimate.value == pytest.approx(1 - IS_WRONG.mean())
    interval = found.estimate.interval
    assert interval is not None and interval.high - interval.low < 1e-6


def test_two_draws_count_once_where_they_are_the_same_and_both_where_not(store: Database) -> None:
    review(store, made(store, "one", order="random", seed=1), 40)
    review(store, made(store, "same", order="random", seed=1), 60)
    found = estimated(store)
    assert found is not None
    assert [queue.queue_id for queue in found.queues] == ["same"]
    review(store, made(store, "other", order="random", seed=2), 30)
    found = estimated(store)
    assert found is not None
    assert {queue.queue_id for queue in found.queues} == {"same", "other"}
    assert found.estimate.n == 90


def test_strata_are_weighted_by_their_items(store: Database) -> None:
    design = QueueDesign(strata="gold_label")
    review(store, made(store, "strata", order="random", design=design), 50)
    found = estimated(store)
    assert found is not None
    assert found.estimate.n == 50


@pytest.mark.parametrize(
    ("name", "fields", "number"),
    [
        ("strict and not whole", {"order": "uncertain", "design": QueueDesign(floor=0)}, 80),
        ("by name and not whole", {"order": "item_id"}, 80),
        ("too few reviews", {"order": "random"}, 9),
        (
            "of few items",
            {
                "order": "random",
                "flt": ReviewFilter(
                    run_id="run-1", item_ids=tuple(f"q-{n:03d}" for n in range(60))
                ),
            },
            50,
        ),
    ],
)
def test_what_cannot_speak_for_all_items_is_no_estimate(
    store: Database, name: str, fields: dict[str, object], number: int
) -> None:
    review(store, made(store, name, **fields), number)
    assert estimated(store) is None


def test_queues_of_before_and_filters_by_outcome_have_no_estimate(store: Database) -> None:
    review(store, made(store, "random", order="random"), 60)
    for flt in (
        ALL.also(Selection(head_is_right=False)),
        ALL.also(Selection(gold_label="yes")),
        OutcomeFilter(EVERYTHING, "run-1", "imported", "pubmedqa"),
    ):
        assert estimated(store, flt) is None
    assert estimated(store, ALL.also(Selection(source="pubmedqa"))) is not None
    with store.transaction() as cur:
        cur.execute("delete from queue_draw")
    assert estimated(store) is None


def test_two_runs_differ_for_all_items_as_the_drawn_reviews_say(store: Database) -> None:
    # Changes of unsure items alone: counted among the least certain, the runs differ by more.
    changed = (MARGIN < 0.25) & (np.arange(NUM_ITEMS) % 2 == 0)
    with store.transaction() as cur:
        add_run(cur, make_run("run-2"))
        labels = ["no" if change else "yes" for change in changed]
        add_predictions(
            cur,
            [
                make_prediction(f"q-{n:03d}", "run-2", **head_says(labels[n]))
                for n in range(NUM_ITEMS)
            ],
        )
    numbers = review(store, made(store, "least", order="uncertain", seed=5), 100)
    right_a, right_b = ~IS_WRONG, (np.array(labels) == "no") == IS_WRONG
    truth = right_b.mean() - right_a.mean()
    scored_runs.refresh(store.cursor(), ["run-1", "run-2"])
    pair = PairFilter(EVERYTHING, "run-1", "run-2", "head", "head", "record", "pubmedqa")

    found = estimate_difference(store.cursor(), pair)

    assert found is not None and found.difference.estimate.value is not None
    difference = found.difference.estimate
    assert (difference.n, found.difference.num_items) == (100, NUM_ITEMS)
    interval = difference.interval
    assert interval is not None and interval.method == "Hajek"
    assert interval.low < truth < interval.high
    plain = (right_b[numbers].mean() - right_a[numbers].mean()) - truth
    assert abs(difference.value - truth) < abs(plain)
    for run, right in ((found.accuracy_a, right_a), (found.accuracy_b, right_b)):
        assert run.estimate.interval is not None
        assert run.estimate.interval.low < right.mean() < run.estimate.interval.high
    imported = PairFilter(EVERYTHING, "run-1", "run-2", "head", "head", "imported", "pubmedqa")
    assert estimate_difference(store.cursor(), imported) is None


def test_slices_are_estimated_from_drawn_reviews_of_their_items(store: Database) -> None:
    numbers = review(store, made(store, "least", order="uncertain", seed=9), 120)
    scored_runs.refresh(store.cursor(), ["run-1"])

    found = estimate_slices(store.cursor(), ALL, "head")

    assert found is not None and found.overall.estimate.n == 120
    years = {one.value: one for one in found.slices if one.dimension == "year_range"}
    assert len(years) == 2
    first, second = (years[value] for value in sorted(years))
    assert first.inside.n == sum(n < 120 for n in numbers)
    assert (first.inside, first.outside) == (second.outside, second.inside)
    for one, own in ((first, slice(0, 120)), (second, slice(120, 240))):
        interval = one.inside.interval
        assert interval is not None and interval.low < 1 - IS_WRONG[own].mean() < interval.high
    assert estimate_slices(store.cursor(), ALL.also(Selection(gold_label="yes")), "head") is None
