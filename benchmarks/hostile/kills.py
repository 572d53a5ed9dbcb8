"""Processes killed at random moments: is what they confirmed there, and nothing half-written?

A writer confirms each write in a file of lines after its transaction. The other operations are
timed undisturbed first, and then killed at seeded moments of that time.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from history import Measured
from hostile import stores
from hostile.forked import Forks

from db import search
from db.backup import copy_database
from db.connection import Database
from db.content.predictions import list_predictions
from db.content.runs import list_runs
from db.errors import DbError
from db.exporters import EXPORT_FORMATS, ExportFormat, export_file
from db.paths import database_path, runs_dir
from db.people.reviewers import find_person
from db.records import Encounter, Judgement
from db.retraining.training_runs import find_training_run
from db.review.adjudications import add_adjudication
from db.review.annotations import add_annotation
from db.review.drafts import find_draft, save_draft
from db.review.events import is_flagged, set_flag
from db.viewer import EVERYTHING
from training.control.ingest import refresh
from training.run.result_tables import PREDICTIONS
from training.run.run_dir import RunDir

NUM_WRITER_KILLS: Final = 100
NUM_KILLS: Final = 30
"""Of each other operation."""
_WRITER_SECONDS: Final = (0.1, 0.6)
_NUM_ITEMS: Final = 120
_BATCH: Final = 10


@dataclass
class Tally:
    """What kills left behind."""

    kills: int = 0
    in_time: int = 0
    """Kills before the operation had ended."""
    confirmed: int = 0
    lost: int = 0
    partial: int = 0
    unfindable: int = 0
    faults: list[str] = field(default_factory=list)


def measure(seed: int, scale: float) -> list[Measured]:
    """Kill each kind of writer and operation many times, and count what is lost or half-written."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        with Forks() as forks:
            for name in ("filled", "unindexed", "finished"):
                (room / name).mkdir()
                forks.ask(f"hostile.kills:make_{name}", room / name, room / f"{name}.log")
        jobs = [
            *_split("writer", WRITERS, NUM_WRITER_KILLS, scale),
            *_split("operation", OPERATIONS, len(OPERATIONS) * NUM_KILLS, scale),
        ]
        with ThreadPoolExecutor(2) as pool:
            halves = [pool.submit(_kill_all, jobs[half::2], room, seed) for half in range(2)]
        tallies = [half.result() for half in halves]
    figures = []
    for kind in ("writer", *OPERATIONS):
        pair = [tally[kind] for tally in tallies if kind in tally]
        for fault in itertools.chain.from_iterable(tally.faults for tally in pair):
            print(f"seed {seed}, {kind}: {fault}")
        what = "Killed writers" if kind == "writer" else f"Killed during {kind.replace('_', ' ')}"
        n = sum(tally.kills for tally in pair)
        figures.append(Measured(what, "kills", n))
        if kind == "writer":
            figures.append(Measured(what, "confirmed", sum(tally.confirmed for tally in pair), n=n))
        else:
            in_time = sum(tally.in_time for tally in pair)
            figures.append(Measured(what, "kills before its end", in_time, n=n))
        for measure_ in ("lost", "partial", "unfindable"):
            count = sum(getattr(tally, measure_) for tally in pair)
            figures.append(Measured(what, measure_, count, n=n, at_most=0))
    return figures


# --- What is killed; each runs in a child, with a copy of a base as its home.


def write(kind: str, num_writes: int | None = None) -> None:
    """Write things of a kind for as long as the process lives, and confirm each."""
    database = Database.open()
    person = find_person(database.cursor(), "Ann")
    assert person is not None
    add = WRITERS[kind]
    for number in itertools.islice(itertools.count(), num_writes):
        with database.transaction() as cur:
            confirmed = add(cur, number, person.reviewer_id)
        os.write(1, f"{confirmed}\n".encode())


def _write_annotation(cur: Any, number: int, reviewer_id: str) -> str:
    annotation_id = str(uuid.UUID(int=number))
    add_annotation(
        cur,
        Judgement((stores.LABELS[number % 3],), note=f"Kill {number}"),
        Encounter(),
        annotation_id=annotation_id,
        item_id=f"h-{number % _NUM_ITEMS}",
        reviewer_id=reviewer_id,
    )
    return annotation_id


def _write_flag(cur: Any, number: int, reviewer_id: str) -> str:
    item_id = f"h-{number % _NUM_ITEMS}"
    is_on = not is_flagged(cur, item_id, reviewer_id)
    set_flag(cur, item_id, reviewer_id, is_on)
    return f"{item_id} {is_on}"


