"""Writing on a disk that is full after some bytes: is nothing confirmed that is not there?

The home is a file system of its own in memory, where this process may mount one; elsewhere each
file is limited instead (RLIMIT_FSIZE), which fails with another error at the same places.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from history import Measured
from hostile import kills
from hostile.forked import Forks

from db.errors import DbError

NUM_PLACES: Final = 60
_LARGEST_BYTES: Final = 3_000_000
_NUM_WRITES: Final = 60


def measure(seed: int, scale: float) -> list[Measured]:
    """Fill the disk at many places of each kind of write, and count what is false or partial."""
    names = (*kills.WRITERS, *kills.OPERATIONS)
    num_places = max(len(names), round(NUM_PLACES * scale))
    counts = {"false acknowledgements": 0, "partial": 0, "unfindable": 0, "raw exceptions": 0}
    num_refused = 0
    with tempfile.TemporaryDirectory() as folder, Forks() as forks:
        room = Path(folder)
        for name in ("filled", "unindexed", "finished"):
            (room / name).mkdir()
            forks.ask(f"hostile.kills:make_{name}", room / name, room / f"{name}.log")
        with _small_disk(room / "disk") as is_mounted:
            for number in range(num_places):
                chance = random.Random(f"{seed} {number}")  # noqa: S311
                name = names[number % len(names)]
                found, is_refused = _fill_up(forks, name, room, chance, is_mounted)
                num_refused += is_refused
                for measure_, count in zip(counts, found[:4], strict=True):
                    counts[measure_] += int(count)
                if any(found[:4]):
                    print(f"seed {seed}, full disk {number}, {name}: {found}")
    what = "Full disk" if is_mounted else "Full disk (a limit for each file)"
    return [
        Measured(what, "places", num_places),
        Measured(what, "places where writing was refused", num_refused, n=num_places),
        *(Measured(what, name, count, n=num_places, at_most=0) for name, count in counts.items()),
    ]


def write(kind: str, free_bytes: int, is_mounted: bool) -> None:
    """Write things of a kind until the disk is full, and confirm each; report a refusal of ours."""
    _limit(free_bytes, is_mounted)
    try:
        if kind in kills.WRITERS:
            kills.write(kind, num_writes=_NUM_WRITES)
        else:
            kills.OPERATIONS[kind][0]()
    except DbError as error:
        os.write(1, f"refused: {error}\n".encode())


def _fill_up(
    forks: Forks, name: str, room: Path, chance: random.Random, is_mounted: bool
) -> tuple[list[object], bool]:
    base = room / (kills.OPERATIONS[name][1] if name in kills.OPERATIONS else "filled")
    home = room / "disk" / "home"
    shutil.copytree(base, home)
    free_bytes = int(_LARGEST_BYTES ** chance.random())
    ballast = room / "disk" / "ballast"
    if is_mounted:
        _leave_free(ballast, free_bytes)
    output = room / "confirmed"
    output.unlink(missing_ok=True)
    code = forks.run(
        "hostile.full_disk:write", home, output, kind=name, free_bytes=free_bytes,
        is_mounted=is_mounted,
    )  # fmt: skip
    ballast.unlink(missing_ok=True)
    lines = output.read_text("utf-8").splitlines()
    is_refused = any(line.startswith("refused: ") for line in lines)
    if name in kills.WRITERS:
        confirmed = [line for line in lines if not line.startswith("refused: ")]
        rest = {"kind": name, "confirmed": confirmed if code == 0 else []}
        found = forks.ask("hostile.kills:check_writer", home, room / "found", **rest)
    else:
        rest = {"base": str(base)}
        found = forks.ask("hostile.kills:check_operation", home, room / "found", **rest)
    lost, partial, unfindable, text = found
    shutil.rmtree(home)
    raw = "\n".join(lines)[-800:] if code != 0 else ""
    return [
        lost,
        partial,
        unfindable,
        int(code != 0),
        f"{free_bytes} free: {text} {raw}",
    ], is_refused


def _limit(free_bytes: int, is_mounted: bool) -> None:
    if not is_mounted:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        largest = max(path.stat().st_size for path in Path(os.environ["LLAMACARE_HOME"]).iterdir())
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + free_bytes, hard))


def _leave_free(ballast: Path, free_bytes: int) -> None:
    state = os.statvfs(ballast.parent)
    size = state.f_bavail * state.f_frsize - free_bytes
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(size, 1))


@contextmanager
def _small_disk(path: Path) -> Iterator[bool]:
    """Mount a file system in memory, and return whether that was permitted."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(path)]
    is_mounted = shutil.which("mount") is not None and (
        subprocess.run(command, capture_output=True, check=False).returncode == 0
    )
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(path)], check=True)
