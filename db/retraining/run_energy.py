"""What runs used: energy and carbon dioxide, per run and per corrected item."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from duckdb import DuckDBPyConnection

from db.statements import fetch_records, load_sql


@dataclass(frozen=True)
class Energy:
    """Energy of one run's process.

    Attributes:
        energy_kwh: Of processor, memory and graphics card, in kilowatt-hours.
        emissions_kg: Carbon dioxide equivalent, by the country's mix of power.
        duration_seconds: How long it was watched.
        country: ISO 3166 code of three letters.
        is_estimated: From the processor's nominal power, as its meter cannot be read.
    """

    energy_kwh: float
    emissions_kg: float
    duration_seconds: float
    country: str
    is_estimated: bool


@dataclass(frozen=True)
class RunEnergy:
    """The energy of one run; its snapshot held corrections of ``num_corrections`` items."""

    run_id: str
    energy: Energy
    num_corrections: int


def add_run_energy(cur: DuckDBPyConnection, run_id: str, energy: Energy) -> None:
    """Store what a training run used; a second time changes nothing."""
    cur.execute(load_sql("run_energy_insert"), {"run_id": run_id, **asdict(energy)})


def list_run_energy(cur: DuckDBPyConnection) -> list[RunEnergy]:
    """Return the energy of every run that recorded it, newest first."""
    return fetch_records(
        cur, lambda run_id, *used: RunEnergy(run_id, Energy(*used[:5]), used[5]), "run_energy_list"
    )
