"""Features that are computed before a refit asks for them, by a process that gives way to runs."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.content.items import add_items
from db.conversions import utc_now
from db.paths import runs_dir
from db.records import Reviewer, TrainingRun
from db.retraining.training_runs import add_training_run, add_training_state
from tests.support.runs import kill, told_by
from tests.support.training_items import make_remedy
from tests.support.waiting import wait_for
from training.control.features_ahead import find_job, stop, update
from training.control.ingest import refresh
from training.control.plan import Plan, make_plan, prepare_plan
from training.head.refit import is_quick, run_refit
from training.run.execution import execute
from training.run.run_dir import RunDir
from training.settings.training import RefitSettings


def _job() -> tuple[RunDir, str]:
    found = find_job()
    assert found is not None
    return found[0], found[1].state


def test_features_of_new_items_are_computed_and_give_way_to_runs(
    database: Database,
    engineer: Reviewer,
    base_alone: RefitSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LLAMACARE_FEATURES_AHEAD", "1")
    first = prepare_plan(database, Plan("refit", base_alone, None), "tests")
    assert execute(first, run_refit) == "succeeded"
    refresh(database, runs_dir())
    with database.transaction() as cur:
        add_items(cur, [make_remedy(200 + n) for n in range(8)], origin="items")
    update(database)
    assert _job()[1] == "queued"
    other = TrainingRun("other", "test", "running", {}, utc_now(), "tests")
    with database.transaction() as cur:
        add_training_run(cur, other)
    update(database)
    wait_for(lambda: _job()[1] == "cancelled", seconds=40, explain=lambda: told_by(_job()[0]))
    update(database)
    assert _job()[1] == "cancelled", "the run goes on"
    with database.transaction() as cur:
        add_training_state(cur, other.run_id, "failed", "")
    update(database)
    job, state = _job()
    assert state == "queued"
    try:
        wait_for(lambda: _job()[1] == "succeeded", seconds=120, explain=lambda: told_by(job))
    finally:
        kill(job)
    update(database)
    assert _job()[0].run_id == job.run_id

    planned = prepare_plan(database, make_plan(database, "refit"), "tests")
    assert is_quick(planned)
    with database.transaction() as cur:
        add_training_state(cur, planned.run_id, "cancelled", "")
        add_items(cur, [make_remedy(300)], origin="items")
    update(database)
    job, _ = _job()
    stop(job, engineer.reviewer_id)
    wait_for(lambda: _job()[1] == "cancelled", seconds=40, explain=lambda: told_by(_job()[0]))
    update(database)
    assert _job()[1] == "cancelled", "a person stopped it, and no item has come in since"
