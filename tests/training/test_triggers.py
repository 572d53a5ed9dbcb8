"""When a run starts by itself: each policy, and never while another run goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.content.runs import add_run
from db.errors import NotPermittedError
from db.people.reviewers import add_reviewer
from db.retraining.readiness import ReadinessCount, count_readiness
from db.retraining.training_runs import add_training_run, list_training_runs
from db.review.adjudications import add_adjudication
from db.review.draws import QueueDesign
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_item, make_prediction, make_run, make_training_run
from tests.support.stores import open_store
from training.control.triggers import (
    Readiness,
    TriggerPolicy,
    find_reason,
    get_policy,
    read_readiness,
    set_policy,
    tick,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def _found(
    *,
    adjudicated: int = 0,
    corrected: int = 0,
    fresh: tuple[int, int] = (0, 0),
    watched: tuple[int, int] = (0, 0),
    hours: float = 1,
) -> Readiness:
    counts = ReadinessCount(corrected, adjudicated, 0, 0, 0, *fresh, *watched)
    return Readiness(NOW - timedelta(hours=hours), counts, test_error=0.3)


@pytest.mark.parametrize(
    ("policy", "found", "is_due"),
    [
        (TriggerPolicy(), _found(adjudicated=999, corrected=999, fresh=(99, 99)), False),
        (TriggerPolicy(mode="corrections", num_corrections=5), _found(adjudicated=4), False),
        (TriggerPolicy(mode="corrections", num_corrections=5), _found(adjudicated=5), True),
        (TriggerPolicy(mode="schedule", every_hours=24), _found(corrected=1, hours=23), False),
        (TriggerPolicy(mode="schedule", every_hours=24), _found(corrected=1, hours=25), True),
        (TriggerPolicy(mode="schedule", every_hours=24), _found(corrected=0, hours=99), False),
        (TriggerPolicy(mode="errors"), _found(watched=(5, 3)), False),
        (TriggerPolicy(mode="errors"), _found(watched=(100, 33)), False),
        (TriggerPolicy(mode="errors"), _found(watched=(100, 60)), True),
        (TriggerPolicy(mode="errors"), _found(fresh=(100, 60)), False),
        (TriggerPolicy(mode="errors"), _found(fresh=(500, 400), watched=(100, 30)), False),
        (TriggerPolicy(mode="errors", error_rise=1), _found(watched=(100, 100)), False),
    ],
)
def test_a_run_is_due_when_the_policy_says_so(
    policy: TriggerPolicy, found: Readiness, is_due: bool
) -> None:
    assert (find_reason(policy, found, NOW) is not None) == is_due


def test_a_policy_is_set_by_who_may_train_and_holds(database: Database) -> None:
    with database.transaction() as cur:
        ann = add_reviewer(cur, "Ann").reviewer_id
        eve = add_reviewer(cur, "Eve", "engineer").reviewer_id
    assert get_policy(database) == TriggerPolicy()
    with pytest.raises(NotPermittedError):
        set_policy(database, TriggerPolicy(mode="schedule"), ann)
    set_policy(database, TriggerPolicy(mode="schedule", country="FRA"), eve)
    assert get_policy(database).country == "FRA"
    with pytest.raises(ValidationError):
        TriggerPolicy(country="France")


def test_readiness_counts_what_came_in_since_the_last_run(database: Database) -> None:
    with database.transaction() as cur:
        for name in ("Ann", "Bob"):
            for item_id, label in (("fix-train-000", "no"), ("fix-train-002", "maybe")):
                annotate(cur, name, item_id, label if name == "Ann" else "no")
        annotate(cur, "Ann", "fix-test-100", "maybe")
        chief = add_reviewer(cur, "Chief", "adjudicator").reviewer_id
        add_adjudication(
            cur, adjudication_id="d", item_id="fix-train-002", reviewer_id=chief, label="no"
        )
    counts = read_readiness(database, EVERYTHING).counts
    assert (counts.num_corrected, counts.num_adjudicated) == (2, 1)
    assert counts.num_test_corrected == 1, "no run learns from it"
    assert (counts.num_double, counts.num_unanimous) == (2, 1)
    later = datetime.now(UTC) + timedelta(minutes=1)
    with database.transaction() as cur:
        add_training_run(cur, make_training_run("r", settings={"task": "train"}, created_at=later))
    assert read_readiness(database, EVERYTHING).counts.num_corrected == 0


def test_nothing_starts_without_a_policy_or_beside_another_run(database: Database) -> None:
    with database.transaction() as cur:
        eve = add_reviewer(cur, "Eve", "admin").reviewer_id
        annotate(cur, "Eve", "fix-train-000", "no")
    now = datetime.now(UTC)
    assert tick(database, now) is None
    set_policy(database, TriggerPolicy(mode="schedule", refit_after_each=True), eve)
    with database.transaction() as cur:
        add_training_run(cur, make_training_run("r", state="running", created_at=now))
    assert tick(database, now) is None
    assert len(list_training_runs(database.cursor())) == 1


def test_a_run_that_failed_is_not_started_again_until_something_is_new(database: Database) -> None:
    with database.transaction() as cur:
        eve = add_reviewer(cur, "Eve", "admin").reviewer_id
        annotate(cur, "Eve", "fix-train-000", "no")
    set_policy(database, TriggerPolicy(mode="schedule"), eve)
    later = datetime.now(UTC) + timedelta(minutes=1)
    with database.transaction() as cur:
        failed = make_training_run(
            "r", state="failed", settings={"task": "refit"}, created_at=later, created_by=eve
        )
        add_training_run(cur, failed)
    assert (
        find_reason(get_policy(database), read_readiness(database, EVERYTHING), later) is not None
    )
    assert tick(database, later) is None
    assert len(list_training_runs(database.cursor())) == 1


FILTERS = {
    "random": (ReviewFilter(run_id="in-use"), QueueSettings("-", ReviewFilter(), order="random")),
    "uncertain": (
        ReviewFilter(run_id="in-use"),
        QueueSettings("-", ReviewFilter(), order="uncertain"),
    ),
    "errors alone": (
        ReviewFilter(run_id="in-use", show="head_wrong"),
        QueueSettings("-", ReviewFilter(), order="random"),
    ),
    "one label": (
        ReviewFilter(run_id="in-use", head_label="yes"),
        QueueSettings("-", ReviewFilter(), order="random"),
    ),
    "found by search": (
        ReviewFilter(run_id="in-use", search="drug"),
        QueueSettings("-", ReviewFilter(), order="random"),
    ),
    "by strata": (
        ReviewFilter(run_id="in-use"),
        QueueSettings("-", ReviewFilter(), order="random", design=QueueDesign(strata="source")),
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_only_reviews_of_items_drawn_at_random_are_watched(tmp_path: Path, name: str) -> None:
    flt, settings = FILTERS[name]
    database = open_store(tmp_path / "store.duckdb")
    ids = [f"q-{number}" for number in range(4)]
    with database.transaction() as cur:
        add_items(cur, [make_item(one, gold_label="no") for one in ids], origin="items")
        add_run(cur, make_run("in-use"))
        share = (0.6, 0.3, 0.1)
        predictions = [
            make_prediction(one, run_id="in-use", head_label="yes", head_probabilities=share)
            for one in ids
        ]
        add_predictions(cur, predictions)
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        chosen = replace(settings, name=name, filter=flt)
        queue = add_queue(cur, chosen, queue_id="queue", created_by=chief)
    annotate(database, "Ann", "q-0", "no", queue_id=queue.queue_id)
    annotate(database, "Ann", "q-1", "yes", queue_id=queue.queue_id)
    annotate(database, "Ann", "q-2", "no")

    counts = count_readiness(database.cursor(), EVERYTHING, None, "in-use")

    assert (counts.num_fresh, counts.num_fresh_wrong) == (3, 2)
    watched = (counts.num_watched, counts.num_watched_wrong)
    assert watched == ((2, 1) if name == "random" else (0, 0))
    database.close()


def test_a_model_that_has_not_changed_sets_off_no_run_though_the_hardest_come_first() -> None:
    policy, starts = TriggerPolicy(mode="errors"), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        wrong = rng.random(300) < 0.164
        hardest = np.argsort(rng.random(300) - 0.6 * wrong)[:100]
        looks = (wrong[hardest].cumsum(), wrong.cumsum())
        starts += any(
            find_reason(
                policy,
                replace(
                    _found(
                        fresh=(2 * n, int(looks[0][n - 1] + looks[1][n - 1])),
                        watched=(n, int(looks[1][n - 1])),
                    ),
                    test_error=0.114,
                ),
                NOW,
            )
            for n in range(1, 101)
        )
    assert starts / 200 <= 0.05