def _write_draft(cur: Any, number: int, reviewer_id: str) -> str:
    item_id = f"h-{number % _NUM_ITEMS}"
    save_draft(cur, item_id, reviewer_id, "open", {"note": f"{number}"})
    return f"{item_id} {number}"


def _write_adjudication(cur: Any, number: int, reviewer_id: str) -> str:
    add_adjudication(
        cur,
        adjudication_id=f"kill-{number}",
        item_id=f"h-{number % _NUM_ITEMS}",
        reviewer_id=reviewer_id,
        label=stores.LABELS[number % 3],
    )
    return f"kill-{number}"


def _write_import(cur: Any, number: int, _: str) -> str:
    stores.add_batch(cur, f"kill{number}", _BATCH)
    return f"kill{number}"


WRITERS: Final[Mapping[str, Callable[[Any, int, str], str]]] = {
    "annotation": _write_annotation,
    "flag": _write_flag,
    "draft": _write_draft,
    "adjudication": _write_adjudication,
    "import": _write_import,
}


def migrate() -> None:
    """Open a database of an earlier version, whose index is empty."""
    search.BATCH = _NUM_ITEMS // 40  # so that a kill falls between many parts
    Database.open().close()


def reindex() -> None:
    """Rebuild the index."""
    search.BATCH = _NUM_ITEMS // 40
    database = Database.open()
    with database.transaction() as cur:
        search.rebuild(cur)
    database.close()


def export(file_format: ExportFormat = "jsonl") -> None:
    """Export all annotations over an earlier export."""
    cur = Database.open().cursor()
    export_file(cur, "annotations", file_format, _target(file_format), EVERYTHING)


def ingest() -> None:
    """Store the results of a finished run."""
    search.BATCH = _NUM_ITEMS // 8
    refresh(Database.open(), runs_dir())


def backup() -> None:
    """Copy the database over an earlier copy."""
    from click.testing import CliRunner

    from db.cli.main import main

    result = CliRunner().invoke(main, ["backup", str(_target("copy"))])
    if result.exit_code == 1 and result.stderr.startswith("Error: "):
        raise DbError(result.stderr)
    assert result.exit_code == 0, result.stderr


OPERATIONS: Final[Mapping[str, tuple[Callable[[], None], str]]] = {
    "migrate": (migrate, "unindexed"),
    "reindex": (reindex, "filled"),
    "export": (export, "filled"),
    "ingest": (ingest, "finished"),
    "backup": (backup, "filled"),
}
"""Operations with the base that each is done to."""


def operate(name: str, number: int) -> None:
    """Do an operation; exports have each format in turn."""
    if name == "export":
        export(EXPORT_FORMATS[number % len(EXPORT_FORMATS)])
    else:
        OPERATIONS[name][0]()


# --- What is looked for afterwards, in a child too.


def check_writer(kind: str, confirmed: list[str]) -> None:
    """Print how many confirmed writes are lost, what is partial, and what no search finds."""
    database = Database.open()
    cur = database.cursor()
    person = find_person(cur, "Ann")
    assert person is not None
    match kind:
        case "annotation":
            lost = set(confirmed) - _column(cur, "select annotation_id from annotation")
        case "flag":
            flags = {item_id: is_on == "True" for item_id, is_on in map(str.split, confirmed[:-1])}
            # The last one may have been followed by a further write that was not confirmed.
            follower = (int(confirmed[-1].split()[0][2:]) + 1) % _NUM_ITEMS if confirmed else -1
            flags.pop(f"h-{follower}", None)
            lost = {
                item_id
                for item_id, is_on in flags.items()
                if is_flagged(cur, item_id, person.reviewer_id) != is_on
            }
        case "draft":
            drafts = {item_id: int(number) for item_id, number in map(str.split, confirmed)}
            stored = {
                item_id: find_draft(cur, item_id, person.reviewer_id, "open") for item_id in drafts
            }
            lost = {
                item_id
                for item_id, number in drafts.items()
                if int((stored[item_id] or {"note": -1})["note"]) < number
            }
        case "adjudication":
            lost = set(confirmed) - _column(cur, "select adjudication_id from adjudication")
        case _:
            lost = {f"run-{name}" for name in confirmed} - _column(cur, "select run_id from run")
    counts = cur.execute(
        "select count(*) from (select regexp_extract(item_id, '^(kill\\d+)-', 1) as batch, "
        "count(*) as items from item where item_id like 'kill%' group by batch) as batches "
        "full join (select replace(run_id, 'run-', '') as batch, count(*) as answers "
        "from prediction where run_id like 'run-kill%' group by batch) as answered using (batch) "
        "where items is distinct from ? or answers is distinct from ?",
        [_BATCH, _BATCH],
    ).fetchone()
    database.close()
    _report(lost=len(lost), partial=counts[0] if counts else 0, text=f"{kind}: {sorted(lost)[:5]}")


