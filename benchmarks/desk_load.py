"""The routes of the review desk under load: processor a save, and hundreds of reviewers at once.

A real server over a real database; each reviewer keeps one connection, saves every few seconds and
asks for further items when few are left, as the desk does. The clients are a process of their own.

    python benchmarks/desk_load.py --dry-run --template /tmp/scale.duckdb
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import numpy as np
import psutil
from history import Measured
from measuring import make_parser, record
from scale_database import make
from served_app import Server, serving

from db.connection import Database
from db.content.runs import list_runs
from db.people.sign_in import add_person, sign_in_by_name
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue
from streamlit_app.server.tokens import Sitting, mint_sitting

COUNTS: Final = (200_000, 1_000_000, 100_000)
AHEAD: Final = 4
"""Items asked for at once, when no more than ``LOW`` are left."""
LOW: Final = 3
CROWDS: Final = {100: 30, 500: 100}
"""Reviewers at once, and the limit of the 95th percentile in milliseconds."""
MAX_PROCESSOR: Final = 6.0
OPENED_A_SECOND: Final = 10
"""How many reviewers open their desk in a second; measured is what comes after."""


@dataclass
class Seen:
    """What one process of clients saw."""

    milliseconds: list[float] = field(default_factory=list)
    """From each press of Save to its confirmation."""
    given: list[tuple[str, str]] = field(default_factory=list)
    """Reviewer and item of every item handed out."""
    confirmed: list[str] = field(default_factory=list)
    """Ids of the judgements that were confirmed."""
    faults: list[str] = field(default_factory=list)


class Line:
    """One connection that is kept open, as a browser keeps one."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port or 80
        self._head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, sent: Mapping[str, Any] | None = None) -> Any:
        """Send one request and return its answer; an answer without success is an error.

        The server closes a connection that was quiet for 5 s: as a browser does, it is opened again
        and the same request sent once more.
        """
        try:
            return await self._ask(method, path, sent)
        except (OSError, asyncio.IncompleteReadError):
            self._streams = None
            return await self._ask(method, path, sent)

    async def _ask(self, method: str, path: str, sent: Mapping[str, Any] | None) -> Any:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=2**22)
        reader, writer = self._streams
        body = b"" if sent is None else json.dumps(sent).encode()
        kind = "Content-Type: application/json\r\n" if body else ""
        head = f"{method} /api/v1{path} HTTP/1.1\r\n{self._head}{kind}"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
        text = await reader.readexactly(length)
        if not answer.startswith(b"http/1.1 200"):
            raise RuntimeError(f"{method} {path}: {answer[:12]!r} {text[:300]!r}")
        return json.loads(text)


def next_path(cards: Sequence[Mapping[str, Any]], last: str | None) -> str:
    """Return the address of the next items, given those at hand and the last one handed out."""
    asked: list[tuple[str, str]] = [("n", str(AHEAD))]
    asked += [("have", card["item_id"]) for card in cards]
    if last is not None:
        asked.append(("after", last))
    return f"/desk/next?{urlencode(asked)}"


def make_press(card: Mapping[str, Any], label: int) -> dict[str, Any]:
    """Return what a press of Save sends for a card."""
    return {
        "judgement_id": str(uuid.uuid4()),
        "presentation_id": card["presentation_id"],
        "item_id": card["item_id"],
        "replaces": card["replaces"],
        "judgement": {"labels": [card["labels"][label % len(card["labels"])]["label"]]},
        "pressed_at": 1000 * time.time(),
        "seen_ms": 4000,
    }


