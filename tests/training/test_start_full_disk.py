"""A run that cannot be written is not started: neither the store nor the disk has a part of it."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.errors import SaveError
from db.paths import runs_dir
from db.retraining.training_runs import list_training_runs
from tests.support.full_disk import full_disk
from training.control.ingest import refresh
from training.control.start import prepare_prediction
from training.errors import LaunchError
from training.run.json_files import write_json
from training.settings.training import PredictionSettings, parse_as

SETTINGS = parse_as(PredictionSettings, {"model": {"quantization": "none"}}, "tests")


@pytest.mark.parametrize("num_bytes", [0, 1, 100, 400, 1000, 4000, 16_000])
def test_a_full_disk_starts_no_run(database: Database, num_bytes: int) -> None:
    with full_disk(num_bytes), pytest.raises((LaunchError, SaveError), match=r"not started|saved"):
        prepare_prediction(database, SETTINGS, "tests")
    assert list_training_runs(database.cursor()) == []
    assert database.cursor().execute("select * from snapshot_correction").fetchall() == []
    assert [path.name for path in runs_dir().glob("*")] == []
    run_dir = prepare_prediction(database, SETTINGS, "tests")
    assert [run.run_id for run in list_training_runs(database.cursor())] == [run_dir.run_id]


def test_a_run_whose_maker_was_killed_before_its_settings_had_their_name_gets_them(
    database: Database,
) -> None:
    run_dir = prepare_prediction(database, SETTINGS, "tests")
    settings = run_dir.read_settings()
    run_dir.settings_path.unlink()
    refresh(database, runs_dir())
    assert run_dir.read_settings() == settings
    (run,) = list_training_runs(database.cursor())
    assert (run.run_id, run.state) == (run_dir.run_id, "queued")


def test_settings_that_cannot_be_written_start_no_run(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(path: object, value: object) -> None:
        write_json(path, value)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.control.start.write_json", cut_short)
    with pytest.raises(LaunchError, match=r"No space left on device.*Free space"):
        prepare_prediction(database, SETTINGS, "tests")
    assert list_training_runs(database.cursor()) == []
    assert [path.name for path in runs_dir().glob("*")] == []
