"""How long a run will take here, judged by earlier ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from training.control.run_duration import (
    Expected,
    describe_duration,
    describe_expected,
    expected_seconds,
)
from training.run.run_dir import RunDir
from training.settings.launchers import AccelerateLauncher

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _run(runs_dir: Path, preset: str, seconds: float, state: str = "succeeded") -> RunDir:
    run_dir = RunDir.create(runs_dir, preset, NOON)
    run_dir.write_settings({"preset": preset})
    end = NOON + timedelta(seconds=seconds)
    run_dir.update_status(state=state, started_at=NOON, finished_at=end)
    return run_dir


def test_it_is_the_median_of_earlier_runs_of_the_same_name_that_succeeded(tmp_path: Path) -> None:
    for preset, seconds in (("smoke", 100.0), ("smoke", 300.0), ("smoke", 140.0), ("refit", 0.5)):
        _run(tmp_path, preset, seconds)
    _run(tmp_path, "smoke", 9000.0, state="failed")
    _run(tmp_path, "smoke", 9000.0).settings_path.write_text("{")
    assert expected_seconds(tmp_path, "smoke") == Expected(140.0, 3)
    assert expected_seconds(tmp_path, "refit") == Expected(0.5, 1)
    assert expected_seconds(tmp_path, "other") is None


def test_it_is_told_with_what_it_rests_on() -> None:
    assert "not known" in describe_expected(None)
    assert describe_expected(Expected(150.0, 1)) == (
        "Expected time: about 2 min 30 s, the one earlier run here."
    )
    assert "the median of 2 earlier runs" in describe_expected(Expected(0.4, 2))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.42, "0.4 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3 * 3600 + 125, "3 h 2 min"),
    ],
)
def test_durations_are_written_in_two_units(seconds: float | None, words: str) -> None:
    assert describe_duration(seconds) == words


def test_runs_of_another_launcher_do_not_count(tmp_path: Path) -> None:
    accelerate = AccelerateLauncher()
    run_dir = _run(tmp_path, "smoke", 9.0)
    launcher = accelerate.model_dump(mode="json")
    run_dir.write_settings({"preset": "smoke", "launcher": launcher})
    assert expected_seconds(tmp_path, "smoke") is None
    assert expected_seconds(tmp_path, "smoke", accelerate) == Expected(9.0, 1)
