"""Vetoes, lineage, the model registry, policies and energy in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import add_predictions
from db.errors import NotPermittedError
from db.people.reviewers import add_reviewer
from db.retraining.lineage import (
    TrainingRecord,
    add_training_records,
    count_training_records,
    list_correction_runs,
    list_corrections,
    list_training_records,
)
from db.retraining.model_versions import (
    ModelNotFoundError,
    find_by_alias,
    get_model,
    list_alias_events,
    list_models,
    register_model,
    set_alias,
)
from db.retraining.record_vetoes import add_record_veto, list_record_vetoes
from db.retraining.run_energy import Energy, add_run_energy, list_run_energy
from db.retraining.snapshot import freeze, load_snapshot
from db.retraining.trigger_policies import add_trigger_policy, find_trigger_policy
from db.review.adjudications import add_adjudication
from db.viewer import EVERYTHING
from tests.support.annotations import annotate
from tests.support.records import make_head_prediction, make_item
from tests.support.trained_runs import add_trained_run


@pytest.fixture
def ann(database: Database) -> str:
    """Return a reviewer of a store with three training items and a test item."""
    with database.transaction() as cur:
        items = [make_item(f"q-{n}", split="train") for n in (1, 2, 3)]
        add_items(cur, [*items, make_item("t-1", split="test")], origin="items")
        return add_reviewer(cur, "Ann", "admin").reviewer_id


def _train(database: Database, folder: Path, run_id: str, base: str | None = None) -> str:
    """Note a run on a snapshot of this moment; give the snapshot's id."""
    snapshot_id = freeze(database.cursor(), folder, created_by="Ann").snapshot_id
    settings = {"task": "train", "snapshot_id": snapshot_id}
    with database.transaction() as cur:
        add_trained_run(cur, run_id, settings, base_run_id=base)
    return snapshot_id


def test_a_veto_stands_until_it_is_taken_back_and_reaches_the_snapshot(
    database: Database, ann: str, tmp_path: Path
) -> None:
    cur = database.cursor()
    add_record_veto(cur, item_id="q-1", num_shots=1, reviewer_id=ann, note="odd shot")
    add_record_veto(cur, item_id="q-2", num_shots=None, reviewer_id=ann)
    add_record_veto(cur, item_id="q-3", num_shots=0, reviewer_id=ann)
    add_record_veto(cur, item_id="q-3", num_shots=0, reviewer_id=ann, is_vetoed=False)
    assert [(v.item_id, v.num_shots) for v in list_record_vetoes(cur, EVERYTHING)] == [
        ("q-2", None),
        ("q-1", 1),
    ]
    freeze(cur, tmp_path / "s", created_by="Ann")
    frozen = {i.item_id: (i.vetoed_shots, i.is_vetoed) for i in load_snapshot(tmp_path / "s").train}
    assert frozen == {"q-1": ((1,), False), "q-2": ((), True), "q-3": ((), False)}


def test_a_correction_is_found_in_the_runs_that_learned_from_it_and_back(
    database: Database, ann: str, tmp_path: Path
) -> None:
    _train(database, tmp_path / "before", "run-1")
    correction = annotate(database, "Ann", "q-1", "no").annotation_id
    annotate(database, "Ann", "q-2", "yes")  # confirms the label: no correction
    snapshot_id = _train(database, tmp_path / "after", "run-2", base="run-1")
    with database.transaction() as cur:
        add_training_records(
            cur,
            [
                TrainingRecord("run-2", "q-1", 0, 0, "train", ()),
                TrainingRecord("run-2", "q-1", 1, 0, "train", ("q-3",)),
                TrainingRecord("run-2", "q-2", 1, 0, "train", ("q-1",)),
                TrainingRecord("run-2", "q-3", 0, 0, "dev", ()),
            ],
        )
        for run_id, label in (("run-1", "yes"), ("run-2", "no")):
            add_predictions(cur, [make_head_prediction("q-1", run_id, label)])
    cur = database.cursor()

    (found,) = list_corrections(cur, EVERYTHING)
    assert (found.correction_id, found.old_label, found.label) == (correction, "yes", "no")
    assert found.num_runs == 1
    (run,) = list_correction_runs(cur, EVERYTHING, correction, "q-1")
    assert (run.run_id, run.snapshot_id) == ("run-2", snapshot_id)
    assert (run.num_train, run.num_dev, run.num_as_shot) == (2, 0, 1)
    assert run.outcome == "fixed"

    assert [c.correction_id for c in list_corrections(cur, EVERYTHING, run_id="run-2")] == [
        correction
    ]
    assert list_corrections(cur, EVERYTHING, run_id="run-1") == []
    made_of, *shown_in = list_training_records(cur, "run-2", "q-1")
    assert made_of.item_id == "q-1"
    assert shown_in[-1].shot_item_ids == ("q-1",)
    counts = {(c.fold, c.num_shots): c.num_records for c in count_training_records(cur, "run-2")}
    assert counts == {("train", 0): 1, ("train", 1): 2, ("dev", 0): 1}


