"""SQL statements, one a file in ``db/sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load_sql(name: str) -> str:
    """Return the statement in ``sql/<name>.sql``."""
    return files("db").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
