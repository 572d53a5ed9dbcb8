"""SQL statements, one a file in ``db/sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load_sql(name: str) -> str:
    """Give the statement in ``sql/<name>.sql``."""
    return files("db").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def list_statements() -> list[str]:
    """Give the names of all statements, sorted."""
    folder = files("db").joinpath("sql")
    return sorted(
        entry.name.removesuffix(".sql") for entry in folder.iterdir() if entry.name.endswith(".sql")
    )
