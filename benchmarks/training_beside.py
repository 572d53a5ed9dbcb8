"""A real training run beside what is measured."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.connection import Database
from db.demo import load_demo
from db.people.reviewers import add_reviewer
from training.control.launch import cancel, launch
from training.control.plan import make_plan, prepare_plan
from training.run.run_dir import RunDir

_LOADING_SECONDS = 300


@contextmanager
def training_run(home: Path | None = None) -> Iterator[RunDir]:
    """Have a joint run going on, past its loading and in its steps.

    Args:
        home: Where its items and its directory are; no app may have the database open. None makes
            a home of its own, of which the app that is measured sees nothing, with the demo in it.

    Raises:
        SystemExit: It came to no step.
    """
    with tempfile.TemporaryDirectory(prefix="training-beside-") as empty:
        run_dir = _launch(home or Path(empty))
        deadline = time.monotonic() + _LOADING_SECONDS
        while run_dir.read_status().step < 1:
            if time.monotonic() > deadline or not run_dir.read_status().is_active:
                raise SystemExit(f"The run came to no step: {run_dir.read_status()}")
            time.sleep(0.5)
        try:
            yield run_dir
        finally:
            if run_dir.read_status().is_active:
                cancel(run_dir)
            while run_dir.read_status().is_active and time.monotonic() < deadline + 60:
                time.sleep(0.5)


def _launch(home: Path) -> RunDir:
    before = os.environ.get("LLAMACARE_HOME")
    os.environ["LLAMACARE_HOME"] = str(home)
    try:
        database = Database.open(home / "review.duckdb")
        load_demo(database)
        with database.transaction() as cur:
            person = add_reviewer(cur, "Benchmark", "admin").reviewer_id
        run_dir = prepare_plan(database, make_plan(database, "joint"), person)
        database.close()
        launch(run_dir)
    finally:
        os.environ.pop("LLAMACARE_HOME")
        if before is not None:
            os.environ["LLAMACARE_HOME"] = before
    return run_dir
