"""A run that only answers: with the base model, and with adapter and head of a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.connection import Database
from db.content.predictions import list_predictions
from db.content.runs import get_run
from db.paths import runs_dir
from db.viewer import EVERYTHING
from training.control.ingest import refresh
from training.control.start import prepare_prediction, prepare_run
from training.errors import SettingsError
from training.joint.predict import run_prediction
from training.joint.qlora import run_qlora
from training.run.execution import execute
from training.settings.training import PredictionSettings, Preset, parse_as, parse_settings


def test_base_model_and_trained_run_answer_every_item(
    database: Database, tiny_settings: dict[str, Any]
) -> None:
    model = {**tiny_settings["model"], "quantization": "none"}
    fields = {"model": model, "evaluation": {"max_new_tokens": 6}}
    plain = prepare_prediction(database, parse_as(PredictionSettings, fields, "tests"), "tests")
    assert execute(plain, run_prediction) == "succeeded", plain.read_status().message

    settings = parse_settings({**tiny_settings, "model": model}, "tests")
    trained = prepare_run(database, Preset("test", "A test.", settings), "tests", plain.run_id)
    assert execute(trained, run_qlora) == "succeeded", trained.read_status().message
    fields["artifact_run_id"] = trained.run_id
    again = prepare_prediction(database, parse_as(PredictionSettings, fields, "tests"), "tests")
    assert execute(again, run_prediction) == "succeeded", again.read_status().message

    refresh(database, runs_dir())
    cur = database.cursor()
    kinds = {r.run_id: get_run(cur, r.run_id).kind for r in (plain, trained, again)}
    assert list(kinds.values()) == ["prediction", "training", "prediction"]
    assert get_run(cur, trained.run_id).base_run_id == plain.run_id
    by_run = {
        r.run_id: list_predictions(cur, r.run_id, EVERYTHING) for r in (plain, trained, again)
    }
    assert {len(found) for found in by_run.values()} == {34}
    assert all(p.answer is not None and p.answer_form for p in by_run[plain.run_id])
    heads = {p.item_id: p.head_probabilities for p in by_run[trained.run_id]}
    for prediction in by_run[again.run_id]:
        assert prediction.head_probabilities == pytest.approx(heads[prediction.item_id], abs=3e-2)


def test_a_run_id_that_leaves_the_folder_is_refused() -> None:
    with pytest.raises(SettingsError, match="artifact_run_id"):
        parse_as(PredictionSettings, {"artifact_run_id": "../../etc"}, "tests")


def test_a_base_model_that_does_not_exist_fails_with_what_to_do(
    database: Database, tmp_path: Path
) -> None:
    fields = {"model": {"base": str(tmp_path / "nowhere"), "quantization": "none"}}
    run_dir = prepare_prediction(database, parse_as(PredictionSettings, fields, "tests"), "tests")
    assert execute(run_dir, run_prediction) == "failed"
    assert "does not exist" in run_dir.read_status().message
