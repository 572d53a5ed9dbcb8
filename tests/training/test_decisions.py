"""The operating point is part of the artifact, and what a run decides follows from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.connection import Database
from db.content.predictions import list_predictions
from db.paths import runs_dir
from db.records import Reviewer
from db.retraining.snapshot import load_snapshot
from db.viewer import EVERYTHING
from eci.decisions import DecisionSettings
from eci.errors import ArtifactError
from eci.model.artifact import INFO_FILE, read_info
from eci.model.eci_model import EciModel
from eci.questions.labels import PUBMEDQA
from training.control.ingest import refresh
from training.control.plan import Plan, make_plan, prepare_plan
from training.control.start import prepare_prediction, prepare_run
from training.data.questions import to_question
from training.errors import SettingsError
from training.evaluation.held_out import HeldOut, choose_rules
from training.evaluation.metrics import evaluate
from training.head.refit import run_recalibration, run_refit
from training.joint.predict import run_prediction
from training.joint.qlora import run_qlora
from training.run.execution import execute
from training.run.run_dir import RunDir
from training.settings.training import (
    PredictionSettings,
    Preset,
    RefitSettings,
    parse_decision,
    parse_settings,
)

# To miss "maybe" costs so much that it is decided for wherever it is at all likely.
COSTS = ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (900.0, 900.0, 0.0))
MATRIX = DecisionSettings(cost="matrix", matrix={"pubmedqa": COSTS}, target_error=0.3)


def _refit(database: Database, settings: RefitSettings, task: Any = run_refit) -> RunDir:
    run_dir = prepare_plan(database, Plan("refit", settings, None), "tests")
    assert execute(run_dir, task) == "succeeded", run_dir.read_status().message
    refresh(database, runs_dir())
    return run_dir


def test_a_refit_decides_at_the_costs_of_its_settings_and_so_does_its_artifact(
    database: Database, engineer: Reviewer, base_alone: RefitSettings, tmp_path: Path
) -> None:
    run_dir = _refit(database, base_alone.model_copy(update={"decision": MATRIX}))

    info = read_info(run_dir.artifact_path)
    rule = info.decision_rules["pubmedqa"]
    assert info.decision == MATRIX
    assert (rule.cost, rule.costs, rule.num_items) == ("matrix", COSTS, 60)
    predictions = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
    fixed = [p for p in predictions if not p.item_id.startswith("opt-")]
    most_probable = {
        p.item_id: ("yes", "no", "maybe")[int(np.argmax(p.head_probabilities or ()))] for p in fixed
    }
    assert any(p.head_label != most_probable[p.item_id] for p in fixed)
    metrics = run_dir.read_metrics()["pubmedqa"]
    recall = metrics["head"]["per_label"]["maybe"]["recall"]["value"]
    assert recall == 1.0, "the figures are those of the decided labels"
    assert metrics["decision"]["threshold"] == rule.threshold
    assert metrics["decision"]["answered_alone"]["n"] == metrics["n"]

    model = EciModel.load(base_alone.model.base, tmp_path, artifact=run_dir.artifact_path)
    stored = {p.item_id: p for p in fixed}
    items = [i for i in load_snapshot(run_dir.snapshot_path).test if i.item_id in stored]
    given = model.classify([to_question(item) for item in items])
    for item, category in zip(items, given, strict=True):
        decided = rule.decide([category.probabilities])
        assert category.label == stored[item.item_id].head_label
        assert category.labels_in_set == decided.set_of(0, item.labels)
        assert category.asks_person == decided.asks_person[0]
    confidence = database.cursor().execute(
        "select head_confidence, head_probabilities[list_position(item.labels, head_label)] "
        "from prediction join item using (item_id) where run_id = $run_id",
        {"run_id": run_dir.run_id},
    )
    assert all(stored == decided for stored, decided in confidence.fetchall())

    # One older than operating points decides for the most probable label.
    path = run_dir.artifact_path / INFO_FILE
    fields = json.loads(path.read_text())
    del fields["decision"], fields["decision_rules"]
    path.write_text(json.dumps(fields))
    model = EciModel.load(base_alone.model.base, tmp_path, artifact=run_dir.artifact_path)
    for item, category in zip(
        items, model.classify([to_question(item) for item in items]), strict=True
    ):
        assert category.label == item.labels[int(np.argmax(category.probabilities))]
        assert category.labels_in_set is None
        assert not category.asks_person


def test_later_refits_and_recalibrations_keep_the_cost_unless_they_name_another(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    first = _refit(database, base_alone.model_copy(update={"decision": MATRIX}))

    again = _refit(database, base_alone.model_copy(update={"artifact_run_id": first.run_id}))
    assert read_info(again.artifact_path).decision == MATRIX
    plan = make_plan(
        database, "recalibrate", source=again.run_id, decision=DecisionSettings(cost="accuracy")
    )
    other = prepare_plan(database, plan, "tests")
    assert execute(other, run_recalibration) == "succeeded", other.read_status().message
    rule = read_info(other.artifact_path).decision_rules["pubmedqa"]
    assert (rule.cost, rule.costs) == ("accuracy", None)
    refresh(database, runs_dir())
    for prediction in list_predictions(database.cursor(), other.run_id, EVERYTHING):
        item = prediction.head_probabilities or ()
        names = "ABCD" if prediction.item_id.startswith("opt-") else ("yes", "no", "maybe")
        assert prediction.head_label == names[int(np.argmax(item))]


def test_a_joint_run_chooses_on_held_out_items_and_predictions_follow(
    database: Database, engineer: Reviewer, tiny_settings: dict[str, Any]
) -> None:
    fields = {**tiny_settings, "decision": MATRIX.model_dump()}
    preset = Preset("test", "A test.", parse_settings(fields, "tests"))
    trained = prepare_run(database, preset, "tests")
    assert execute(trained, run_qlora) == "succeeded", trained.read_status().message
    refresh(database, runs_dir())
    rule = read_info(trained.artifact_path).decision_rules["pubmedqa"]
    assert rule.costs == COSTS
    assert 0 < rule.num_items < 20
    settings = PredictionSettings.model_validate(
        {
            "model": tiny_settings["model"],
            "artifact_run_id": trained.run_id,
            "evaluation": {"max_new_tokens": 0},
        }
    )
    answered = prepare_prediction(database, settings, "tests")
    assert execute(answered, run_prediction) == "succeeded", answered.read_status().message
    figures = answered.read_metrics()["pubmedqa"]
    assert figures["decision"]["costs"] == [list(row) for row in COSTS]
    assert figures["head"]["per_label"]["maybe"]["recall"]["value"] == 1.0


def test_costs_of_unknown_labels_stop_a_run_before_it_computes(
    database: Database, engineer: Reviewer, base_alone: RefitSettings, tiny_settings: dict[str, Any]
) -> None:
    wrong = DecisionSettings(cost="matrix", matrix={"pubmedqa": ((0.0, 1.0), (1.0, 0.0))})
    preset = Preset(
        "test", "", parse_settings({**tiny_settings, "decision": wrong.model_dump()}, "tests")
    )
    joint = prepare_run(database, preset, "tests")
    refit = prepare_plan(
        database, Plan("refit", base_alone.model_copy(update={"decision": wrong}), None), "tests"
    )
    for run_dir, task in ((joint, run_qlora), (refit, run_refit)):
        assert execute(run_dir, task) == "failed"
        assert "2 rows for 3 labels" in run_dir.read_status().message
        assert not run_dir.artifact_path.exists()
        assert not run_dir.checkpoints_path.exists()


DAMAGE: tuple[dict[str, Any], ...] = (
    {"costs": [[0, 1], [1, 0]]},
    {"costs": [[0, 1, 1], [1, 0], [1, 1, 0]]},
    {"set_thresholds": [0.5]},
    {"threshold": "high"},
    {"set_coverage": 2},
    {"cost": "f2"},
)


def test_figures_without_any_operating_point_are_those_of_before_and_a_damaged_one_is_refused(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    run_dir = _refit(database, base_alone)
    snapshot = load_snapshot(run_dir.snapshot_path)
    predictions = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
    figures = evaluate(predictions, snapshot.test, {})["pubmedqa"]
    assert figures["decision"] is None
    assert (
        figures["head"]
        == evaluate(
            [replace(p, answer=None) for p in predictions],
            snapshot.test,
            read_info(run_dir.artifact_path).decision_rules,
        )["pubmedqa"]["head"]
    )
    path = run_dir.artifact_path / INFO_FILE
    whole = path.read_text()
    for change in DAMAGE:
        fields = json.loads(whole)
        fields["decision_rules"]["pubmedqa"] |= change
        path.write_text(json.dumps(fields))
        with pytest.raises(ArtifactError, match="cannot be read"):
            read_info(run_dir.artifact_path)


def test_of_label_sets_without_held_out_items_a_person_is_asked_about_everything() -> None:
    settings = DecisionSettings(target_error=0.05)
    rules = choose_rules([HeldOut("q-1", "other", (1.0,))], {"q-1": 0}, {}, settings, [PUBMEDQA])
    assert rules.keys() == {"pubmedqa", "options", "several_options"}
    assert rules["several_options"].decide_sets([[0.99, 0.01]]).asks_person.all()
    for rule, given in ((rules["pubmedqa"], [0.98, 0.01, 0.01]), (rules["options"], [0.99, 0.01])):
        decided = rule.decide([given])
        assert (decided.labels[0], bool(decided.asks_person[0])) == (0, True)


def test_costs_are_given_on_the_command_line() -> None:
    assert parse_decision(()) is None
    assert parse_decision(["cost=ordinal", "order.pubmedqa=['yes', 'maybe', 'no']"]) == (
        DecisionSettings(cost="ordinal", order={"pubmedqa": ("yes", "maybe", "no")})
    )
    assert parse_decision(
        ["cost=matrix", "matrix.a=[[0, 1], [5, 0]]", "matrix.b=[[0, 2], [1, 0]]"]
    ) == DecisionSettings(cost="matrix", matrix={"a": ((0, 1), (5, 0)), "b": ((0, 2), (1, 0))})
    assert parse_decision(["target_error=0.1", "ask_unless_single=true"]) == (
        DecisionSettings(target_error=0.1, ask_unless_single=True)
    )


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("cost", "no value"),
        ("cost=best", "given: 'best'"),
        ("costs=accuracy", "costs"),
        ("target_error=5", "less than 1"),
        ("matrix.a=1", "matrix"),
        ("cost.a=accuracy", "cost"),
    ],
)
def test_costs_that_make_no_sense_are_refused_with_what_was_given(option: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        parse_decision([option])