class Reviewer:
    """A reviewer who labels what the desk has ahead."""

    def __init__(self, url: str, name: str, token: str, seen: Seen) -> None:
        self._line = Line(url, token)
        self._name, self._seen = name, seen
        self._cards: list[dict[str, Any]] = []
        self._last: str | None = None

    async def refill(self) -> None:
        """Ask for further items where few are left."""
        if len(self._cards) > LOW:
            return
        given = (await self._line.ask("GET", next_path(self._cards, self._last)))["cards"]
        self._seen.given += [(self._name, card["item_id"]) for card in given]
        self._cards += given
        if given:
            self._last = given[-1]["item_id"]

    async def save(self, label: int) -> None:
        """Label the item in sight."""
        card = self._cards.pop(0)
        sent = make_press(card, label)
        begun = time.monotonic()
        answer = await self._line.ask("POST", "/desk/judgements", sent)
        self._seen.milliseconds.append(1000 * (time.monotonic() - begun))
        if answer["status"] == "stored":
            self._seen.confirmed.append(sent["judgement_id"])


async def _work(
    url: str, name: str, token: str, every: float, until: tuple[float, float], seen: Seen
) -> None:
    rng = random.Random(name)  # noqa: S311
    begins, ends = until
    reviewer = Reviewer(url, name, token, seen)
    try:
        await asyncio.sleep(rng.uniform(0, max(begins - time.time(), 0)))
        await reviewer.refill()
        await asyncio.sleep(max(begins - time.time(), 0) + rng.uniform(0, every))
        while time.time() < ends:
            await reviewer.save(rng.randrange(3))
            await reviewer.refill()
            await asyncio.sleep(every * rng.uniform(0.8, 1.2))
    except (OSError, RuntimeError, asyncio.IncompleteReadError, IndexError) as error:
        seen.faults.append(f"{name}: {error!r}")


def _crowd(url: str, tokens: Mapping[str, str], every: float, until: tuple[float, float]) -> Seen:
    seen = Seen()

    async def together() -> None:
        await asyncio.gather(
            *(_work(url, name, token, every, until, seen) for name, token in tokens.items())
        )

    asyncio.run(together())
    return seen


def measure_processor(server: Server, token: str, num_saves: int) -> list[Measured]:
    """One reviewer without a pause: processor of the server for a save and the items after it."""
    seen = Seen()
    process = psutil.Process(server.process.pid)

    async def work() -> float:
        reviewer = Reviewer(server.url, "Alone", token, seen)
        for _ in range(40):
            await reviewer.refill()
            await reviewer.save(0)
        before = sum(process.cpu_times()[:2])
        for number in range(num_saves):
            await reviewer.refill()
            await reviewer.save(number)
        return sum(process.cpu_times()[:2]) - before

    used = asyncio.run(work())
    what = "one save and the items that follow"
    alone = seen.milliseconds[40:]
    return [
        Measured(
            what,
            "processor",
            1000 * used / num_saves,
            "ms",
            num_saves,
            at_most=MAX_PROCESSOR,
            section="One reviewer",
        ),
        Measured(
            what, "save, median", statistics.median(alone), "ms", num_saves, section="One reviewer"
        ),
    ]


def measure_crowd(
    server: Server, tokens: Mapping[str, str], every: float, seconds: float
) -> tuple[list[Measured], list[str]]:
    """Many reviewers at once; returns the ids of the judgements that were confirmed too."""
    num_people = len(tokens)
    begins = time.time() + 5 + num_people / OPENED_A_SECOND
    process = psutil.Process(server.process.pid)
    with ProcessPoolExecutor(1) as pool:
        work = pool.submit(_crowd, server.url, tokens, every, (begins, begins + seconds))
        time.sleep(max(begins - time.time(), 0))
        before = sum(process.cpu_times()[:2])
        seen = work.result()
    used = sum(process.cpu_times()[:2]) - before
    people = Counter(item for item, _ in {(item, who) for who, item in seen.given})
    twice = sum(count > 1 for count in people.values())
    what = f"{num_people} reviewers, a save each {every:g} s"
    section = "Many reviewers"
    n = len(seen.milliseconds)
    p95 = float(np.quantile(seen.milliseconds, 0.95))
    lost = n - len(seen.confirmed) + len(seen.faults)
    for fault in seen.faults[:5]:
        print(fault, file=sys.stderr)
    limit = CROWDS.get(num_people)
    figures = [
        Measured(what, "median", statistics.median(seen.milliseconds), "ms", n, section=section),
        Measured(what, "p95", p95, "ms", n, at_most=limit, section=section),
        Measured(what, "slowest", max(seen.milliseconds), "ms", n, section=section),
        Measured(what, "processor a save", 1000 * used / n, "ms", n, section=section),
        Measured(what, "saves lost", lost, n=n, at_most=0, section=section),
        Measured(what, "items given twice", twice, n=len(people), at_most=0, section=section),
    ]
    return figures, seen.confirmed