def check_operation(base: str) -> None:
    """Print what is lost, partial and not found after an operation that was killed."""
    home, partial, text = database_path().parent, 0, []
    for copy in home.glob("*.before-*"):
        if not copy.name.startswith("."):
            with duckdb.connect(str(copy), read_only=True) as old:
                partial += old.execute("select count(*) from item").fetchall() != [(_NUM_ITEMS,)]
    for name in ("copy", *EXPORT_FORMATS):
        path = _target(name)
        if path.exists() and _digest(path) != _digest(Path(base) / path.name):
            is_whole = _is_whole(name, path)
            partial += not is_whole
            if not is_whole:
                text.append(f"{path.name} is partial")
        elif not path.exists() and (Path(base) / path.name).exists():
            partial += 1
            text.append(f"{path.name} is gone")
    database = Database.open()
    cur = database.cursor()
    lost = _NUM_ITEMS - len(_column(cur, "select item_id from item"))
    ingested = [run for run in list_runs(cur) if run.kind == "training"]
    for run in ingested:
        num_rows = len(list_predictions(cur, run.run_id, EVERYTHING))
        training_run = find_training_run(cur, run.run_id)
        state = training_run and training_run.state
        if num_rows != _NUM_ITEMS or state != "succeeded":
            partial += 1
            text.append(f"{run.run_id} is partial: {num_rows} predictions, {state}")
    refresh(database, runs_dir())
    if base.endswith("finished"):
        lost += len([run for run in list_runs(cur) if run.kind == "training"]) != 1
    database.close()
    _report(lost=lost, partial=partial, text="; ".join(text))


def _is_whole(name: str, path: Path) -> bool:
    """Return whether what replaced an earlier file is complete: what an undisturbed write makes."""
    fresh = path.with_name(f"fresh-{path.name}")
    if name == "copy":
        with duckdb.connect(str(path), read_only=True) as copy:
            return copy.execute("select count(*) from item").fetchall() == [(_NUM_ITEMS,)]
    copy_database(database_path(), fresh.with_name("again.duckdb"))
    database = Database.open(fresh.with_name("again.duckdb"))
    fresh = fresh.parent / "fresh" / path.name  # a dataset's card holds the folder's name
    fresh.parent.mkdir()
    export_file(database.cursor(), "annotations", name, fresh, EVERYTHING)  # type: ignore[arg-type]
    database.close()
    return _digest(fresh) == _digest(path)


def _report(*, lost: int, partial: int, text: str) -> None:
    unfindable, examples = stores.index_gaps()
    print(json.dumps([lost, partial, unfindable, f"{text} {examples or ''}"]))


# --- Bases.


def make_filled() -> None:
    """Create a database with earlier exports and an earlier copy next to it."""
    stores.fill(_NUM_ITEMS)
    database = Database.open()
    cur = database.cursor()
    for file_format in EXPORT_FORMATS:
        export_file(cur, "annotations", file_format, _target(file_format), EVERYTHING)
    person = find_person(cur, "Ann")
    assert person is not None
    for number in range(5):  # so that the next exports differ
        with database.transaction() as cur:
            _write_annotation(cur, 10**6 + number, person.reviewer_id)
    database.close()
    copy_database(database_path(), _target("copy"))
    print("true")


def make_unindexed() -> None:
    """Create a database before the migrations that heal its index, which is empty."""
    stores.fill(_NUM_ITEMS)
    with duckdb.connect(str(database_path())) as raw:
        raw.execute("drop table open_mark; delete from migration where number in (16, 17)")
        for table in ("search_posting", "search_answer", "search_item"):
            raw.execute(f"delete from {table}")  # noqa: S608
    print("true")


