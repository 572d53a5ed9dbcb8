"""The folder of backups: what is in it, when the next is due, and which are kept."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from db import environment, open_mark
from db.atomic_files import placed_file, sweep
from db.backup import copy_database
from db.errors import BackupError
from db.evidence.last_check import check_copy
from db.evidence.verify import Break
from db.paths import backups_dir

_NAME: Final = re.compile(r"review-(\d{8}T\d{6}Z)\.duckdb")
_MOMENT: Final = "%Y%m%dT%H%M%SZ"
_LOCK: Final = ".lock"


@dataclass(frozen=True)
class Backup:
    """One backup of the folder."""

    path: Path
    made_at: datetime
    num_bytes: int


@dataclass(frozen=True)
class BackupPolicy:
    """Where backups are, how often one is made, and how many are kept."""

    folder: Path
    every: timedelta | None
    num_newest: int
    num_weeks: int

    @classmethod
    def read(cls) -> BackupPolicy:
        """Return the policy that the environment gives.

        Raises:
            InvalidSettingError: A variable cannot be used.
        """
        hours = environment.read_number("LLAMACARE_BACKUP_HOURS")
        return cls(
            backups_dir(),
            timedelta(hours=hours) if hours else None,
            int(environment.read_number("LLAMACARE_BACKUP_KEEP")),
            int(environment.read_number("LLAMACARE_BACKUP_WEEKS")),
        )


def list_backups(folder: Path) -> list[Backup]:
    """Return the complete backups of a folder, newest first; other files are left out.

    Raises:
        BackupError: The folder cannot be read.
    """
    try:
        if not folder.is_dir():
            return []
        found = [
            Backup(path, made_at, path.stat().st_size)
            for path in folder.iterdir()
            if (made_at := _made_at(path.name)) and path.is_file()
        ]
    except OSError as error:
        raise BackupError(
            f"The folder of backups {folder} cannot be read: {os.strerror(error.errno or 0)}. Give "
            "access there, or name another folder in LLAMACARE_BACKUPS."
        ) from error
    return sorted(found, key=lambda backup: backup.made_at, reverse=True)


def _made_at(name: str) -> datetime | None:
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(found[1], _MOMENT).replace(tzinfo=UTC) if found else None
    except ValueError:  # digits that are no time: no file of ours
        return None


def is_due(path: Path, policy: BackupPolicy, now: datetime) -> bool:
    """Return whether the database changed since a backup that is old enough, or has none."""
    if policy.every is None or not path.is_file():
        return False
    newest = next(iter(list_backups(policy.folder)), None)
    if newest is None:
        return True
    files = [part for part in (path, *open_mark.log_paths(path)) if part.exists()]
    changed_at = max(part.stat().st_mtime for part in files)
    return now - newest.made_at >= policy.every and changed_at > newest.made_at.timestamp()


def add_backup(path: Path, policy: BackupPolicy, now: datetime) -> tuple[Backup, tuple[Break, ...]]:
    """Write a verified backup into the folder, then delete those that the policy does not keep.

    Never of a file that this process has open. What a killed backup left is deleted first. Of a
    database that is not as it was stored there is a backup too, and then none is deleted: an
    earlier one may be whole.

    Returns:
        The backup, and where it is not as it was stored.

    Raises:
        BackupError: Another backup is being made, or the folder cannot be written to.
        DatabaseOpenError: As of :func:`db.backup.copy_database`.
    """
    folder = policy.folder
    target = folder / f"review-{now:{_MOMENT}}.duckdb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK, timeout=0):
            sweep(folder)
            with placed_file(target) as partial:
                copy_database(path, partial)
                shutil.copymode(path, partial)
                breaks = check_copy(partial, path)
            for backup in [] if breaks else superfluous(list_backups(folder), policy):
                backup.path.unlink(missing_ok=True)
    except Timeout as error:
        raise BackupError(
            f"No backup was made: another one is being written to {folder}. Wait for its end."
        ) from error
    except OSError as error:
        raise BackupError(
            f"No backup was made in {folder}: {os.strerror(error.errno or 0)}. Free space or give "
            "access there, or name another folder in LLAMACARE_BACKUPS."
        ) from error
    return Backup(target, now.replace(microsecond=0), target.stat().st_size), breaks


def superfluous(backups: list[Backup], policy: BackupPolicy) -> list[Backup]:
    """Return which backups a policy does not keep.

    Args:
        backups: Newest first.
    """
    of_weeks: dict[tuple[int, int], Backup] = {}
    for backup in backups:
        of_weeks.setdefault(backup.made_at.isocalendar()[:2], backup)
    kept = [*backups[: policy.num_newest], *list(of_weeks.values())[: policy.num_weeks]]
    return [backup for backup in backups if backup not in kept]
