"""Times as the reader's clock shows them; stored, they are UTC."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def local(moment: datetime) -> datetime:
    """Return an aware time in the zone of the reader's browser; UTC where it names none."""
    return moment.astimezone(_zone())


def local_text(moment: datetime) -> str:
    """Return an aware time as text, to the minute, in the zone of the reader's browser."""
    return f"{local(moment):%Y-%m-%d %H:%M}"


def column() -> Any:
    """Return how a column of aware times is shown in a data frame."""
    return st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", timezone=str(_zone()))


def _zone() -> tzinfo:
    name = st.context.timezone
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else UTC
    # What a browser sends is not to be trusted: a folder of zones or a long name is an OSError.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
