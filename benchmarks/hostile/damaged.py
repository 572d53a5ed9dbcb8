"""Damaged database files: is each refused, or read, in words of ours and in time?"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

import duckdb
from click.testing import CliRunner
from history import Measured
from hostile.forked import Forks

from db.cli.main import main

NUM_FILES: Final = 300
LIMIT_SECONDS: Final = 10.0
_HANGS_SECONDS: Final = 60
_NAME: Final = "review.duckdb"
_BLOCK: Final = 256 * 1024
_COMMANDS: Final = (
    ("status",),
    ("export", "items", "OUT/items.jsonl"),
    ("export", "annotations", "OUT/annotations.csv"),
    ("export", "predictions", "OUT/predictions.parquet"),
    ("queue", "add", "Again", "--by", "Ann", "--search", "patient"),
    ("reindex",),
    ("backup", "OUT/copy.duckdb"),
)


def measure(seed: int, scale: float) -> list[Measured]:
    """Damage files in many ways, run commands over each, and count what went wrong."""
    num_files = max(len(DAMAGES), round(NUM_FILES * scale))
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        _make_bases(room)
        jobs = [(seed, number, room) for number in range(num_files)]
        with ThreadPoolExecutor(2) as pool:
            halves = [pool.submit(_check_all, jobs[half::2]) for half in range(2)]
        found = [result for half in halves for result in half.result()]
    outcomes = Counter(outcome for result in found for outcome in result["outcomes"])
    slowest = max(result["slowest"] for result in found)
    for result in found:
        if set(result["outcomes"]) - {"read", "refused"} or result["slowest"] > LIMIT_SECONDS:
            print(f"seed {seed}, damaged file {result['number']}: {result['text']}")
    what = "Damaged databases"
    n = sum(outcomes.values())
    refused = sum("refused" in result["outcomes"] for result in found)
    return [
        Measured(what, "files", num_files),
        Measured(what, "files refused in part or whole", refused, n=num_files),
        Measured(what, "raw exceptions", outcomes["raw"], n=n, at_most=0),
        Measured(what, "processes ended by DuckDB", outcomes["aborted"], n=n, at_most=0),
        Measured(what, "processes that hung", outcomes["hung"], n=n, at_most=0),
        Measured(what, "slowest command", slowest, "s", n=n, at_most=LIMIT_SECONDS),
    ]


def read_through(out: str, seen: str) -> None:
    """Run commands over the home's database and append how each ended to a file of lines."""
    Path(out).mkdir()
    with Path(seen).open("w", encoding="utf-8", buffering=1) as lines:
        for command in _COMMANDS:
            begun = time.monotonic()
            words = [word.replace("OUT", out) for word in command]
            result = CliRunner().invoke(main, words)
            seconds = time.monotonic() - begun
            error = result.exception
            if error is None:
                outcome = "read"
            elif isinstance(error, SystemExit) and result.exit_code in (1, 2):
                outcome = "refused" if "Error: " in result.stderr else "raw"
            else:
                outcome = "raw"
            text = result.stderr if outcome == "refused" else repr(error)
            lines.write(json.dumps([outcome, seconds, " ".join(words), text]) + "\n")


def _check_all(jobs: list[tuple[int, int, Path]]) -> list[dict[str, object]]:
    with Forks() as forks:
        return [_check(forks, *job) for job in jobs]


def _check(forks: Forks, seed: int, number: int, room: Path) -> dict[str, object]:
    chance = random.Random(f"{seed} {number}")  # noqa: S311
    home = room / f"home-{number}"
    home.mkdir()
    damage = DAMAGES[number % len(DAMAGES)]
    damage(home / _NAME, room, chance)
    seen = home / "seen"
    code = forks.run(
        "hostile.damaged:read_through", home, home / "log", out=str(home / "out"),
        seen=str(seen), limit_seconds=_HANGS_SECONDS,
    )  # fmt: skip
    rows = [json.loads(line) for line in seen.read_text().splitlines()] if seen.exists() else []
    outcomes = [outcome for outcome, *_ in rows]
    text = "; ".join(f"{words}: {text}" for outcome, _, words, text in rows if outcome == "raw")
    if code != 0:
        outcomes.append("hung" if code == -14 else "aborted")
        text += f" exit {code} at {_COMMANDS[min(len(rows), len(_COMMANDS) - 1)]}: "
        text += (home / "log").read_text(errors="replace")[-500:]
    slowest = max((seconds for _, seconds, *_ in rows), default=0.0)
    shutil.rmtree(home)
    text = f"{damage.__name__.strip('_')}: {text}"
    return {"number": number, "outcomes": outcomes, "slowest": slowest, "text": text}


def _make_bases(room: Path) -> None:
    """Write ``closed``, a database, and ``open``, one with a log, both with the same rows."""
    with Forks() as forks:
        for name, log in (("closed", None), ("other", None), ("open", "log")):
            home = room / name
            home.mkdir()
            assert (
                forks.run("hostile.stores:fill", home, room / "log", has_demo=name != "other") == 0
            )
            if log:
                forks.run("hostile.damaged:leave_log", home, room / "log")
                assert (home / f"{_NAME}.wal").stat().st_size > 1000


