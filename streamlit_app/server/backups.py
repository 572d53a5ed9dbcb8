"""Backups while the app runs: made by a child process, when one is due or asked for."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from db.child_process import child_process
from db.errors import DbError
from db.evidence.backup_folder import Backup, BackupPolicy, add_backup, is_due, list_backups
from streamlit_app.server import services

CHECK_SECONDS: Final = 60.0
FIRST_SECONDS: Final = 600.0
"""After the start: who only looks at the app for a moment gets no copy of it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BackupState:
    """What is known of backups at a moment."""

    policy: BackupPolicy
    backups: list[Backup]
    """Newest first."""
    failure: str


_failures: Final[list[str]] = []
"""Why the last try failed; empty after one that did not."""


def read_state() -> BackupState:
    """Return the policy, the backups there are, and why the last one failed.

    Raises:
        InvalidSettingError: A variable of the environment cannot be used.
    """
    policy = BackupPolicy.read()
    return BackupState(policy, list_backups(policy.folder), "".join(_failures))


def back_up() -> Backup:
    """Make a backup now.

    Raises:
        DbError: It was not made.
    """
    with child_process() as call:  # which may open the file that this process has open
        policy, now = BackupPolicy.read(), datetime.now(UTC)
        try:
            made, breaks = call(add_backup, services.database().path, policy, now)
        except DbError as error:
            _failures[:] = [str(error)]
            raise
    _failures.clear()
    if breaks:  # shown from the note that the check left next to the database
        _log.error("Backup %s is not as it was stored: %s.", made.path, breaks[0])
    return made


def watch(done: threading.Event) -> None:
    """Make a backup whenever one is due, until the server ends."""
    wait = FIRST_SECONDS
    while not done.wait(wait):
        wait = CHECK_SECONDS
        try:
            if is_due(services.database().path, BackupPolicy.read(), datetime.now(UTC)):
                made = back_up()
                _log.info("Backup %s: %d bytes.", made.path, made.num_bytes)
        except DbError as error:
            _failures[:] = [str(error)]
            _log.warning("No backup: %s", error)
        except Exception:  # one bad moment must not end the backups for good
            _log.exception("The watch over backups failed once.")
