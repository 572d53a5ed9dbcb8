"""What the app does in the background: ingest runs, start what a policy asks for, back up, and
execute commands that other processes ask for while it has the database open."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from itertools import count
from typing import Any, Final

from anyio.to_thread import current_default_thread_limiter
from starlette.concurrency import run_in_threadpool

from db.cli.asking import Owner, socket_path
from db.cli.main import main as db_commands
from db.connection import Database
from db.errors import DbError
from db.evidence.heads import keep_head
from db.paths import runs_dir
from streamlit_app.errors import OUR_ERRORS
from streamlit_app.logic.outcomes import run_outcomes
from streamlit_app.server import backups, logs, refit_news, services
from streamlit_app.server.sending import send_at_once
from training.cli.main import main as training_commands
from training.control import features_ahead
from training.control.ingest import refresh
from training.control.triggers import tick
from training.evaluation.acceptance import check_acceptances
from training.evaluation.readings import read_new_answers
from training.head.second_reader import refit_second_readers

TICK_SECONDS: Final = 5.0
_HEAD_TICKS: Final = 60
"""Between two looks whether the head of the chain is to be kept elsewhere."""
QUIET_SECONDS: Final = 60.0
"""Without any save; then nobody is expected to wait for the log to be moved into the file."""
_ENDING_SECONDS: Final = 5.0
_OPENING_SECONDS: Final = 1.0
_COMMANDS: Final = (db_commands, training_commands)
_log = logging.getLogger(__name__)


@asynccontextmanager
async def watching(app: Any) -> AsyncIterator[None]:
    """Watch as long as the server lives: its lifespan."""
    del app
    logs.configure()
    _attempt(send_at_once)
    # More threads than this only wait for each other, for the interpreter and for DuckDB's commits.
    current_default_thread_limiter().total_tokens = max(4, 2 * (os.cpu_count() or 1))
    done = threading.Event()
    threads = [
        threading.Thread(target=work, args=(done,), name=name, daemon=True)
        for name, work in (
            ("triggers", _watch),
            ("second readers", _keep_fitted),
            ("backups", backups.watch),
            ("commands", listen),
        )
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        await run_in_threadpool(_end, threads)


def _end(threads: list[threading.Thread]) -> None:
    """Wait for a moment for what is under way, then close the file: a signal ends the process."""
    until = time.monotonic() + _ENDING_SECONDS
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))
    services.close_database()


def listen(done: threading.Event) -> None:
    """Execute commands of other processes from when the database is open here until the end."""
    while not done.wait(_OPENING_SECONDS):
        try:
            services.database()
            owner = Owner(services.database, _COMMANDS, OUR_ERRORS, _read_labels)
        except DbError:
            continue  # another process has it open; that one may be asked
        except OSError as error:
            _log.warning("Commands need the app closed: no socket %s (%s).", socket_path(), error)
            return
        threading.Thread(target=owner.serve_forever, args=(0.1,), daemon=True).start()
        done.wait()
        owner.close()


def _read_labels(database: Database) -> None:
    read_new_answers(database)


def _watch(done: threading.Event) -> None:
    _attempt(_prepare_home)
    for number in count():
        if done.wait(TICK_SECONDS):
            return
        _attempt(tick_once)
        if number % _HEAD_TICKS == 0:
            _attempt(_keep_head)


def _prepare_home() -> None:
    """Count what Home shows of the runs, and load what charts need, before anybody opens it."""
    import_module("pandas")
    run_outcomes.refresh(services.database(), *(run.run_id for run in services.newest_runs()))


def tick_once() -> None:
    """Run what is done every few seconds; one thing that fails keeps back none of the others."""
    database = services.database()
    for work in (_start_due, check_acceptances, features_ahead.update, _fold_log):
        _attempt(partial(work, database))


def _start_due(database: Database) -> None:
    refresh(database, runs_dir())
    refit_news.update(database)
    tick(database, datetime.now(UTC))


def _fold_log(database: Database) -> None:
    database.fold_log(QUIET_SECONDS)


def _keep_fitted(done: threading.Event) -> None:
    """Fit second readers again after reviews; apart, because runs and policies must not wait."""
    while not done.wait(TICK_SECONDS):
        _attempt(_refit)


def _refit() -> None:
    refit_second_readers(services.database(), datetime.now(UTC))


def _keep_head() -> None:
    keep_head(services.database().cursor(), datetime.now(UTC))


def _attempt(work: Callable[[], object]) -> None:
    try:
        work()
    except OUR_ERRORS as error:
        # What a user can correct is shown where it is corrected: on the pages.
        _log.warning("Not done: %s", error)
    except Exception:  # one bad moment must not end the watch for good
        _log.exception("The watch over runs and policies failed once.")
