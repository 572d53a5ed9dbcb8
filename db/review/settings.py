"""Settings of the whole project for reviewing; each change is appended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, Literal

from duckdb import DuckDBPyConnection
from pydantic import TypeAdapter

from db.conversions import find_sound, require_text
from db.errors import InvalidSettingError
from db.people.permissions import require
from db.people.stored_settings import append_setting, find_setting

ReviewMode = Literal["open", "blind"]

_KEY = "review"
MAX_NAME_LENGTH = 80
WORDS_PER_MINUTE_BOUNDS = (100, 2000)


@dataclass(frozen=True)
class ReviewSettings:
    """How reviewing works where no queue says otherwise.

    ``words_per_minute``: a save that came sooner than this speed allows is marked as fast. Most
    adults read English non-fiction silently at 175 to 300 words a minute (Brysbaert 2019, How many
    words do we read per minute?, Journal of Memory and Language 109, 104047). The default is twice
    the upper end, so that only what cannot have been read is marked.
    """

    mode: ReviewMode = "open"
    """``blind``: one's own label first, then everything is shown and one is asked again."""
    words_per_minute: int = 600
    hides_names: bool = False
    """Whether adjudicators see who made a judgement only once the item is adjudicated."""
    project: str = ""
    """What the project is called, on every page; at most ``MAX_NAME_LENGTH`` characters."""


_ADAPTER: Final = TypeAdapter(ReviewSettings)


def get_settings(cur: DuckDBPyConnection) -> ReviewSettings:
    """Return the settings that count now."""
    return read_settings(find_setting(cur, _KEY))


def read_settings(stored: str | None) -> ReviewSettings:
    """Return the settings that a stored value holds; the first ones where nothing was stored.

    Of a value that is damaged the strictest: what was to be hidden must stay so until they are set
    again.
    """
    if stored is None:
        return ReviewSettings()
    return find_sound(_ADAPTER, stored) or ReviewSettings(mode="blind", hides_names=True)


def list_setting_faults(cur: DuckDBPyConnection) -> list[str]:
    """Describe stored settings that cannot be read."""
    stored = find_setting(cur, _KEY)
    if stored is None or find_sound(_ADAPTER, stored) is not None:
        return []
    return [
        "The stored review settings are damaged, so the strictest count: every item is labelled "
        "blind first, and names are hidden. Save the review settings again."
    ]


def save_settings(cur: DuckDBPyConnection, settings: ReviewSettings, reviewer_id: str) -> None:
    """Append new settings. The caller owns the transaction.

    Raises:
        InvalidSettingError: The reading speed is out of bounds, or the name cannot be stored.
        NotPermittedError: The reviewer may not manage queues.
    """
    require(cur, reviewer_id, "manage_queues")
    low, high = WORDS_PER_MINUTE_BOUNDS
    if not low <= settings.words_per_minute <= high:
        raise InvalidSettingError(
            f"A reading speed of {settings.words_per_minute} words per minute cannot be set: use "
            f"{low} to {high}. Most people read at 175 to 300."
        )
    require_text(settings.project, "project name", InvalidSettingError)
    if len(settings.project) > MAX_NAME_LENGTH:
        raise InvalidSettingError(
            f"The project name has {len(settings.project)} characters: use at most "
            f"{MAX_NAME_LENGTH}."
        )
    append_setting(cur, _KEY, asdict(settings), reviewer_id)
