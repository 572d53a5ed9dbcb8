"""Hostile files by every way in: each is refused by an error of ours, or stored as a whole.

python -m hostile.inputs SEED NUMBER     # one input again, from benchmarks/
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, TextIO

from history import Measured
from hostile.input_store import OUR_ERRORS, Store
from hostile.targets import TARGETS
from measuring import peak_rss

NUM_INPUTS: Final = 18_000
MAX_SECONDS: Final = 10.0
MAX_BYTES: Final = 1.2e9
_NUM_WORKERS: Final = 2
_NUM_AT_ONCE: Final = 150
"""Inputs that share a store; then a fresh one is laid."""


@dataclass
class Outcome:
    """What became of some inputs."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    peak_bytes: int = 0


_notes: list[TextIO] = []
"""Of a worker process: the file that says which input it tries, and where it crashed."""


class _TooLongError(BaseException):
    """An input took longer than ``MAX_SECONDS``; no handler of the product may swallow it."""


def measure(seed: int, scale: float) -> list[Measured]:
    """Try the inputs and return what went wrong; each failure is printed with how to repeat it.

    Raises:
        RuntimeError: An input ended its process; the message says which ones were tried and where.
    """
    total = max(round(NUM_INPUTS * scale), len(TARGETS))
    batches = [
        range(first, min(first + _NUM_AT_ONCE, total)) for first in range(0, total, _NUM_AT_ONCE)
    ]
    outcome = Outcome()
    context = multiprocessing.get_context("spawn")
    workers = min(_NUM_WORKERS, len(batches))
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        try:
            with ProcessPoolExecutor(workers, context, _take_notes, (folder,)) as pool:
                for part in pool.map(try_inputs, [seed] * len(batches), batches):
                    outcome.counts += part.counts
                    outcome.seconds += part.seconds
                    outcome.failures += part.failures
                    outcome.peak_bytes = max(outcome.peak_bytes, part.peak_bytes)
        except BrokenProcessPool as error:
            notes = [path.read_text() for path in Path(folder).iterdir()]
            raise RuntimeError("\n".join(["A process ended during one of:", *notes])) from error
    for failure in outcome.failures:
        print(failure, file=sys.stderr)
    return _figures(outcome, total)


def _take_notes(folder: str) -> None:
    """Let a worker process write what it tries into a file, and the stack where it crashes."""
    _notes.append((Path(folder) / str(os.getpid())).open("w"))
    faulthandler.enable(_notes[0])


def _figures(outcome: Outcome, total: int) -> list[Measured]:
    counts = outcome.counts
    what = "hostile files"
    none: dict[str, float] = {"n": total, "at_most": 0}
    return [
        Measured(what, "refused by an error of ours", counts["refused"], "", n=total),
        Measured(what, "stored as a whole", counts["accepted"], "", n=total),
        Measured(what, "raw errors", counts["raw"], "", **none),
        Measured(what, "stored in part", counts["partial"], "", **none),
        Measured(what, "over 10 s", counts["slow"], "", **none),
        Measured(what, "slowest", max(outcome.seconds), "s", n=total, at_most=MAX_SECONDS),
        Measured(
            what, "peak memory", outcome.peak_bytes / 1e9, "GB", n=total, at_most=MAX_BYTES / 1e9
        ),
    ]


def try_inputs(seed: int, numbers: Sequence[int]) -> Outcome:
    """Try some inputs against one store."""
    outcome = Outcome()
    with _home() as home, Store(home) as store:
        for number in numbers:
            _try(store, seed, number, outcome)
    outcome.peak_bytes = peak_rss()
    return outcome


def _try(store: Store, seed: int, number: int, outcome: Outcome) -> None:
    rng = random.Random(f"{seed}:{number}")  # noqa: S311 - no secret
    name, target = TARGETS[number % len(TARGETS)]
    for notes in _notes:
        notes.seek(0)
        notes.truncate()
        print(f"{name}: python -m hostile.inputs {seed} {number}", file=notes, flush=True)
    started = time.monotonic()
    fault, kind = "", "raw"
    try:
        with _watched():
            is_accepted = target(store, rng, str(number))
        kind = "accepted" if is_accepted else "refused"
    except OUR_ERRORS:
        kind = "refused"
    except AssertionError as error:
        kind, fault = "partial", str(error)
    except _TooLongError:
        kind, fault = "slow", "it took too long"
    except BaseException:
        fault = traceback.format_exc(limit=-4)
    seconds = time.monotonic() - started
    outcome.seconds.append(seconds)
    if seconds > MAX_SECONDS and kind != "slow":
        kind, fault = "slow", f"it took {seconds:.1f} s"
    outcome.counts[kind] += 1
    if fault:
        outcome.failures.append(f"{name}: python -m hostile.inputs {seed} {number}: {fault}")


@contextmanager
def _watched() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _home() -> Iterator[Path]:
    """Lay a home of its own for the product, as the only thing that the inputs can reach."""
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    before = os.environ.get("LLAMACARE_HOME")
    os.environ["LLAMACARE_HOME"] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["LLAMACARE_HOME"]
        else:
            os.environ["LLAMACARE_HOME"] = before
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    repeated = try_inputs(int(sys.argv[1]), [int(sys.argv[2])])
    print(dict(repeated.counts), *repeated.failures)
