"""Refits after each correction: from the correction to the figures, and how many of them stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.connection import Database
from db.content.predictions import add_predictions, list_predictions
from db.content.runs import find_run, get_run, list_runs
from db.paths import runs_dir
from db.people.reviewers import add_reviewer
from db.records import Reviewer, TrainingState
from db.retraining.lineage import list_correction_runs
from db.retraining.model_versions import (
    ModelNotFoundError,
    find_by_alias,
    get_model,
    list_models,
    register_model,
    set_alias,
)
from db.retraining.refit_effect import find_refit_effect
from db.retraining.snapshot import read_snapshot
from db.retraining.training_runs import add_training_run, find_training_run, list_training_runs
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_item_queue
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_head_prediction, make_training_run
from tests.support.runs import wait_for_end
from tests.support.trained_runs import add_trained_run
from training.control.automatic import AFTER_CORRECTION, NUM_KEPT, is_automatic, retire_automatic
from training.control.ingest import refresh
from training.control.plan import Plan, default_source, prepare_plan
from training.control.triggers import TriggerPolicy, read_readiness, set_policy, tick
from training.head.refit import run_refit
from training.run.execution import execute
from training.run.run_dir import RunDir
from training.settings.training import RefitSettings

START = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_correction_is_refitted_by_itself_to_figures_in_the_store(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    first = prepare_plan(database, Plan("refit", base_alone, None), engineer.reviewer_id)
    assert execute(first, run_refit) == "succeeded", first.read_status().message
    refresh(database, runs_dir())
    set_policy(database, TriggerPolicy(refit_after_each=True), engineer.reviewer_id)
    now = datetime.now(UTC)
    assert tick(database, now) is None, "nothing was corrected yet"

    correction = annotate(database, "Ann", "more-train-000", "no").annotation_id
    with database.transaction() as cur:  # learns nothing, so the correction is still to be learned
        answers = {"settings": {"task": "predict"}, "created_at": datetime.now(UTC)}
        add_training_run(cur, make_training_run("p", **answers))
    run_id = tick(database, now)
    assert run_id is not None
    assert tick(database, now) is None, "one at a time"
    run_dir = RunDir(runs_dir() / run_id)
    wait_for_end(run_dir, "succeeded")
    refresh(database, runs_dir())

    cur = database.cursor()
    stored = find_training_run(cur, run_id)
    assert stored is not None
    assert (stored.state, stored.created_by) == ("succeeded", engineer.reviewer_id), (
        stored.message + run_dir.tail_log()
    )
    assert is_automatic(stored.settings)
    stored_run = get_run(cur, run_id)
    assert stored_run.base_run_id == first.run_id
    accuracy = stored_run.metrics["pubmedqa"]["head"]["accuracy"]
    assert accuracy["n"] == 17
    right = sum(
        p.head_label == item.label
        for item in read_snapshot(cur, EVERYTHING).test
        for p in list_predictions(cur, run_id, EVERYTHING)
        if p.item_id == item.item_id
    )
    assert accuracy["value"] == pytest.approx(right / 17, abs=1e-12)
    (learned,) = list_correction_runs(cur, EVERYTHING, correction, "more-train-000")
    assert (learned.run_id, learned.num_train) == (run_id, 1)
    effect = find_refit_effect(cur, run_id)
    assert effect is not None
    assert (effect.num_corrected, effect.n, effect.num_right) == (1, 17, right)
    before = get_run(cur, first.run_id).metrics["pubmedqa"]["head"]["accuracy"]["value"]
    assert effect.num_right_before == pytest.approx(17 * before)

    challenger = find_by_alias(cur, "challenger")
    assert challenger is not None
    assert challenger.run_id == first.run_id, "it displaces no model that a person asked for"
    assert [model.run_id for model in list_models(cur)] == [run_id, first.run_id]

    assert tick(database, now) is None, "nothing is new since"
    assert len(list_training_runs(cur)) == 3


def _add(
    database: Database,
    run_id: str,
    *,
    is_automatic: bool = True,
    base: str | None = None,
    state: TrainingState = "succeeded",
) -> RunDir:
    """Store a refit that has ended, newer than those before, with a directory and a model."""
    cur = database.cursor()
    created_at = START + timedelta(hours=len(list_training_runs(cur)))
    settings = {
        "task": "refit",
        "settings": {"artifact_run_id": base},
        "snapshot_id": "s",
        **({"triggered_by": AFTER_CORRECTION} if is_automatic else {}),
    }
    with database.transaction() as cur:
        if state == "succeeded":
            add_trained_run(cur, run_id, settings, base_run_id=base, created_at=created_at)
            add_predictions(cur, [make_head_prediction("fix-train-000", run_id, "no", 1.0)])
            register_model(cur, run_id, "Eve")
        else:
            ended = make_training_run(run_id, state=state, settings=settings, created_at=created_at)
            add_training_run(cur, ended)
    run_dir = RunDir(runs_dir() / run_id)
    run_dir.artifact_path.mkdir(parents=True)
    return run_dir


def _add_many(database: Database, count: int, prefix: str = "auto") -> list[RunDir]:
    return [_add(database, f"{prefix}-{number:02d}") for number in range(count)]


def test_only_the_newest_automatic_refits_stay_and_their_lineage_does(database: Database) -> None:
    person = _add(database, "by-hand", is_automatic=False)
    dirs = _add_many(database, NUM_KEPT + 3)
    dirs.append(_add(database, "failed", state="failed"))
    surplus, kept = dirs[:4], dirs[4:]

    assert set(retire_automatic(database, runs_dir())) == {run_dir.run_id for run_dir in surplus}
    assert not any(run_dir.path.exists() for run_dir in surplus)
    assert all(run_dir.path.exists() for run_dir in (*kept, person))
    assert sorted(path.name for path in runs_dir().iterdir()) == sorted(
        run_dir.run_id for run_dir in (*kept, person)
    )
    cur = database.cursor()
    stay = {run_dir.run_id for run_dir in (*kept, person)}
    assert {run.run_id for run in list_training_runs(cur)} == stay
    assert {run.run_id for run in list_runs(cur)} == stay - {"failed"}
    assert {model.run_id for model in list_models(cur)} == stay - {"failed"}
    gone = surplus[0].run_id
    assert find_training_run(cur, gone) is not None
    assert find_run(cur, gone) is not None
    assert [p.head_label for p in list_predictions(cur, gone, EVERYTHING)] == ["no"]
    with pytest.raises(ModelNotFoundError):
        get_model(cur, 2)
    assert retire_automatic(database, runs_dir()) == ()


def test_a_version_number_is_never_given_again(database: Database) -> None:
    _add_many(database, NUM_KEPT + 3)
    retire_automatic(database, runs_dir())
    _add(database, "next")
    assert list_models(database.cursor())[0].version == NUM_KEPT + 4


@pytest.mark.parametrize(
    "reason", ["champion", "promoted once", "chosen", "base", "source", "queue"]
)
def test_an_automatic_refit_that_is_needed_stays(
    database: Database, engineer: Reviewer, reason: str
) -> None:
    kept = _add(database, "needed")
    by = engineer.reviewer_id
    with database.transaction() as cur:
        chief = add_reviewer(cur, "Chief", "admin").reviewer_id
        if reason == "queue":
            add_item_queue(
                cur,
                QueueSettings("Mine", ReviewFilter(run_id="needed")),
                ["fix-train-000"],
                queue_id="q",
                created_by=chief,
            )
        if reason in ("champion", "promoted once"):
            set_alias(cur, "champion", 1, action="promote", reviewer_id=by)
        if reason == "promoted once":
            set_alias(cur, "champion", None, action="roll back", reviewer_id=by)
        if reason == "chosen":
            set_alias(cur, "challenger", 1, action="choose", reviewer_id=by)
    if reason == "base":
        _add(database, "child", is_automatic=False, base="needed")
    if reason == "source":
        with database.transaction() as cur:
            settings = {"task": "predict", "settings": {"artifact_run_id": "needed"}}
            add_training_run(cur, make_training_run("answers", state="running", settings=settings))
    others = _add_many(database, NUM_KEPT + 1)
    assert retire_automatic(database, runs_dir()) == (others[0].run_id,)
    assert kept.path.exists()
    assert "needed" in {run.run_id for run in list_runs(database.cursor())}


def test_files_that_outlived_their_run_are_removed_the_next_time(database: Database) -> None:
    first = _add_many(database, NUM_KEPT + 1)[0]
    retire_automatic(database, runs_dir())
    first.artifact_path.mkdir(parents=True)
    (runs_dir() / ".auto-99-retired" / "artifact").mkdir(parents=True)
    retire_automatic(database, runs_dir())
    assert len(list(runs_dir().iterdir())) == NUM_KEPT


def test_refits_after_corrections_do_not_stand_on_one_another(database: Database) -> None:
    _add_many(database, 2)
    assert default_source(database) == "auto-00", "none can be removed that another stands on"
    _add(database, "by-hand", is_automatic=False)
    _add(database, "auto-last")
    assert default_source(database) == "by-hand"


def test_refits_after_corrections_do_not_reset_what_a_policy_counts(
    database: Database, engineer: Reviewer
) -> None:
    _add(database, "by-hand", is_automatic=False)
    annotate(database, "Ann", "more-train-000", "no")
    later = datetime.now(UTC) + timedelta(minutes=1)
    with database.transaction() as cur:
        settings = {"task": "refit", "triggered_by": AFTER_CORRECTION}
        add_training_run(cur, make_training_run("a", settings=settings, created_at=later))
    assert read_readiness(database, EVERYTHING).counts.num_corrected == 1
