"""Backup and restore while people save and runs end: is anything that was confirmed missing?

A real server; each session saves every few seconds. In every round a run ends, a backup is made by
the command while the app is on, restored into a new folder, and read. In as many rounds again the
backup is killed somewhere in the middle.

    python benchmarks/backup.py --dry-run --counts 2000 2000 100 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from desk_load import Reviewer, Seen, make_tokens, prepare
from history import Measured
from measuring import make_parser, record, spread
from served_app import serving

from db.backup import verify
from db.connection import Database
from db.records import Prediction
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir

COUNTS = (20_000, 20_000, 1_000)
_SECTION = "{sessions} sessions, a save each {every:g} s"


@dataclass
class Found:
    """What all rounds found."""

    backup_seconds: list[float] = field(default_factory=list)
    restore_seconds: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Milliseconds of the saves during backups."""
    num_before: int = 0
    missing: int = 0
    half_runs: int = 0
    failures: list[str] = field(default_factory=list)
    num_killed: int = 0
    half_backups: int = 0


@contextmanager
def saving(url: str, tokens: Mapping[str, str], every: float) -> Iterator[Seen]:
    """Have people save until the block ends; what was confirmed is known at any moment."""
    seen, done = Seen(), threading.Event()

    async def work(name: str, token: str) -> None:
        rng = random.Random(name)  # noqa: S311
        reviewer = Reviewer(url, name, token, seen)
        await asyncio.sleep(rng.uniform(0, every))
        with suppress(IndexError):  # every item is labelled
            while not done.is_set():
                await reviewer.refill()
                await reviewer.save(rng.randrange(3))
                await asyncio.sleep(every * rng.uniform(0.8, 1.2))

    async def together() -> None:
        ends = await asyncio.gather(
            *(work(*each) for each in tokens.items()), return_exceptions=True
        )
        seen.faults.extend(repr(end) for end in ends if end is not None)

    thread = threading.Thread(target=asyncio.run, args=(together(),))
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def command(home: Path, *words: str) -> subprocess.Popen[str]:
    """Start a command of the product on a home."""
    return subprocess.Popen(
        [sys.executable, "-m", "db", *words],
        env={**os.environ, "LLAMACARE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_a_run(home: Path, item_ids: list[str]) -> None:
    """Let a run of predictions end; the app ingests it within seconds."""
    run_dir = RunDir.create(home / "runs", "backup", datetime.now(UTC))
    settings = {"model": {"base": "none"}}
    run_dir.write_settings({"preset": "backup", "task": "predict", "settings": settings})
    run_dir.write_metrics({})
    PREDICTIONS.write(
        run_dir.predictions_path,
        (Prediction(run_dir.run_id, item_id, "Yes.", answer_label=None) for item_id in item_ids),
    )
    run_dir.enter_state("succeeded", "Done.")


def back_up_and_restore(home: Path, folder: Path, seen: Seen, found: Found) -> None:
    """Make a backup, restore it elsewhere, and compare it with what was confirmed before."""
    copy, restored = folder / "copy.duckdb", folder / "restored"
    confirmed = list(seen.confirmed)
    begun = time.monotonic()
    is_made = _complete(command(home, "backup", str(copy)), found)
    found.backup_seconds.append(time.monotonic() - begun)
    found.waits += seen.milliseconds[len(confirmed) :]
    begun = time.monotonic()
    if not (is_made and _complete(command(restored, "restore", str(copy)), found)):
        return
    found.restore_seconds.append(time.monotonic() - begun)
    path = restored / "review.duckdb"
    verify(path)
    database = Database.open(path)
    cur = database.cursor()
    stored = {row[0] for row in cur.execute("select annotation_id from annotation").fetchall()}
    found.num_before += len(confirmed)
    found.missing += len(set(confirmed) - stored)
    ends = "select count(*) from prediction group by run_id having count(*) > 0"
    sizes = {row[0] for row in cur.execute(ends).fetchall()}
    found.half_runs += len(sizes) > 1
    database.close()
    path.unlink()
    copy.unlink()


def kill_in_the_middle(home: Path, folder: Path, part: float, seconds: float, found: Found) -> None:
    """Kill a backup after a part of the time that one takes, and look what is there."""
    copy = folder / "killed.duckdb"
    process = command(home, "backup", str(copy))
    time.sleep(part * seconds)
    process.kill()
    process.communicate()
    found.num_killed += process.returncode < 0
    if copy.exists():  # complete, or the kill came too late
        try:
            verify(copy)
        except Exception as error:
            found.half_backups += 1
            found.failures.append(repr(error))
        copy.unlink()


def _complete(process: subprocess.Popen[str], found: Found) -> bool:
    _, errors = process.communicate()
    if process.returncode:
        print(errors, file=sys.stderr)
        found.failures.append(errors)
    return not process.returncode


def measure(options: argparse.Namespace, home: Path) -> list[Measured]:
    """Run all rounds over one server."""
    queue_id = prepare(home, None, [int(count) for count in options.counts])
    tokens = make_tokens(home, queue_id, [f"P{number}" for number in range(options.sessions)])
    database = Database.open(home / "review.duckdb")
    rows = database.cursor().execute("select item_id from prediction").fetchall()
    database.close()
    item_ids = [item_id for (item_id,) in rows]
    found, rng = Found(), random.Random(options.seed)  # noqa: S311
    with (
        serving(home, LLAMACARE_BACKUP_HOURS="0") as server,
        saving(server.url, tokens, options.every) as seen,
        tempfile.TemporaryDirectory() as name,
    ):
        while len(seen.confirmed) < options.sessions:
            time.sleep(0.1)
        for _ in range(options.rounds):
            end_a_run(home, item_ids)
            time.sleep(rng.uniform(0, options.ahead))
            back_up_and_restore(home, Path(name), seen, found)
            longest = max(found.backup_seconds)
            kill_in_the_middle(home, Path(name), rng.random(), longest, found)
    for failure in seen.faults[:5]:
        print(failure, file=sys.stderr)
    return figures(options, found, seen)


def figures(options: argparse.Namespace, found: Found, seen: Seen) -> list[Measured]:
    """Return what was found as figures."""
    section = _SECTION.format(sessions=options.sessions, every=options.every)
    waits = found.waits or [float("nan")]
    counts = {
        "confirmed before a backup, missing after its restore": (found.missing, found.num_before),
        "backups with a part of a run": (found.half_runs, options.rounds),
        "commands or verifications that failed": (len(found.failures), options.rounds),
        "half backups after a kill": (found.half_backups, found.num_killed),
        "saves that were not confirmed": (len(seen.faults), len(seen.milliseconds)),
    }
    return [
        *(
            Measured(what, "count", count, n=n, at_most=0, section=section)
            for what, (count, n) in counts.items()
        ),
        *spread("backup, verified", found.backup_seconds, "s", section=section),
        *spread("restore, verified", found.restore_seconds, "s", section=section),
        Measured(
            "saves during backups",
            "p99",
            float(np.quantile(waits, 0.99)),
            "ms",
            len(found.waits),
            at_most=250,
            section=section,
        ),
        Measured(
            "all saves",
            "p99",
            float(np.quantile(seen.milliseconds, 0.99)),
            "ms",
            len(seen.milliseconds),
            section=section,
        ),
    ]


def main() -> None:
    """Measure and record."""
    parser = make_parser(__doc__)
    parser.add_argument("--counts", nargs=3, default=COUNTS, metavar="N", help="of the database")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--every", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument(
        "--ahead",
        type=float,
        default=6.0,
        help="most seconds from a run's end to the backup; the app looks for ended runs every 5 s",
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LLAMACARE_HOME"] = folder
        record(__file__, measure(options, Path(folder)), options)


if __name__ == "__main__":
    main()
