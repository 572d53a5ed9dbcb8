"""Where an export may be written: never over the store or what is not an export."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from db.atomic_files import replaced_file, replaced_folder
from db.errors import ExportError
from db.paths import builds_dir, database_path, home_dir, kept_paths
from db.statements import load_sql


@contextmanager
def file_target(path: Path, cur: DuckDBPyConnection | None = None) -> Iterator[Path]:
    """Yield a path to write an export to, which becomes the file once it is complete.

    Args:
        path: An ordinary file there is replaced.
        cur: Of the store that is exported, whose own file is refused wherever it is stored.

    Raises:
        ExportError: The file cannot be written there; nothing was changed.
    """
    with _explained(path):
        _require_place(path, cur)
        _require_file(path)
        with replaced_file(path) as partial:
            yield partial


@contextmanager
def folder_target(
    path: Path,
    cur: DuckDBPyConnection | None = None,
    *,
    is_earlier: Callable[[Path], bool] | None = None,
) -> Iterator[Path]:
    """Yield a folder to write an export into, which takes its place once it is complete.

    Args:
        cur: Of the store that is exported, whose own file is refused wherever it is stored.
        is_earlier: Tells an earlier export, which is replaced, from any other folder. None: the
            place must be free, or an empty folder.

    Raises:
        ExportError: The folder cannot be written there; nothing was changed.
    """
    with _explained(path):
        _require_place(path, cur)
        _require_folder(path, is_earlier)
        with replaced_folder(path) as partial:
            yield partial
            _require_folder(path, is_earlier)  # another process may have used it meanwhile


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else " ".join(str(error).split())
        raise ExportError(
            f"{path} was not written: {why}. What was there before is unchanged. Free space or "
            "give access there, or name another place."
        ) from error


def _require_place(path: Path, cur: DuckDBPyConnection | None) -> None:
    try:
        target = path.resolve()
    except RuntimeError as error:  # how Python before 3.13 says it
        raise ExportError(
            f"{path} was not written: it is a symbolic link that leads back to itself. Name "
            "another place."
        ) from error
    if not target.parent.is_dir():
        raise ExportError(
            f"{path} was not written: there is no folder {target.parent}. Make it first, or name "
            "another place."
        )
    databases = [database_path()]
    if cur is not None:
        databases += [Path(row[0]) for row in cur.execute(load_sql("store_files")).fetchall()]
    if _is_kept(target, databases):
        raise ExportError(
            f"{path} was not written: it belongs to what the product itself keeps in {home_dir()} "
            "or in the open store. Name a place outside of it."
        )


def _is_kept(target: Path, databases: list[Path]) -> bool:
    """Return whether a resolved path belongs to the product, under any of its names."""
    if home_dir().resolve().is_relative_to(target) or target == builds_dir().resolve():
        return True
    kept = [path.resolve() for path in kept_paths()]
    # A database file may be a link; its log and its copies are next to the name it was opened by.
    stems = {path.resolve() for path in databases}
    stems |= {path.parent.resolve() / path.name for path in databases}
    if any(target.is_relative_to(path) for path in kept) or _belongs_to(target, stems):
        return True
    if not target.is_file() or target.stat().st_nlink == 1:
        return False
    own = (path for stem in stems for path in stem.parent.glob("*") if _belongs_to(path, stems))
    within = (path for root in kept for path in (root, *root.rglob("*")))
    return any(path.is_file() and path.samefile(target) for path in (*own, *within))


def _belongs_to(path: Path, databases: set[Path]) -> bool:
    return any(path.parent == one.parent and path.name.startswith(one.name) for one in databases)


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise ExportError(
            f"{path} was not written: it is a folder, and this export is one file. Name a file."
        )
    if path.exists() and not path.is_file():
        raise ExportError(
            f"{path} was not written: it is a device or a pipe, which cannot be replaced. Name an "
            "ordinary file."
        )
    if path.exists() and not os.access(path, os.W_OK):
        raise ExportError(
            f"{path} was not written: the file is write-protected. Take the protection off, or "
            "name another file."
        )


def _require_folder(path: Path, is_earlier: Callable[[Path], bool] | None) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise ExportError(
            f"{path} was not written: it is a file, and this export is a folder. Name a folder."
        )
    if any(path.iterdir()) and (is_earlier is None or not is_earlier(path)):
        raise ExportError(
            f"{path} was not written: the folder holds something that is not an unchanged export "
            "of the same kind. Name a new folder, or move this one away."
        )
