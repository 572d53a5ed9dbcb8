"""Energy and carbon of a run, by codecarbon without a network, in a file of the run directory.

Where the processor's own meter (RAPL) cannot be read, as on most virtual machines, codecarbon
takes the processor's nominal power and its load: the figure is then an estimate and says so.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from db.retraining.run_energy import Energy
from training.errors import TrainingError
from training.run.json_files import invalid, read_object, replace_json
from training.run.run_dir import RunDir, list_run_dirs

INTERVAL_SECONDS: Final = 10.0
WORLD: Final = "WLD"
"""Stands for no country: codecarbon then takes the world's average mix of power."""
WORLD_KG_PER_KWH: Final = 0.475
"""That average (IEA, Global Energy & CO2 Status Report 2019)."""
NOMINAL_WATTS: Final = 62.0
"""Half the 85 W that codecarbon assumes of an unknown processor, and 20 W for memory."""


@contextmanager
def measured(run_dir: RunDir, country: str) -> Iterator[None]:
    """Measure what this process's machine uses meanwhile, and leave it in ``energy.json``.

    The figure is brought up to date every ten seconds, so that a run that is killed has recorded
    most of it, and a resumed run adds to it. Measuring never makes a run fail.

    Args:
        country: ISO 3166 code of three letters, or ``WORLD``.
    """
    before = read_energy(run_dir)
    done = threading.Event()
    thread = threading.Thread(
        target=_watch, args=(run_dir, country, before, done), name="energy", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=10)


def read_energy(run_dir: RunDir) -> Energy | None:
    """Read what a run used so far; None where it recorded nothing.

    Raises:
        RunDirError: The file is damaged.
    """
    if not run_dir.energy_path.exists():
        return None
    try:
        return TypeAdapter(Energy).validate_python(read_object(run_dir.energy_path))
    except ValidationError as error:
        raise invalid(run_dir.energy_path, error) from error


@cache
def list_countries() -> dict[str, str]:
    """Return the countries whose mix of power codecarbon knows: code of three letters -> name."""
    path = files("codecarbon") / "data" / "private_infra" / "global_energy_mix.json"
    known: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    named = {code: str(entry["country_name"]) for code, entry in known.items() if len(code) == 3}
    return dict(sorted(named.items(), key=lambda entry: entry[1]))


def _watch(run_dir: RunDir, country: str, before: Energy | None, done: threading.Event) -> None:
    with suppress(Exception):  # whatever a meter does, the run goes on without it
        from codecarbon import OfflineEmissionsTracker

        tracker = OfflineEmissionsTracker(
            country_iso_code=country,
            measure_power_secs=INTERVAL_SECONDS,
            output_handlers=[_file_writer(run_dir, country, before)],
            save_to_file=False,
            allow_multiple_runs=True,
            log_level="critical",
        )
        tracker.start()
        while not done.wait(INTERVAL_SECONDS):
            tracker.flush()
        tracker.stop()


def _file_writer(run_dir: RunDir, country: str, before: Energy | None) -> Any:
    from codecarbon.core.cpu import is_rapl_available
    from codecarbon.output import BaseOutput

    is_estimated = not is_rapl_available()
    earlier = before or Energy(0.0, 0.0, 0.0, country, is_estimated)

    class Writer(BaseOutput):  # type: ignore[misc]
        def out(self, total: Any, delta: Any) -> None:
            del delta
            energy = Energy(
                energy_kwh=earlier.energy_kwh + float(total.energy_consumed),
                emissions_kg=earlier.emissions_kg + float(total.emissions),
                duration_seconds=earlier.duration_seconds + float(total.duration),
                country=country,
                is_estimated=is_estimated,
            )
            replace_json(run_dir.energy_path, asdict(energy))

    return Writer()


@contextmanager
def estimated(run_dir: RunDir, country: str) -> Iterator[None]:
    """Estimate what a run of about a second uses, which is over before a meter has started.

    Takes the mean power of the newest measured run on this machine, else a nominal one.
    """
    begun = time.monotonic()
    yield
    seconds = time.monotonic() - begun
    known = _newest_measured(run_dir.path.parent, country)
    power = known.energy_kwh / known.duration_seconds if known else NOMINAL_WATTS / 3.6e6
    intensity = known.emissions_kg / known.energy_kwh if known else WORLD_KG_PER_KWH
    energy = Energy(power * seconds, power * seconds * intensity, seconds, country, True)
    replace_json(run_dir.energy_path, asdict(energy))


def _newest_measured(runs_dir: Path, country: str) -> Energy | None:
    for run_dir in list_run_dirs(runs_dir):
        with suppress(TrainingError):
            energy = read_energy(run_dir)
            is_long = energy is not None and energy.duration_seconds > INTERVAL_SECONDS
            if energy is not None and is_long and energy.country == country and energy.energy_kwh:
                return energy
    return None
