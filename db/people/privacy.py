"""How people are named outside the app, in exports and reports; each change is appended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter

from db.conversions import find_sound
from db.errors import InvalidSettingError
from db.people.permissions import require
from db.people.stored_settings import append_setting, find_setting
from db.statements import load_sql

LEAST_CELL_BOUNDS: Final = (1, 100)
_KEY: Final = "privacy"


@dataclass(frozen=True)
class PrivacySettings:
    """How people are named, and how small a group a report may speak of."""

    uses_pseudonyms: bool = False
    """Whether exports and reports number people instead of naming them."""
    least_cell: int = 5
    """Judgements that a person's figure in a report must rest on at least; fewer are left out."""


_ADAPTER: Final = TypeAdapter(PrivacySettings)


def get_privacy(cur: DuckDBPyConnection) -> PrivacySettings:
    """Return the settings that count now; the strictest where they are damaged."""
    stored = find_setting(cur, _KEY)
    if stored is None:
        return PrivacySettings()
    strictest = PrivacySettings(uses_pseudonyms=True, least_cell=LEAST_CELL_BOUNDS[1])
    return find_sound(_ADAPTER, stored) or strictest


def save_privacy(cur: DuckDBPyConnection, settings: PrivacySettings, reviewer_id: str) -> None:
    """Append new settings. The caller owns the transaction.

    Raises:
        InvalidSettingError: The smallest group is out of bounds.
        NotPermittedError: The person is no admin.
    """
    require(cur, reviewer_id, "manage_people")
    low, high = LEAST_CELL_BOUNDS
    if not low <= settings.least_cell <= high:
        raise InvalidSettingError(
            f"A smallest group of {settings.least_cell} judgements cannot be set: use {low} to "
            f"{high}. Five is usual."
        )
    append_setting(cur, _KEY, asdict(settings), reviewer_id)


def list_exported_names(cur: DuckDBPyConnection) -> dict[str, str]:
    """Return what each reviewer is called in exports and reports, by id."""
    return dict(cur.execute(load_sql("exported_names")).fetchall())
