"""Whether the server does its work: for those who restart it, and for those who watch it."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from typing import Final, Literal

from db.content.overview import count_reviews
from db.errors import DatabaseLockedError
from db.paths import database_path, home_dir
from db.viewer import EVERYTHING
from streamlit_app.server import services

_ROOM_BYTES: Final = 256 * 2**20
"""Of the log before it is moved into the file."""


@dataclass(frozen=True)
class Health:
    """What a stranger may know of it: no name, no path, no figure.

    Attributes:
        store: Whether the database answers a query.
        disk: ``low``: less is free than a copy of the database and its log take.
        owner: Who has the database file open.
    """

    status: Literal["ok", "failing"]
    store: Literal["ok", "failing"]
    disk: Literal["ok", "low"]
    owner: Literal["this process", "another process", "none"]


def read_health() -> Health:
    """Ask the database something, and look at the disk.

    A full disk is reported and does not count as failing: a restart would not help.
    """
    owner: Literal["this process", "another process", "none"] = "none"
    store: Literal["ok", "failing"] = "failing"
    try:
        count_reviews(services.database().cursor(), EVERYTHING)
        owner, store = "this process", "ok"
    except DatabaseLockedError:
        owner = "another process"
    except Exception:  # whatever it is: the answer is that it does not work
        store = "failing"
    return Health(store, store, "low" if is_disk_low() else "ok", owner)


def is_disk_low() -> bool:
    """Return whether less is free than a copy of the database and its log take."""
    path = database_path()
    num_bytes = path.stat().st_size if path.exists() else 0
    return free_bytes() < num_bytes + _ROOM_BYTES


def free_bytes() -> int:
    """Return what is free on the disk of the database."""
    home = home_dir()
    return shutil.disk_usage(home if home.exists() else home.parent).free


def as_answer(health: Health) -> tuple[int, dict[str, str]]:
    """Return the code and the content of the answer to a question after it."""
    return (200 if health.status == "ok" else 503), asdict(health)
