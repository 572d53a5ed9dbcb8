"""Energy of a run: told while it goes on, added up over a resume, never a reason to fail."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from training.errors import RunDirError
from training.run import energy
from training.run.energy import WORLD, estimated, measured, read_energy
from training.run.json_files import replace_json
from training.run.run_dir import RunDir


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path, "test", datetime.now(UTC))


def test_a_resumed_run_adds_to_what_it_used(run_dir: RunDir) -> None:
    for _ in range(2):
        with measured(run_dir, "FRA"):
            time.sleep(0.2)
    first_and_second = read_energy(run_dir)
    assert first_and_second is not None
    assert first_and_second.country == "FRA"
    assert first_and_second.energy_kwh > 0
    with measured(run_dir, "FRA"):
        time.sleep(0.2)
    third = read_energy(run_dir)
    assert third is not None and third.energy_kwh > first_and_second.energy_kwh
    assert third.duration_seconds > first_and_second.duration_seconds


def test_the_same_energy_emits_less_where_power_is_cleaner(tmp_path: Path) -> None:
    intensity = {}
    for country in ("NOR", "POL", WORLD):
        run_dir = RunDir.create(tmp_path, country, datetime.now(UTC))
        with measured(run_dir, country):
            time.sleep(0.2)
        used = read_energy(run_dir)
        assert used is not None
        intensity[country] = used.emissions_kg / used.energy_kwh
    assert intensity["NOR"] < 0.1 < intensity["POL"]
    assert intensity[WORLD] == pytest.approx(0.475, rel=1e-6)


def test_a_run_of_a_moment_takes_the_power_that_was_measured_here(tmp_path: Path) -> None:
    long, short = (RunDir.create(tmp_path, name, datetime.now(UTC)) for name in ("long", "short"))
    known = {"energy_kwh": 0.1, "emissions_kg": 0.01, "duration_seconds": 3600.0}
    replace_json(long.energy_path, {**known, "country": "FRA", "is_estimated": False})
    with estimated(short, "FRA"):
        pass
    used = read_energy(short)
    assert used is not None and used.is_estimated
    assert used.energy_kwh / used.duration_seconds == pytest.approx(0.1 / 3600.0)
    assert used.emissions_kg / used.energy_kwh == pytest.approx(0.1)


def test_a_broken_meter_never_fails_the_run(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no meter")

    monkeypatch.setattr(energy, "_file_writer", broken)
    with measured(run_dir, "FRA"):
        pass
    assert read_energy(run_dir) is None


def test_a_damaged_file_is_told_by_name(run_dir: RunDir) -> None:
    run_dir.energy_path.write_text('{"energy_kwh": 1}')
    with pytest.raises(RunDirError, match=r"energy\.json"):
        read_energy(run_dir)
    run_dir.energy_path.unlink()
    assert read_energy(run_dir) is None
