"""Where the product stores everything: ``$LLAMACARE_HOME``, else ``.llamacare/`` here."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from db import environment

_CHECKOUT = Path(__file__).resolve().parent.parent


def home_dir() -> Path:
    """Return the folder of everything kept; it may not exist yet."""
    configured = environment.read_text("LLAMACARE_HOME")
    if configured:
        return _resolve(configured, Path.cwd())
    return _CHECKOUT / ".llamacare"


@lru_cache(16)
def _resolve(path: str, here: Path) -> Path:
    """Return a whole path; asked for with each request, and it looks at every folder on the way."""
    return (here / Path(path).expanduser()).resolve()


def database_path() -> Path:
    """Return the path of the database file."""
    return home_dir() / "review.duckdb"


def runs_dir() -> Path:
    """Return the folder that holds one directory for each training run."""
    return home_dir() / "runs"


def models_dir() -> Path:
    """Return the folder of base models converted once."""
    return home_dir() / "models"


def cache_dir() -> Path:
    """Return the folder of what can be computed again; it may be deleted at any time."""
    return home_dir() / "cache"


def presets_dir() -> Path:
    """Return the folder of a user's own presets for retraining."""
    return home_dir() / "presets"


def mappings_dir() -> Path:
    """Return the folder of a user's mappings of files, one file each."""
    return home_dir() / "mappings"


def launchers_path() -> Path:
    """Return the path of a user's settings of launchers: one table for each kind."""
    return home_dir() / "launchers.toml"


def endpoints_path() -> Path:
    """Return the path of a user's settings of endpoints: one table for each."""
    return home_dir() / "endpoints.toml"


def builds_dir() -> Path:
    """Return the default folder of training data written as files."""
    return home_dir() / "builds"


def backups_dir() -> Path:
    """Return the folder of the backups that the app makes: ``$LLAMACARE_BACKUPS``."""
    configured = environment.read_text("LLAMACARE_BACKUPS")
    return Path(configured).expanduser().resolve() if configured else home_dir() / "backups"


def kept_paths() -> list[Path]:
    """Return what no export may replace, in addition to the database file.

    Builds are not included: they belong to the user.
    """
    folders = [runs_dir(), models_dir(), cache_dir(), presets_dir(), mappings_dir()]
    return [*folders, backups_dir(), launchers_path(), endpoints_path()]
