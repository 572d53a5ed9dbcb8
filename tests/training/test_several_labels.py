"""A refit and a joint run on items with several right labels: fixed ones, and their own options."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import log_loss

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import list_predictions
from db.paths import models_dir, runs_dir
from db.records import Item, Option, join_labels, labels_in
from db.retraining.snapshot import load_snapshot
from db.viewer import EVERYTHING
from eci.model.artifact import read_info
from eci.model.eci_model import EciModel
from eci.stream import classify_lines, result_fields
from tests.support.training_items import make_graded
from training.control.ingest import refresh
from training.control.plan import Plan, make_plan, prepare_plan
from training.control.start import prepare_run
from training.data.questions import SnapshotQuestions
from training.evaluation.held_out import read_held_out
from training.evaluation.readings import read_new_answers
from training.head.refit import run_recalibration, run_refit
from training.joint.qlora import run_qlora
from training.run.execution import execute
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir
from training.settings.training import Preset, RefitSettings, parse_settings

SIGNS = ("cough", "fever", "rash")
SETS = (SIGNS[:1], SIGNS[:2], SIGNS[1:], SIGNS)


def _signs(number: int, split: Any) -> Item:
    item = make_graded(number, SIGNS, "signs", split)
    gold = join_labels(SETS[number % len(SETS)], SIGNS)
    return replace(item, gold_label=gold, is_several=True)


def _options(number: int, split: Any) -> Item:
    right = [label for place, label in enumerate("ABCD") if (number >> place) & 1] or ["A"]
    item = make_graded(number, tuple("ABCD"), "several_options", split)
    return replace(
        item,
        question=f"Which of ward {number * 7} and bed {number * 5} hold in case {number * 11}?",
        options=tuple(Option(label, f"Drug {label} {number}") for label in "ABCD"),
        gold_label=join_labels(right, "ABCD"),
        is_several=True,
    )


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as cur:
        items = [
            make(n, split)
            for make in (_signs, _options)
            for split, numbers in (("train", range(16)), ("test", range(600, 604)))
            for n in numbers
        ]
        add_items(cur, items, origin="items")
    return database


def _check(database: Database, run_dir: RunDir, base: str, quantization: Any = "none") -> None:
    """Check figures, stored predictions, and that the artifact gives the same probabilities."""
    refresh(database, runs_dir())
    metrics = run_dir.read_metrics()
    for name in ("signs", "several_options"):
        head = metrics[name]["head"]
        assert head["accuracy"]["n"] == head["jaccard"]["n"] == 4
    predictions = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
    stored = {one.item_id: one for one in predictions}
    asked = SnapshotQuestions.of(load_snapshot(run_dir.snapshot_path)).test
    model = EciModel.load(
        base, models_dir(), artifact=run_dir.artifact_path, quantization=quantization
    )
    for entry, given in zip(asked, model.classify([e.question for e in asked]), strict=True):
        found = stored[entry.item.item_id]
        assert given.probabilities == pytest.approx(found.head_probabilities, abs=0.02)
        likely = {n for n, p in zip(entry.item.labels, given.probabilities, strict=True) if p > 0.5}
        assert likely in (set(labels_in(found.head_label)), set())
    assert read_info(run_dir.artifact_path).label_sets["signs"].is_several
    options = {"options": dict.fromkeys("ABCD", "x"), "is_several": True, "label": ["A", "C"]}
    given = [options, {"label_set": "signs", "label": ["fever"], "answer": "fever, cough"}]
    lines = [(n, json.dumps({"id": n, "question": "Q?", **one})) for n, one in enumerate(given)]
    [outcomes] = classify_lines(model, [(n, line.encode()) for n, line in lines])
    of_options, of_signs = (result_fields(outcome) for outcome in outcomes)
    assert (of_options["gold_label"], of_signs["gold_label"]) == (["A", "C"], ["fever"])
    assert isinstance(of_options["label"], list) and isinstance(of_signs["label"], list)
    assert of_signs["judgement"]["label"] == ["cough", "fever"]


def test_a_refit_gives_each_label_its_probability(
    filled: Database, base_alone: RefitSettings
) -> None:
    run_dir = prepare_plan(filled, Plan("refit", base_alone, None), "tests")
    assert execute(run_dir, run_refit) == "succeeded", run_dir.read_status().message
    _check(filled, run_dir, base_alone.model.base)


def test_temperatures_and_out_of_fold_probabilities_are_of_each_label(
    filled: Database, base_alone: RefitSettings
) -> None:
    with filled.transaction() as cur:
        add_items(cur, [_signs(n, "train") for n in range(20, 50)], origin="items")
    run_dir = prepare_plan(filled, Plan("refit", base_alone, None), "tests")
    assert execute(run_dir, run_refit) == "succeeded", run_dir.read_status().message
    refresh(filled, runs_dir())
    held_out = [one for one in read_held_out(run_dir.held_out_path) if one.label_set == "signs"]
    known = read_info(run_dir.artifact_path).calibration["signs"]
    assert len(held_out) == known.num_items == 46
    train = {one.item_id: one for one in load_snapshot(run_dir.snapshot_path).train}
    z = np.array([one.logits for one in held_out])
    y = np.array(
        [[sign in labels_in(train[one.item_id].label) for sign in SIGNS] for one in held_out]
    )

    def loss(log_temperature: float) -> float:
        return float(log_loss(y.ravel(), expit(z.ravel() / np.exp(log_temperature))))

    best = minimize_scalar(loss, bounds=(-4.6, 4.6), method="bounded").x
    assert loss(np.log(known.temperature)) == pytest.approx(loss(best), abs=1e-6)
    rows = filled.cursor().execute("select item_id, probabilities from out_of_fold").fetchall()
    stored = dict(rows)
    for one, logits in zip(held_out, z, strict=True):
        expected = expit(logits / known.temperature)
        assert stored[one.item_id] == pytest.approx(expected, abs=1e-6)
    rule = read_info(run_dir.artifact_path).decision_rules["signs"]
    assert (rule.num_items, len(rule.label_thresholds)) == (46, 3)
    for predicted in PREDICTIONS.read(run_dir.predictions_path):
        if predicted.item_id in train and train[predicted.item_id].label_set == "signs":
            sets = rule.decide_sets([predicted.head_probabilities])
            assert labels_in(predicted.head_label) == tuple(sets.names_of(0, SIGNS))
    decision = run_dir.read_metrics()["signs"]["decision"]
    assert (decision["answered_alone"]["value"], decision["wrong_alone"]["n"]) == (1.0, 4)
    plan = make_plan(filled, "recalibrate", source=run_dir.run_id)
    again = prepare_plan(filled, plan, "tests")
    assert execute(again, run_recalibration) == "succeeded", again.read_status().message
    before, after = (
        {p.item_id: p.head_probabilities for p in PREDICTIONS.read(run.predictions_path)}
        for run in (run_dir, again)
    )
    for item_id, probabilities in before.items():
        assert after[item_id] == pytest.approx(probabilities, abs=1e-6)


def test_a_joint_run_learns_sets(filled: Database, tiny_settings: dict[str, Any]) -> None:
    settings = parse_settings(tiny_settings, "tests")
    run_dir = prepare_run(filled, Preset("test", "A test.", settings), "tests")
    assert execute(run_dir, run_qlora) == "succeeded", run_dir.read_status().message
    _check(filled, run_dir, settings.model.base, "nf4")
    assert read_new_answers(filled) == 0  # the run has read its own answers