def test_an_adjudication_is_a_correction(database: Database, ann: str) -> None:
    with database.transaction() as cur:
        chief = add_reviewer(cur, "Chief", "adjudicator").reviewer_id
        add_adjudication(cur, adjudication_id="d", item_id="q-1", reviewer_id=chief, label="maybe")
    (found,) = list_corrections(database.cursor(), EVERYTHING, item_id="q-1")
    assert (found.kind, found.label) == ("adjudication", "maybe")


def test_versions_count_up_and_the_newest_is_the_challenger(
    database: Database, ann: str, tmp_path: Path
) -> None:
    for number in (1, 2):
        _train(database, tmp_path / str(number), f"run-{number}")
        with database.transaction() as cur:
            register_model(cur, f"run-{number}", ann)
            register_model(cur, f"run-{number}", ann)
    with database.transaction() as cur:
        set_alias(cur, "champion", 1, action="promote", reviewer_id=ann, gate={"passed": True})
    cur = database.cursor()
    assert [(m.version, m.run_id, m.aliases) for m in list_models(cur)] == [
        (2, "run-2", ("challenger",)),
        (1, "run-1", ("champion",)),
    ]
    champion = find_by_alias(cur, "champion")
    assert champion is not None and champion.version == 1
    (event,) = list_alias_events(cur, "champion")
    assert (event.reviewer, event.gate) == ("Ann", {"passed": True})
    with database.transaction() as cur:
        set_alias(cur, "champion", None, action="roll back", reviewer_id=ann)
    assert find_by_alias(database.cursor(), "champion") is None
    with pytest.raises(ModelNotFoundError, match="Known versions: 1, 2"):
        get_model(database.cursor(), 3)


def test_the_latest_policy_holds(database: Database, ann: str) -> None:
    cur = database.cursor()
    assert find_trigger_policy(cur) is None
    add_trigger_policy(cur, {"mode": "manual"}, ann)
    add_trigger_policy(cur, {"mode": "schedule", "every_hours": 24}, ann)
    stored = find_trigger_policy(cur)
    assert stored is not None and stored.policy["every_hours"] == 24


def test_energy_is_kept_with_the_number_of_corrected_items(
    database: Database, ann: str, tmp_path: Path
) -> None:
    annotate(database, "Ann", "q-1", "no")
    _train(database, tmp_path / "s", "run-1")
    cur = database.cursor()
    energy = Energy(0.02, 0.005, 90.0, "DEU", is_estimated=True)
    add_run_energy(cur, "run-1", energy)
    add_run_energy(cur, "run-1", Energy(9.0, 9.0, 9.0, "DEU", is_estimated=True))
    (stored,) = list_run_energy(cur)
    assert (stored.energy, stored.num_corrections) == (energy, 1)


def test_a_reviewer_may_not_leave_records_out(database: Database, ann: str) -> None:
    with database.transaction() as cur:
        bob = add_reviewer(cur, "Bob").reviewer_id
    with pytest.raises(NotPermittedError, match="exclude records"):
        add_record_veto(database.cursor(), item_id="q-1", num_shots=None, reviewer_id=bob)
    assert list_record_vetoes(database.cursor(), EVERYTHING) == []
