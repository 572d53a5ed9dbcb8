"""When a run starts by itself: each policy, and never while another run goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from db.connection import Database
from db.errors import NotPermittedError
from db.people.reviewers import add_reviewer
from db.retraining.readiness import ReadinessCount
from db.retraining.training_runs import add_training_run, list_training_runs
from db.review.adjudications import add_adjudication
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_training_run
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
    *, adjudicated: int = 0, corrected: int = 0, fresh: tuple[int, int] = (0, 0), hours: float = 1
) -> Readiness:
    counts = ReadinessCount(corrected, adjudicated, 0, 0, *fresh)
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
        (TriggerPolicy(mode="errors"), _found(fresh=(5, 3)), False),
        (TriggerPolicy(mode="errors"), _found(fresh=(100, 33)), False),
        (TriggerPolicy(mode="errors"), _found(fresh=(100, 60)), True),
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
        chief = add_reviewer(cur, "Chief", "adjudicator").reviewer_id
        add_adjudication(
            cur, adjudication_id="d", item_id="fix-train-002", reviewer_id=chief, label="no"
        )
    counts = read_readiness(database, EVERYTHING).counts
    assert (counts.num_corrected, counts.num_adjudicated) == (2, 1)
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