def make_finished() -> None:
    """Create a database and the directory of a run that succeeded."""
    stores.fill(_NUM_ITEMS)
    run_dir = RunDir.create(runs_dir(), "smoke", datetime.now(UTC))
    run_dir.write_settings(
        {"preset": "smoke", "task": "train", "started_by": "Ann", "base_run_id": "run-h"}
        | {"settings": {"seed": 13, "model": {"base": "bundled:smollm2-135m"}}}
    )
    run_dir.write_metrics({"head": {"accuracy": 0.5}})
    rows = [
        {"run_id": run_dir.run_id, "item_id": f"h-{number}", "answer": f"Yes, ingested{number}."}
        | {"is_finished": True, "head_label": "no", "head_probabilities": [0.25, 0.5, 0.25]}
        for number in range(_NUM_ITEMS)
    ]
    pq.write_table(pa.Table.from_pylist(rows, PREDICTIONS.schema), run_dir.predictions_path)
    run_dir.update_status(state="succeeded", message="Finished.")
    print("true")


# --- The killing.


def _split(
    kind: str, names: Mapping[str, Any], total: int, scale: float
) -> Iterator[tuple[str, str, int]]:
    each = max(1, round(total * scale / len(names)))
    for number in range(each):
        for name in names:
            yield kind, name, number


def _kill_all(jobs: list[tuple[str, str, int]], room: Path, seed: int) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    durations: dict[str, float] = {}
    with Forks() as forks:
        for kind, name, number in jobs:
            home = room / f"{kind}-{name}-{number}"
            chance = random.Random(f"{seed} {name} {number}")  # noqa: S311
            tally = tallies.setdefault("writer" if kind == "writer" else name, Tally())
            if kind == "writer":
                found = _kill_writer(forks, name, room, home, chance, tally)
            else:
                if name not in durations:
                    durations[name] = _duration(forks, name, room)
                seconds = chance.uniform(0, durations[name])
                found, code = _kill_operation(forks, name, room, home, number, seconds)
                tally.in_time += code != 0
            tally.kills += 1
            tally.lost += found[0]
            tally.partial += found[1]
            tally.unfindable += found[2]
            if any(found[:3]):
                tally.faults.append(f"{name}, kill {number}: {found}")
            shutil.rmtree(home)
    return tallies


def _kill_writer(
    forks: Forks, name: str, room: Path, home: Path, chance: random.Random, tally: Tally
) -> list[Any]:
    shutil.copytree(room / "filled", home)
    output = home / "confirmed"
    pid = forks.start("hostile.kills:write", home, output, kind=name)
    while not output.exists() or not output.stat().st_size:  # it is open, and has begun
        time.sleep(0.005)
    time.sleep(chance.uniform(*_WRITER_SECONDS))
    code = forks.kill(pid)
    text = output.read_text("utf-8")
    assert code == -9, f"{name} ended: exit {code}\n{text}"
    confirmed = text.splitlines()
    tally.confirmed += len(confirmed)
    call = "hostile.kills:check_writer"
    return list(forks.ask(call, home, home / "found", kind=name, confirmed=confirmed))


def _kill_operation(
    forks: Forks,
    name: str,
    room: Path,
    home: Path,
    number: int,
    seconds: float,
) -> tuple[list[Any], int]:
    base = room / OPERATIONS[name][1]
    shutil.copytree(base, home)
    pid = forks.start("hostile.kills:operate", home, home / "log", name=name, number=number)
    time.sleep(seconds)
    code = forks.kill(pid)
    assert code in (0, -9), f"{name} ended: exit {code}\n{(home / 'log').read_text()}"
    call = "hostile.kills:check_operation"
    return forks.ask(call, home, home / "found", base=str(base)), code


def _duration(forks: Forks, name: str, room: Path) -> float:
    """Return the seconds that an operation takes undisturbed."""
    home = Path(tempfile.mkdtemp(dir=room))
    shutil.copytree(room / OPERATIONS[name][1], home, dirs_exist_ok=True)
    begun = time.monotonic()
    code = forks.run("hostile.kills:operate", home, home / "log", name=name, number=0)
    seconds = time.monotonic() - begun
    assert code == 0, (home / "log").read_text()
    shutil.rmtree(home)
    return seconds


def _target(name: str) -> Path:
    endings = {"copy": "copy.duckdb", "huggingface": "dataset", "label_studio": "tasks.json"}
    return database_path().parent / endings.get(name, f"annotations.{name}")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        digest.update(str(file.relative_to(path)).encode())
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _column(cur: Any, statement: str) -> set[str]:
    return {value for (value,) in cur.execute(statement).fetchall()}
