"""A run directory that is damaged in any way stops itself alone, and is named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from db.connection import Database
from db.content.items import add_items
from db.content.runs import list_runs
from db.paths import runs_dir
from db.retraining.training_runs import list_training_runs
from tests.support.records import make_item
from tests.support.stores import open_store
from training.cli.main import main
from training.control.ingest import list_set_aside, refresh
from training.control.plan import make_plan
from training.control.run_duration import expected_seconds
from training.data.artifact_source import ArtifactSource
from training.errors import RunDirError, TrainingError
from training.run.energy import read_energy
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir, list_run_dirs

NOW = datetime(2026, 11, 22, 19, 4, 55, tzinfo=UTC)
SETTINGS: dict[str, Any] = {
    "preset": "smoke",
    "task": "train",
    "started_by": "Ada",
    "settings": {"model": {"base": "bundled:smollm2-135m"}},
}
FIGURES = {"energy_kwh": 0.1, "emissions_kg": 0.1, "duration_seconds": 60.0, "country": "WLD"}
DEEP = "[" * 500 + "]" * 500
TOO_DEEP = "[" * 100_000 + "]" * 100_000


@pytest.fixture
def database() -> Iterator[Database]:
    opened = open_store()
    with opened.transaction() as cur:
        add_items(cur, [make_item("q-1")], origin="demo")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMACARE_HOME", str(tmp_path))


def finished_run(name: str = "smoke") -> RunDir:
    run_dir = RunDir.create(runs_dir(), name, NOW)
    run_dir.write_settings(SETTINGS)
    run_dir.write_metrics({"pubmedqa": {"n": 1}})
    row = {"run_id": run_dir.run_id, "item_id": "q-1", "answer": "Yes.", "is_finished": True}
    table = pa.Table.from_pylist([row], PREDICTIONS.schema)
    pq.write_table(table, run_dir.predictions_path)
    run_dir.update_status(state="succeeded", message="Finished.")
    return run_dir


def with_status(**fields: Any) -> Callable[[RunDir], None]:
    def damage(run_dir: RunDir) -> None:
        value = json.loads(run_dir.status_path.read_text()) | fields
        run_dir.status_path.write_text(json.dumps(value))

    return damage


def with_settings(**fields: Any) -> Callable[[RunDir], None]:
    def damage(run_dir: RunDir) -> None:
        run_dir.settings_path.write_text(json.dumps(SETTINGS | fields))

    return damage


def with_text(name: str, text: str) -> Callable[[RunDir], None]:
    def damage(run_dir: RunDir) -> None:
        (run_dir.path / name).write_text(text, errors="surrogateescape")

    return damage


def with_folder(name: str) -> Callable[[RunDir], None]:
    def damage(run_dir: RunDir) -> None:
        (run_dir.path / name).unlink(missing_ok=True)
        (run_dir.path / name).mkdir()

    return damage


def with_pipe(name: str) -> Callable[[RunDir], None]:
    def damage(run_dir: RunDir) -> None:
        (run_dir.path / name).unlink()
        os.mkfifo(run_dir.path / name)

    return damage


def with_large_file(name: str) -> Callable[[RunDir], None]:
    def damage(run_dir: RunDir) -> None:
        with (run_dir.path / name).open("wb") as file:
            file.truncate(3 * 2**30)

    return damage


def with_loop(run_dir: RunDir) -> None:
    (run_dir.path.parent / "20261122-190456-loop-0000").symlink_to("20261122-190456-loop-0000")


def with_undecodable_name(run_dir: RunDir) -> None:
    run_dir.path.rename(f"{run_dir.path}-\udcff")


def with_file_for_folder(run_dir: RunDir) -> None:
    run_dir.artifact_path.mkdir()
    (run_dir.artifact_path / "eci.json").write_text('{"head": ' + DEEP + "}")


DAMAGES: dict[str, Callable[[RunDir], None]] = {
    "status nested": with_text("status.json", '{"state": ' + DEEP + "}"),
    "status nested far too deeply": with_text("status.json", TOO_DEEP),
    "settings nested": with_text("settings.json", '{"preset": "a", "x": ' + DEEP + "}"),
    "metrics nested far too deeply": with_text("metrics.json", TOO_DEEP),
    "energy nested": with_text("energy.json", '{"x": ' + TOO_DEEP + "}"),
    "time at the edge": with_status(started_at="0001-01-01T00:00:00+14:00"),
    "time at the other edge": with_status(finished_at="9999-12-31T23:59:00-14:00"),
    "time without zone": with_status(heartbeat_at="2026-01-01T00:00:00"),
    "process of no machine": with_status(state="running", pid=2**70),
    "negative process": with_status(state="running", pid=-5),
    "steps beyond 64 bits": with_status(step=2**64),
    "message is a list": with_status(message=["a"]),
    "device is an object": with_status(device={}),
    "preset is a list": with_settings(preset=[1]),
    "base run is an object": with_settings(base_run_id={"a": 1}),
    "settings are a text": with_settings(settings="all"),
    "model is a list": with_settings(settings={"model": [1]}),
    "no model": with_settings(settings={}),
    "infinite energy": with_text(
        "energy.json", json.dumps(FIGURES)[:-1].replace("60.0", "1e999") + "}"
    ),
    "no UTF-8": with_text("settings.json", "\udcff"),
    "status is a folder": with_folder("status.json"),
    "predictions are a folder": with_folder("predictions.parquet"),
    "settings are a pipe": with_pipe("settings.json"),
    "huge metrics": with_large_file("metrics.json"),
    "artifact nested": with_file_for_folder,
    "loop": with_loop,
    "name is no UTF-8": with_undecodable_name,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run_is_set_aside_and_the_others_are_ingested(
    database: Database, damage: Callable[[RunDir], None]
) -> None:
    damaged = finished_run("damaged")
    damage(damaged)
    sound = finished_run("sound")
    refresh(database, runs_dir())
    assert sound.run_id in {run.run_id for run in list_runs(database.cursor())}
    (message,) = list_set_aside(database)
    assert "damaged" in message or "loop" in message
    assert "move" in message or "retrain" in message
    message.encode()
    later = finished_run("later")
    assert refresh(database, runs_dir()) == (later.run_id,)
    assert len(list_set_aside(database)) == 1
    assert expected_seconds(runs_dir(), "smoke") is None


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_run_is_listed_with_the_others(damage: Callable[[RunDir], None]) -> None:
    damage(finished_run("damaged"))
    sound = finished_run("sound")
    listed = CliRunner().invoke(main, ["list", "--json"])
    assert listed.exit_code == 0, listed.output
    states = {row["run_id"]: row["state"] for row in map(json.loads, listed.stdout.splitlines())}
    assert states[sound.run_id] == "succeeded"
    assert len(states) >= 2
    assert CliRunner().invoke(main, ["list"]).exit_code == 0


def test_a_run_that_is_restored_is_set_aside_no_more(database: Database) -> None:
    run_dir = finished_run()
    content = run_dir.status_path.read_bytes()
    run_dir.status_path.write_text(TOO_DEEP)
    refresh(database, runs_dir())
    assert len(list_set_aside(database)) == 1
    run_dir.status_path.write_bytes(content)
    assert refresh(database, runs_dir()) == (run_dir.run_id,)
    assert list_set_aside(database) == ()


def test_half_of_an_emoji_in_a_message_or_setting_is_replaced(database: Database) -> None:
    run_dir = finished_run()
    with_settings(description="\ud83d")(run_dir)
    with_status(state="failed", message="cut in an emoji \ud83d")(run_dir)
    refresh(database, runs_dir())
    (run,) = list_training_runs(database.cursor())
    assert run.message == "cut in an emoji \ufffd"
    assert run.settings["description"] == "\ufffd"
    assert list_set_aside(database) == ()


def test_a_folder_of_runs_that_is_a_file_is_named(database: Database) -> None:
    runs_dir().write_text("")
    with pytest.raises(RunDirError, match="cannot be read"):
        list_run_dirs(runs_dir())
    assert refresh(database, runs_dir()) == ()
    assert "runs" in list_set_aside(database)[0]


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"at": "2026-01-01T00:00:00+00:00", "kind": "progress", "x": ' + b"[" * 100_000,
        b'{"at": "2026-01-01T00:00:00+00:00", "kind": "progress", "step": 1e999}',
        b'{"at": 1, "kind": "progress"}',
        b"\xff\xfe",
        b"null",
    ],
)
def test_a_bad_line_among_the_events_is_skipped(line: bytes) -> None:
    run_dir = finished_run()
    run_dir.append_event("message", text="before")
    with run_dir.events_path.open("ab") as file:
        file.write(line + b"\n")
    run_dir.append_event("message", text="after")
    assert [event.fields["text"] for event in run_dir.read_events()[0]] == ["before", "after"]


def test_events_and_log_that_are_no_files_read_as_empty() -> None:
    run_dir = finished_run()
    run_dir.events_path.mkdir()
    run_dir.log_path.mkdir()
    assert run_dir.read_events() == ([], 0)
    assert run_dir.tail_log() == ""


@pytest.mark.parametrize("model", [None, [], {}, {"base": 3}, {"base": "a", "device": []}])
def test_a_run_with_a_damaged_model_cannot_be_refitted(database: Database, model: Any) -> None:
    run_dir = finished_run()
    with_settings(settings={"model": model})(run_dir)
    with pytest.raises(TrainingError, match=r"settings\.json"):
        make_plan(database, "refit", source=run_dir.run_id)
    predicted = CliRunner().invoke(main, ["predict", "--run", run_dir.run_id])
    assert predicted.exit_code == 1
    assert "settings.json" in predicted.output


def test_runs_that_start_from_each_other_have_learned_from_nothing() -> None:
    first, second = finished_run("first"), finished_run("second")
    for run_dir, other in ((first, second), (second, first)):
        with_settings(task="refit", settings={"artifact_run_id": other.run_id})(run_dir)
    assert ArtifactSource(first).learned_item_ids() == frozenset()


@pytest.mark.parametrize("source", ["../../elsewhere", 3, [], "a/b"])
def test_a_source_that_is_no_run_is_refused(source: Any) -> None:
    run_dir = finished_run()
    with_settings(task="refit", settings={"artifact_run_id": source})(run_dir)
    with pytest.raises(RunDirError, match="artifact_run_id"):
        ArtifactSource(run_dir).learned_item_ids()


def test_energy_that_is_not_finite_is_refused() -> None:
    run_dir = finished_run()
    fields = json.dumps(FIGURES | {"is_estimated": True}).replace("60.0", "1e999")
    run_dir.energy_path.write_text(fields)
    with pytest.raises(RunDirError, match="too large"):
        read_energy(run_dir)


@pytest.mark.parametrize("name", ["NOPE", "\udcff", "../elsewhere", "x" * 400])
def test_a_run_that_is_not_there_is_named_as_such(database: Database, name: str) -> None:
    runs_dir().mkdir(exist_ok=True)
    for tier in ("refit", "recalibrate"):
        with pytest.raises(TrainingError, match=r"There is no run|cannot be read"):
            make_plan(database, tier, source=name)  # type: ignore[arg-type]
    predicted = CliRunner().invoke(main, ["predict", "--run", name])
    assert (predicted.exit_code, predicted.stdout) == (1, "")


def test_a_run_with_a_name_that_is_no_id_cannot_be_started_from(database: Database) -> None:
    run_dir = finished_run()
    run_dir.path.rename(run_dir.path.parent / "Old run")
    with pytest.raises(TrainingError, match="artifact_run_id"):
        make_plan(database, "refit", source="Old run")
