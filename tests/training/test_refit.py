"""Refit and recalibrate: proper runs without the language model, once features are cached."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import list_predictions
from db.content.runs import get_run
from db.paths import runs_dir
from db.people.reviewers import list_reviewers
from db.records import Reviewer
from db.retraining.lineage import list_correction_runs, list_training_records
from db.retraining.model_versions import find_by_alias, list_models
from db.retraining.snapshot import load_snapshot, read_snapshot
from db.viewer import EVERYTHING
from eci.export.models import ExportSource, export_classifier
from eci.model.artifact import read_info
from eci.model.eci_model import EciModel
from tests.support.annotations import annotate
from tests.support.training_items import make_remedy
from training.control.ingest import refresh
from training.control.plan import (
    Plan,
    as_sequence_classification,
    make_plan,
    prepare_plan,
    start_plan,
)
from training.control.start import prepare_run
from training.data.questions import ItemQuestion, item_groups, to_question
from training.errors import DataError, SettingsError
from training.head.refit import is_quick, run_recalibration, run_refit
from training.joint.qlora import run_qlora
from training.run.execution import execute
from training.run.json_files import read_object
from training.run.result_tables import OUT_OF_FOLD, RECORDS
from training.run.run_dir import RunDir
from training.settings.training import Preset, RefitSettings, parse_settings


def _do(database: Database, settings: RefitSettings, base_run_id: str | None = None) -> RunDir:
    run_dir = prepare_plan(database, Plan("refit", settings, base_run_id), "tests")
    assert execute(run_dir, run_refit) == "succeeded", run_dir.read_status().message
    refresh(database, runs_dir())
    return run_dir


def _train(database: Database, tiny_settings: dict[str, Any]) -> RunDir:
    settings = parse_settings(tiny_settings, "tests")
    trained = prepare_run(database, Preset("test", "A test.", settings), "tests")
    assert execute(trained, run_qlora) == "succeeded", trained.read_status().message
    refresh(database, runs_dir())
    return trained


def test_a_refit_leaves_an_artifact_that_classifies_as_its_predictions_say(
    database: Database, engineer: Reviewer, base_alone: RefitSettings, tmp_path: Path
) -> None:
    short = base_alone.model.model_copy(update={"template": "short_v1"})
    run_dir = _do(database, base_alone.model_copy(update={"model": short}))

    info = read_info(run_dir.artifact_path)
    assert not info.has_adapter
    assert info.template == "short_v1", "every later use of the artifact asks in its wording"
    assert info.calibration["pubmedqa"].num_items == 60
    metrics = run_dir.read_metrics()
    assert metrics["pubmedqa"]["head"]["accuracy"]["n"] == 17
    model = EciModel.load(base_alone.model.base, tmp_path, artifact=run_dir.artifact_path)
    snapshot = load_snapshot(run_dir.snapshot_path)
    stored = {p.item_id: p for p in list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)}
    items = [item for item in (*snapshot.test, *snapshot.train) if item.item_id in stored]
    assert len(items) == len(stored) == 94
    given = model.classify([to_question(item) for item in items])
    for item, classification in zip(items, given, strict=True):
        assert classification.probabilities == pytest.approx(
            stored[item.item_id].head_probabilities, abs=2e-3
        )
    assert [model.run_id for model in list_models(database.cursor())] == [run_dir.run_id]


def test_after_corrections_a_refit_is_done_at_once_and_learns_them(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    first = _do(database, base_alone)
    correction = annotate(database, "Ann", "more-train-000", "no").annotation_id
    again = base_alone.model_copy(update={"artifact_run_id": first.run_id})
    run_id = start_plan(database, Plan("refit", again, first.run_id), engineer.reviewer_id)

    cur = database.cursor()
    assert get_run(cur, run_id).base_run_id == first.run_id, "its results are taken in already"
    (run,) = list_correction_runs(cur, EVERYTHING, correction, "more-train-000")
    assert (run.run_id, run.num_train) == (run_id, 1)
    records = list_training_records(cur, run_id, "more-train-000")
    assert [(record.num_shots, record.fold) for record in records] == [(0, "train")]
    newest, oldest = list_models(cur)
    assert (newest.run_id, newest.aliases) == (run_id, ("challenger",))
    assert oldest.aliases == ()


def test_a_quick_refit_never_loads_torch(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    _do(database, base_alone)
    run_dir = prepare_plan(database, Plan("refit", base_alone, None), "tests")
    script = (
        "import sys; from pathlib import Path; from training.run.execution import execute;"
        "from training.head.refit import run_refit; from training.run.run_dir import RunDir;"
        f"state = execute(RunDir(Path({str(run_dir.path)!r})), run_refit);"
        "print(state, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["succeeded", "False"], done.stderr


def test_new_items_need_the_model_and_only_they_are_prefilled(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    _do(database, base_alone)
    with database.transaction() as cur:
        add_items(cur, [make_remedy(60), make_remedy(61)], origin="items")
    run_dir = prepare_plan(database, Plan("refit", base_alone, None), "tests")
    assert not is_quick(run_dir)
    assert execute(run_dir, run_refit) == "succeeded"
    events, _ = run_dir.read_events()
    assert [e.fields["num_steps"] for e in events if e.kind == "progress"] == [2]
    assert is_quick(prepare_plan(database, Plan("refit", base_alone, None), "tests"))


def test_a_refit_without_enough_items_says_how_many_are_needed(
    database: Database, base_alone: RefitSettings
) -> None:
    settings = base_alone.model_copy(update={"num_folds": 20})
    run_dir = prepare_plan(database, Plan("refit", settings, None), "tests")
    assert execute(run_dir, run_refit) == "failed"
    assert "at least 80" in run_dir.read_status().message


def test_a_trained_adapter_gets_a_new_head_and_new_temperatures(
    database: Database, engineer: Reviewer, tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    trained = _train(database, tiny_settings)

    plan = make_plan(database, "refit", source=trained.run_id)
    refit = prepare_plan(database, plan, "tests")
    assert execute(refit, run_refit) == "succeeded", refit.read_status().message
    refresh(database, runs_dir())
    assert read_info(refit.artifact_path).has_adapter
    fitted = read_object(refit.path / "fit.json")["pubmedqa"]
    assert fitted.keys() == {"l2", "num_items", "num_judged"}, "too few items are new to judge it"
    assert fitted["num_judged"] == 0
    messages = [e.fields.get("text", "") for e in refit.read_events()[0] if e.kind == "message"]
    assert any("accuracy of the new head is unknown" in text for text in messages)
    assert (
        read_info(refit.artifact_path).calibration == read_info(trained.artifact_path).calibration
    )
    cur = database.cursor()
    texts = {p.item_id: p.answer for p in list_predictions(cur, trained.run_id, EVERYTHING)}
    mine = list_predictions(cur, refit.run_id, EVERYTHING)
    assert all(texts.get(p.item_id) == p.answer for p in mine), "the adapter writes the same texts"
    model = EciModel.load(
        tiny_settings["model"]["base"],
        tmp_path,
        artifact=refit.artifact_path,
        quantization="nf4",
    )
    snapshot = load_snapshot(refit.snapshot_path)
    items = [item for item in snapshot.test if item.label_set == "pubmedqa"]
    stored = {p.item_id: p.head_probabilities for p in mine}
    for item, read in zip(items, model.classify([to_question(i) for i in items]), strict=True):
        assert read.probabilities == pytest.approx(stored[item.item_id], abs=3e-2)

    recalibrated = prepare_plan(
        database, make_plan(database, "recalibrate", source=refit.run_id), "tests"
    )
    assert execute(recalibrated, run_recalibration) == "succeeded"
    refresh(database, runs_dir())
    assert find_by_alias(database.cursor(), "challenger").run_id == recalibrated.run_id  # type: ignore[union-attr]
    assert len(list_reviewers(database.cursor())) == 1


def test_recalibration_changes_how_sure_a_head_is_and_never_its_label(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    first = _do(database, base_alone)
    for number in range(0, 30):
        annotate(database, "Ann", f"more-train-{number:03d}", ("maybe", "yes", "no")[number % 3])
    run_id = start_plan(
        database, make_plan(database, "recalibrate", source=first.run_id), engineer.reviewer_id
    )
    cur = database.cursor()
    before = {p.item_id: p for p in list_predictions(cur, first.run_id, EVERYTHING)}
    after = {p.item_id: p for p in list_predictions(cur, run_id, EVERYTHING)}
    assert before.keys() == after.keys()
    assert all(after[name].head_label == before[name].head_label for name in before)
    hot = read_info(RunDir(runs_dir() / run_id).artifact_path).calibration["pubmedqa"].temperature
    cold = read_info(first.artifact_path).calibration["pubmedqa"].temperature
    assert hot > cold, "half of the labels turned: the head must become less sure"
    shares = [sum(p.head_probabilities or ()) for p in after.values()]
    assert shares == pytest.approx([1.0] * len(shares), abs=1e-9)


def test_without_a_model_there_is_nothing_to_recalibrate(database: Database) -> None:
    with pytest.raises(DataError, match="no model yet"):
        make_plan(database, "recalibrate")


def test_a_damaged_artifact_is_told_by_the_run_itself(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    first = _do(database, base_alone)
    (first.artifact_path / "eci.json").write_text("{}")
    again = base_alone.model_copy(update={"artifact_run_id": first.run_id})
    run_dir = prepare_plan(database, Plan("refit", again, None), "tests")
    assert not is_quick(run_dir)
    assert execute(run_dir, run_refit) == "failed"
    assert "eci.json" in run_dir.read_status().message


def test_training_items_keep_probabilities_of_heads_that_had_not_seen_them(
    database: Database, engineer: Reviewer, base_alone: RefitSettings
) -> None:
    wrong = [f"more-train-{number:03d}" for number in range(0, 48, 9)]  # gold: yes
    for name in wrong:
        annotate(database, "Ann", name, "no")
    run_dir = _do(database, base_alone)
    cur = database.cursor()
    rows = {row.item_id: row for row in OUT_OF_FOLD.read(run_dir.out_of_fold_path)}
    learned = {record.item_id for record in RECORDS.read(run_dir.records_path)}
    assert rows.keys() == learned
    assert {row.basis for row in rows.values()} == {"held_out"}
    stored = dict(
        cur.execute(
            "select item_id, probabilities from unseen_prediction where run_id = $run_id "
            "and is_learned",
            {"run_id": run_dir.run_id},
        ).fetchall()
    )
    assert {name: tuple(p) for name, p in stored.items()} == {
        name: row.probabilities for name, row in rows.items()
    }
    in_sample = {
        p.item_id: p.head_probabilities for p in list_predictions(cur, run_dir.run_id, EVERYTHING)
    }
    told = [in_sample[name][1] - stored[name][1] for name in wrong]  # type: ignore[index]
    assert np.mean(told) > 0, "a head that has seen a wrong label is surer of it"


def test_of_items_that_an_adapter_learned_from_the_base_model_speaks(
    database: Database, engineer: Reviewer, tiny_settings: dict[str, Any]
) -> None:
    trained = _train(database, tiny_settings)
    records = RECORDS.read(trained.records_path)
    learned = {record.item_id for record in records if record.fold == "train"}
    held_out = {record.item_id for record in records if record.fold == "dev"}
    rows = {row.item_id: row for row in OUT_OF_FOLD.read(trained.out_of_fold_path)}
    by_base = {name for name, row in rows.items() if row.basis == "base_model"}
    assert by_base == {name for name in learned if not name.startswith("opt-")}, (
        "of the items with options there are too few for five folds"
    )
    assert rows.keys() - by_base == held_out
    own = {
        p.item_id: p.head_probabilities
        for p in list_predictions(database.cursor(), trained.run_id, EVERYTHING)
    }
    for name in held_out:
        assert rows[name].probabilities == pytest.approx(own[name], abs=3e-2)

    refit = prepare_plan(database, make_plan(database, "refit", source=trained.run_id), "tests")
    assert execute(refit, run_refit) == "succeeded", refit.read_status().message
    again = {row.item_id: row for row in OUT_OF_FOLD.read(refit.out_of_fold_path)}
    assert all(again[name].probabilities == rows[name].probabilities for name in by_base)
    refresh(database, runs_dir())
    counted = database.cursor().execute(
        "select basis, count(*) from unseen_prediction where run_id = $run_id group by all",
        {"run_id": refit.run_id},
    )
    assert dict(counted.fetchall())["base_model"] == len(by_base)


def test_items_that_repeat_one_another_stay_in_one_fold(
    database: Database, engineer: Reviewer
) -> None:
    twin = replace(make_remedy(1), item_id="twin-of-001", gold_label="maybe")
    with database.transaction() as cur:
        add_items(cur, [twin], origin="items")
    items = [
        i for i in read_snapshot(database.cursor(), EVERYTHING).train if i.label_set == "pubmedqa"
    ]
    groups = item_groups([ItemQuestion.of(item) for item in items])
    named = dict(zip((item.item_id for item in items), groups, strict=True))
    assert named["twin-of-001"] == named["more-train-001"]
    assert len(set(named.values())) == len(items) - 1


def test_the_head_on_an_adapter_is_judged_on_items_that_the_adapter_has_not_seen(
    database: Database, engineer: Reviewer, tiny_settings: dict[str, Any]
) -> None:
    trained = _train(database, tiny_settings)
    with database.transaction() as cur:
        add_items(cur, [make_remedy(200 + n) for n in range(30)], origin="items")

    refit = prepare_plan(database, make_plan(database, "refit", source=trained.run_id), "tests")

    assert execute(refit, run_refit) == "succeeded", refit.read_status().message
    learned = {r.item_id for r in RECORDS.read(trained.records_path) if r.fold == "train"}
    snapshot = load_snapshot(refit.snapshot_path)
    asked = [item for item in snapshot.train if item.label_set == "pubmedqa"]
    fitted = read_object(refit.path / "fit.json")["pubmedqa"]
    assert fitted["num_items"] == len(asked)
    assert fitted["num_judged"] == len([i for i in asked if i.item_id not in learned]) >= 30
    calibrated = read_info(refit.artifact_path).calibration["pubmedqa"]
    assert calibrated.num_items == fitted["num_judged"]


def test_a_new_place_with_other_weights_is_refused_though_all_features_are_cached(
    database: Database, engineer: Reviewer, base_alone: RefitSettings, tmp_path: Path
) -> None:
    first = _do(database, base_alone)
    moved, other = tmp_path / "moved", tmp_path / "other"
    for folder in (moved, other):
        shutil.copytree(base_alone.model.base, folder)
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)

    states = {}
    for folder in (moved, other):
        plan = make_plan(database, "refit", source=first.run_id, base=str(folder))
        run_dir = prepare_plan(database, plan, "tests")
        states[folder.name] = execute(run_dir, run_refit)
    assert states == {"moved": "succeeded", "other": "failed"}
    assert "differs in its weights or configuration" in run_dir.read_status().message


def test_a_head_of_the_form_of_transformers_classifiers_is_fitted_and_exported(
    database: Database, engineer: Reviewer, tiny_settings: dict[str, Any], tmp_path: Path
) -> None:
    base = tiny_settings["model"]["base"]
    plan = as_sequence_classification(make_plan(database, "refit", source="base", base=base))
    assert isinstance(plan.settings, RefitSettings)
    run_dir = _do(database, plan.settings)
    out = tmp_path / "classifier"
    source = ExportSource(run_dir.artifact_path, None, tmp_path)
    export_classifier(source, out, "pubmedqa")
    assert json.loads((out / "config.json").read_bytes())["architectures"] == [
        "LlamaForSequenceClassification"
    ]
    predictions = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
    assert any(prediction.head_probabilities for prediction in predictions)
    with pytest.raises(SettingsError, match="merge it first"):
        as_sequence_classification(Plan("refit", RefitSettings(artifact_run_id="run"), None))