def prepare(home: Path, template: Path | None, counts: Sequence[int]) -> str:
    """Make the database, or copy one, and a queue of all its items; return the queue's id."""
    path = home / "review.duckdb"
    if template is not None and template.exists():
        shutil.copy(template, path)
    else:
        make(path, *counts)
    database = Database.open(path)
    with database.transaction() as cur:
        admin = sign_in_by_name(cur, "Admin").reviewer_id
        add_person(cur, "Admin", role="admin")
        run_id = list_runs(cur)[0].run_id
        settings = QueueSettings("All", ReviewFilter(run_id=run_id))
        queue = add_queue(cur, settings, queue_id=str(uuid.uuid4()), created_by=admin)
    database.close()
    return queue.queue_id


def make_tokens(home: Path, queue_id: str, names: Sequence[str]) -> dict[str, str]:
    """Add people and return their tokens; the database must not be open."""
    database = Database.open(home / "review.duckdb")
    with database.transaction() as cur:
        people = {name: add_person(cur, name, role="reviewer").reviewer_id for name in names}
    run_id = list_runs(database.cursor())[0].run_id
    database.close()
    return {
        name: mint_sitting(Sitting(who, queue_id=queue_id, run_id=run_id))
        for name, who in people.items()
    }


def count_missing(home: Path, confirmed: Sequence[str]) -> int:
    """Count the confirmed judgements that the database does not hold."""
    database = Database.open(home / "review.duckdb")
    query = "select annotation_id from annotation where action = 'label'"
    stored = {row[0] for row in database.cursor().execute(query).fetchall()}
    database.close()
    return len(set(confirmed) - stored)


def measure(options: argparse.Namespace, home: Path) -> list[Measured]:
    """Run each part against one server and look into the database when it has stopped."""
    counts = [int(count) for count in options.counts]
    queue_id = prepare(home, options.template, counts)
    crowds = [int(crowd) for crowd in options.crowds]
    names = ["Alone", *(f"P{crowd}-{number}" for crowd in crowds for number in range(crowd))]
    tokens = make_tokens(home, queue_id, names)
    confirmed: list[str] = []
    with serving(home) as server:
        server.wait_until_calm()
        figures = measure_processor(server, tokens["Alone"], options.saves)
        for crowd in crowds:
            theirs = {name: tokens[name] for name in names if name.startswith(f"P{crowd}-")}
            found, stored = measure_crowd(server, theirs, options.every, options.seconds)
            figures += found
            confirmed += stored
    missing = count_missing(home, confirmed)
    what = "confirmed saves that the database does not hold"
    return [
        *figures,
        Measured(what, "count", missing, n=len(confirmed), at_most=0, section="Many reviewers"),
    ]


def main() -> None:
    """Measure and record."""
    parser = make_parser(__doc__)
    parser.add_argument("--counts", nargs=3, default=COUNTS, metavar="N", help="of the database")
    parser.add_argument("--template", type=Path, help="a database of scale_database to copy")
    parser.add_argument("--crowds", nargs="*", default=list(CROWDS), metavar="N")
    parser.add_argument("--saves", type=int, default=500)
    parser.add_argument("--every", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LLAMACARE_HOME"] = folder
        record(__file__, measure(options, Path(folder)), options)


if __name__ == "__main__":
    main()
