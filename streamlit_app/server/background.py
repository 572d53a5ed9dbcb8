"""What the app does in the background: ingest runs, start what a policy asks for."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from db.errors import DbError
from db.paths import runs_dir
from eci.errors import EciError
from streamlit_app.logic.outcomes import run_outcomes
from streamlit_app.server import refit_news, services
from training.control.ingest import refresh
from training.control.triggers import tick
from training.errors import TrainingError

TICK_SECONDS: Final = 5.0
QUIET_SECONDS: Final = 60.0
"""Without any save; then nobody is expected to wait for the log to be moved into the file."""
_log = logging.getLogger(__name__)


@asynccontextmanager
async def watching(app: Any) -> AsyncIterator[None]:
    """Watch as long as the server lives: its lifespan."""
    del app
    done = threading.Event()
    thread = threading.Thread(target=_watch, args=(done,), name="triggers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


def _watch(done: threading.Event) -> None:
    _attempt(_count_for_home)
    while not done.wait(TICK_SECONDS):
        _attempt(_tick)


def _count_for_home() -> None:
    """Count what Home shows of the runs before anybody opens it."""
    run_outcomes.refresh(services.database(), *(run.run_id for run in services.newest_runs()))


def _tick() -> None:
    database = services.database()
    refresh(database, runs_dir())
    refit_news.update(database)
    tick(database, datetime.now(UTC))
    database.fold_log(QUIET_SECONDS)


def _attempt(work: Callable[[], None]) -> None:
    try:
        work()
    except (DbError, EciError, TrainingError) as error:
        # What a user can correct is shown where it is corrected: on the pages.
        _log.warning("Nothing was started: %s", error)
    except Exception:  # one bad moment must not end the watch for good
        _log.exception("The watch over runs and policies failed once.")