def leave_log() -> None:
    """Write to the home's database and end without closing it."""
    from hostile.stores import add_batch

    from db.connection import Database

    database = Database.open()
    for number in range(5):
        with database.transaction() as cur:
            add_batch(cur, f"late{number}", 5)
    os._exit(0)


def _flip_bits(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "closed", path)
    _flip(path, chance, chance.choice([1, 2, 8, 64, 512]))


def _flip_in_headers(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "closed", path)
    _flip(path, chance, chance.choice([1, 8, 64]), at_most=3 * 4096)


def _flip_in_metadata(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "closed", path)
    with path.open("rb") as file:  # the block with the most text of the catalogue
        blocks = iter(lambda: file.read(_BLOCK), b"")
        counts = [block.count(b"search_posting") for block in blocks]
    start = counts.index(max(counts)) * _BLOCK
    _flip(path, chance, chance.choice([1, 8, 64]), at_least=start, at_most=start + 16 * 1024)


def _truncate(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "closed", path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(chance.choice([0, 1, 4096, 12288, chance.randrange(size), size - 1]))


def _zero_blocks(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "closed", path)
    with path.open("r+b") as file:
        size = chance.choice([512, 4096, _BLOCK])
        for _ in range(chance.choice([1, 1, 3])):
            file.seek(chance.randrange(path.stat().st_size // size) * size)
            file.write(bytes(size))


def _swap_blocks(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "closed", path)
    content = bytearray(path.read_bytes())
    num_blocks = (len(content) - 12288) // _BLOCK
    first, second = (12288 + chance.randrange(num_blocks) * _BLOCK for _ in range(2))
    content[first : first + _BLOCK], content[second : second + _BLOCK] = (
        content[second : second + _BLOCK],
        content[first : first + _BLOCK],
    )
    path.write_bytes(content)


def _foreign_file(path: Path, room: Path, chance: random.Random) -> None:
    kind = chance.choice(["text", "random", "sqlite", "zip", "folder", "fifo"])
    match kind:
        case "text":
            path.write_text("something else\n" * chance.randrange(1, 5000))
        case "random":
            path.write_bytes(chance.randbytes(chance.randrange(1, 2_000_000)))
        case "sqlite":
            with sqlite3.connect(path) as other:
                other.execute("create table item (item_id integer)")
        case "zip":
            shutil.make_archive(str(path), "zip", room / "other")
            Path(f"{path}.zip").rename(path)
        case "folder":
            path.mkdir()
        case "fifo":
            path.symlink_to("/dev/null")


def _foreign_database(path: Path, _: Path, chance: random.Random) -> None:
    statement = chance.choice(
        [
            "create table item (item_id integer)",
            "create table migration (number integer)",
            "create table migration (number integer, name varchar, checksum varchar); "
            "insert into migration values (1, 'x', 'y')",
            "create table open_mark (a integer); insert into open_mark values (1)",
            "create view migration as select 1 as number",
            "create table other as select range as a from range(100000)",
        ]
    )
    with duckdb.connect(str(path)) as other:
        other.execute(statement)


def _lost_table(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "closed", path)
    statement = chance.choice(
        [
            "drop table search_posting",
            "drop table draft",
            "drop table migration",
            "drop view gold",
            "update imported_item set metadata = 'no json'",
            "update reviewer set role = 'king'",
            "delete from run",
        ]
    )
    with duckdb.connect(str(path)) as raw, suppress(duckdb.DependencyException):
        raw.execute(statement)


def _swapped_log(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / chance.choice(["closed", "other"]), path)
    shutil.copy(room / "open" / f"{_NAME}.wal", f"{path}.wal")


def _damaged_log(path: Path, room: Path, chance: random.Random) -> None:
    _copy(room / "open", path)
    log = Path(f"{path}.wal")
    shutil.copy(room / "open" / log.name, log)
    match chance.choice(["flip", "cut", "zero", "foreign", "lost", "folder"]):
        case "flip":
            _flip(log, chance, chance.choice([1, 8, 64]))
        case "cut":
            os.truncate(log, chance.randrange(log.stat().st_size))
        case "zero":
            with log.open("r+b") as file:
                file.seek(chance.randrange(log.stat().st_size))
                file.write(bytes(100))
        case "foreign":
            log.write_bytes(chance.randbytes(5000))
        case "lost":
            log.unlink()
        case "folder":
            log.unlink()
            log.mkdir()


DAMAGES: Final[tuple[Callable[[Path, Path, random.Random], None], ...]] = (
    _flip_bits,
    _truncate,
    _zero_blocks,
    _flip_in_headers,
    _flip_in_metadata,
    _swap_blocks,
    _foreign_file,
    _foreign_database,
    _lost_table,
    _swapped_log,
    _damaged_log,
)


def _copy(home: Path, path: Path) -> None:
    shutil.copy(home / _NAME, path)


def _flip(
    path: Path, chance: random.Random, num_bits: int, at_least: int = 0, at_most: int | None = None
) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(num_bits):
        content[chance.randrange(at_least, min(at_most or len(content), len(content)))] ^= (
            1 << chance.randrange(8)
        )
    path.write_bytes(content)
