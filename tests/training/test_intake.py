"""What runs leave in their directories, taken into a real store."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from db.connection import Database
from db.content.items import add_items
from db.content.predictions import list_predictions
from db.content.runs import get_run, list_runs
from db.errors import SaveError
from db.retraining.run_energy import Energy
from db.retraining.training_runs import find_training_run, list_training_runs
from db.viewer import EVERYTHING
from tests.support.full_disk import full_disk
from tests.support.records import make_item
from tests.support.stores import open_store
from training.control.ingest import ingest_run, refresh
from training.errors import IngestError, RunDirError
from training.run.json_files import replace_json
from training.run.result_tables import PREDICTIONS, RECORDS
from training.run.run_dir import RunDir

NOW = datetime(2026, 11, 22, 19, 4, 55, tzinfo=UTC)
SETTINGS = {
    "preset": "smoke",
    "task": "train",
    "started_by": "Ada",
    "base_run_id": "demo",
    "settings": {"seed": 13, "model": {"base": "bundled:smollm2-135m"}},
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_store(tmp_path / "empty.duckdb")
    items = [make_item("q-1"), make_item("q-2")]
    with opened.transaction() as cur:
        add_items(cur, items, origin="demo")
    yield opened
    opened.close()


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """A folder of runs that have no process: some are damaged and would not say so."""
    return tmp_path / "runs"


def prediction(run_id: str, item_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "item_id": item_id,
        "answer": "Yes, it does.",
        "answer_label": "yes",
        "answer_form": "leading",
        "answer_start": 0,
        "answer_end": 3,
        "is_finished": True,
        "head_label": "no",
        "head_probabilities": [0.25, 0.5, 0.25],
        "prompt_tokens": 100,
        "answer_tokens": 5,
        "latency_seconds": 0.25,
        **changes,
    }


def write_predictions(run_dir: RunDir, *rows: dict[str, Any]) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows), PREDICTIONS.schema), run_dir.predictions_path)


def finished_run(runs_dir: Path, now: datetime = NOW) -> RunDir:
    run_dir = RunDir.create(runs_dir, "smoke", now)
    run_dir.write_settings(SETTINGS)
    run_dir.write_metrics({"head": {"accuracy": 0.5, "ece": float("nan")}})
    write_predictions(run_dir, *(prediction(run_dir.run_id, name) for name in ("q-1", "q-2")))
    run_dir.update_status(state="succeeded", message="Finished.")
    return run_dir


def state_of(database: Database, run_dir: RunDir) -> tuple[str, str]:
    run = find_training_run(database.cursor(), run_dir.run_id)
    assert run is not None
    return run.state, run.message


def count_states(database: Database) -> int:
    row = database.cursor().execute("select count(*) from training_state").fetchone()
    assert row is not None
    return int(row[0])


def test_a_succeeded_run_becomes_a_run_with_predictions(database: Database, runs_dir: Path) -> None:
    run_dir = finished_run(runs_dir)
    assert refresh(database, runs_dir) == (run_dir.run_id,)
    run = get_run(database.cursor(), run_dir.run_id)
    assert (run.kind, run.model, run.base_run_id) == ("training", "bundled:smollm2-135m", "demo")
    assert (run.name, run.created_at) == ("smoke 2026-11-22 19:04:55", NOW)
    assert run.metrics == {"head": {"accuracy": 0.5, "ece": None}}
    assert run.settings == SETTINGS
    stored = list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)
    assert [(entry.item_id, entry.head_label) for entry in stored] == [("q-1", "no"), ("q-2", "no")]
    assert stored[0].head_probabilities == (0.25, 0.5, 0.25)
    training_run = find_training_run(database.cursor(), run_dir.run_id)
    assert training_run is not None
    assert (training_run.preset, training_run.created_by) == ("smoke", "Ada")
    assert (training_run.state, training_run.created_at) == ("succeeded", NOW)


def test_a_run_that_only_answered_is_a_prediction_run(database: Database, runs_dir: Path) -> None:
    run_dir = finished_run(runs_dir)
    run_dir.write_settings(SETTINGS | {"task": "predict"})
    assert ingest_run(database, run_dir).kind == "prediction"


def test_a_second_look_adds_nothing(database: Database, runs_dir: Path) -> None:
    run_dir = finished_run(runs_dir)
    first = ingest_run(database, run_dir)
    assert ingest_run(database, run_dir) == first
    assert refresh(database, runs_dir) == ()
    assert refresh(database, runs_dir) == ()
    assert len(list_runs(database.cursor())) == 1
    assert count_states(database) == 1


def test_sessions_that_look_at_once_take_a_run_in_once(database: Database, runs_dir: Path) -> None:
    finished_run(runs_dir)
    changed: list[tuple[str, ...]] = []
    threads = [
        threading.Thread(target=lambda: changed.append(refresh(database, runs_dir)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, changed)) == [0, 0, 0, 1]


def test_states_of_a_run_are_noted_as_they_change(database: Database, runs_dir: Path) -> None:
    run_dir = RunDir.create(runs_dir, "smoke", NOW)
    assert refresh(database, runs_dir) == ()
    assert list_training_runs(database.cursor()) == []  # its settings are not written yet
    run_dir.write_settings(SETTINGS)
    assert refresh(database, runs_dir) == (run_dir.run_id,)
    assert state_of(database, run_dir) == ("queued", "")
    run_dir.update_status(message="Waiting for cpu.")
    assert refresh(database, runs_dir) == ()
    run_dir.update_status(state="failed", message="The disk is full.")
    assert refresh(database, runs_dir) == (run_dir.run_id,)
    assert state_of(database, run_dir) == ("failed", "The disk is full.")
    assert list_runs(database.cursor()) == []


def test_a_run_that_a_full_disk_keeps_out_is_ingested_later(
    database: Database, runs_dir: Path
) -> None:
    run_dir = finished_run(runs_dir)
    with full_disk(), pytest.raises(SaveError):
        refresh(database, runs_dir)
    assert list_runs(database.cursor()) == []
    assert refresh(database, runs_dir) == (run_dir.run_id,)
    assert state_of(database, run_dir) == ("succeeded", "Finished.")
    assert [run.run_id for run in list_runs(database.cursor())] == [run_dir.run_id]


def test_a_run_whose_process_is_gone_is_noted_as_interrupted(
    database: Database, runs_dir: Path
) -> None:
    run_dir = RunDir.create(runs_dir, "smoke", NOW)
    run_dir.write_settings(SETTINGS)
    created_at = NOW - timedelta(days=1)
    run_dir.update_status(state="running", pid=os.getpid(), pid_created_at=created_at)
    refresh(database, runs_dir)
    assert state_of(database, run_dir)[0] == "interrupted"
    assert run_dir.read_status().state == "interrupted"


def test_another_app_on_the_same_store_finds_nothing_new(tmp_path: Path, runs_dir: Path) -> None:
    RunDir.create(runs_dir, "smoke", NOW).write_settings(SETTINGS)
    for expected in (1, 0):
        database = Database.open(tmp_path / "review.duckdb")
        assert len(refresh(database, runs_dir)) == expected
        database.close()


def damage_status(run_dir: RunDir) -> None:
    run_dir.status_path.write_text('{"state": "succ')


def damage_settings(run_dir: RunDir) -> None:
    run_dir.settings_path.write_text(json.dumps({"preset": "smoke"}))


def remove_settings(run_dir: RunDir) -> None:
    run_dir.settings_path.unlink()


def remove_metrics(run_dir: RunDir) -> None:
    run_dir.metrics_path.unlink()


def remove_predictions(run_dir: RunDir) -> None:
    run_dir.predictions_path.unlink()


def tear_predictions(run_dir: RunDir) -> None:
    data = run_dir.predictions_path.read_bytes()
    run_dir.predictions_path.write_bytes(data[: len(data) // 2])


def drop_a_column(run_dir: RunDir) -> None:
    table = pq.read_table(run_dir.predictions_path)
    pq.write_table(table.drop_columns(["head_label"]), run_dir.predictions_path)


def predict_unknown_items(run_dir: RunDir) -> None:
    write_predictions(run_dir, prediction(run_dir.run_id, "q-99"))


def predict_for_another_run(run_dir: RunDir) -> None:
    write_predictions(run_dir, prediction("another", "q-1"))


def record(run_id: str, **changes: Any) -> dict[str, Any]:
    fields = {"item_id": "q-1", "num_shots": 0, "option_order": 0, "fold": "train"}
    return {"run_id": run_id, **fields, "shot_item_ids": [], **changes}


def record_of_another_run(run_dir: RunDir) -> None:
    pq.write_table(pa.Table.from_pylist([record("another")], RECORDS.schema), run_dir.records_path)


def record_without_a_fold(run_dir: RunDir) -> None:
    rows = [record(run_dir.run_id), record(run_dir.run_id, fold=None)]
    pq.write_table(pa.Table.from_pylist(rows, RECORDS.schema), run_dir.records_path)


def damage_out_of_fold(run_dir: RunDir) -> None:
    run_dir.out_of_fold_path.write_bytes(b"PAR1")


def damage_energy(run_dir: RunDir) -> None:
    energy = {"energy_kwh": "much", "emissions_kg": 0, "duration_seconds": 1, "country": "WLD"}
    run_dir.energy_path.write_text(json.dumps({**energy, "is_estimated": True}))


def leave_an_unfinished_artifact(run_dir: RunDir) -> None:
    run_dir.artifact_path.mkdir()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_status, "status.json"),
        (damage_settings, "names no base model"),
        (remove_settings, "settings.json"),
        (remove_metrics, "metrics.json"),
        (remove_predictions, "predictions.parquet"),
        (tear_predictions, "predictions.parquet"),
        (drop_a_column, "head_label"),
        (predict_unknown_items, "'q-99': there is no such item"),
        (predict_for_another_run, "predictions of ['another']"),
        (record_of_another_run, "holds records of ['another']"),
        (record_without_a_fold, "records.parquet"),
        (damage_out_of_fold, "out_of_fold.parquet"),
        (damage_energy, "energy_kwh"),
        (leave_an_unfinished_artifact, "it has no eci.json"),
    ],
)
def test_damage_is_one_error_on_its_own_run(
    database: Database, runs_dir: Path, damage: Any, words: str
) -> None:
    broken = finished_run(runs_dir)
    sound = finished_run(runs_dir, NOW + timedelta(seconds=1))
    damage(broken)
    assert set(refresh(database, runs_dir)) == {broken.run_id, sound.run_id}
    state, message = state_of(database, broken)
    assert state == "failed"
    assert words in message
    assert broken.run_id in message
    assert state_of(database, sound)[0] == "succeeded"
    assert [run.run_id for run in list_runs(database.cursor())] == [sound.run_id]
    assert refresh(database, runs_dir) == ()


@pytest.mark.parametrize("name", ["predictions.parquet", "records.parquet", "energy.json"])
def test_a_run_that_is_put_right_is_taken_in(database: Database, runs_dir: Path, name: str) -> None:
    run_dir = finished_run(runs_dir)
    rows = [record(run_dir.run_id)]
    pq.write_table(pa.Table.from_pylist(rows, RECORDS.schema), run_dir.records_path)
    replace_json(run_dir.energy_path, asdict(Energy(0.1, 0.05, 60.0, "WLD", True)))
    path = run_dir.path / name
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refresh(database, runs_dir)
    assert state_of(database, run_dir)[0] == "failed"
    path.write_bytes(data)
    assert refresh(database, runs_dir) == (run_dir.run_id,)
    assert state_of(database, run_dir)[0] == "succeeded"
    assert len(list_predictions(database.cursor(), run_dir.run_id, EVERYTHING)) == 2


def test_a_run_taken_in_needs_its_directory_no_more(database: Database, runs_dir: Path) -> None:
    run_dir = finished_run(runs_dir)
    ingest_run(database, run_dir)
    remove_predictions(run_dir)
    remove_settings(run_dir)
    assert refresh(database, runs_dir) == ()
    assert state_of(database, run_dir)[0] == "succeeded"


def test_taking_in_says_why_it_cannot(database: Database, runs_dir: Path) -> None:
    run_dir = finished_run(runs_dir)
    run_dir.update_status(state="cancelled")
    with pytest.raises(IngestError, match="is cancelled, so it has no results"):
        ingest_run(database, run_dir)
    run_dir.update_status(state="succeeded")
    tear_predictions(run_dir)
    with pytest.raises(RunDirError, match="cannot be read"):
        ingest_run(database, run_dir)
    assert list_runs(database.cursor()) == []
