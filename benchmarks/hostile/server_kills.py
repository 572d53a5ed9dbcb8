"""Is every save that a reviewer saw confirmed in the store after kill -9 of the server amid saves?

Reviewers work on one queue through the websocket, as browsers do; the server is killed at seeded
moments and started again over the same file.
"""

from __future__ import annotations

import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from history import Measured
from hostile.bodies import make_items
from served_app import Server, serving
from websocket_reviewers import Crowd, review_at_once

from db.connection import Database
from db.content.items import add_items
from db.people.sign_in import add_person
from db.review.item_list import ReviewFilter
from db.review.queues import QueueSettings, add_queue

NUM_KILLS: Final = 50
NUM_PEOPLE: Final = 5
_NUM_ITEMS: Final = 5000
_EVERY_SECONDS: Final = 0.2
_AT_MOST_SECONDS: Final = 120.0
_QUEUE: Final = "killed"
_SECTION: Final = "Server killed amid saves"


@dataclass
class Confirmed:
    """What all reviewers saw confirmed, over all lives of the server."""

    saves: list[tuple[str, str]] = field(default_factory=list)
    """Name of the reviewer and item."""


def measure(seed: int, scale: float) -> list[Measured]:
    """Kill the server as often as asked and count what is lost, there twice, or half there."""
    num_kills = max(round(NUM_KILLS * scale), 1)
    rng = random.Random(seed)  # noqa: S311
    confirmed = Confirmed()
    with tempfile.TemporaryDirectory(prefix="server-kills-") as folder:
        path = Path(folder) / "review.duckdb"
        _fill(path)
        for _ in range(num_kills):
            with serving(path.parent, OMP_NUM_THREADS="1") as server:
                confirmed.saves += _work_until_killed(server, rng.uniform(0, 1.5))
        return _compare(path, confirmed, num_kills)


def _work_until_killed(server: Server, seconds: float) -> list[tuple[str, str]]:
    """Return what was confirmed until a kill, some seconds after the first save was."""
    crowd = Crowd()
    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(
            review_at_once,
            server.url,
            _QUEUE,
            NUM_PEOPLE,
            _EVERY_SECONDS,
            _AT_MOST_SECONDS,
            crowd=crowd,
        )
        ends = time.monotonic() + _AT_MOST_SECONDS
        while not crowd.confirmed and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(seconds)
        server.kill()
        working.result()
    return crowd.confirmed


def _compare(path: Path, confirmed: Confirmed, num_kills: int) -> list[Measured]:
    database = Database.open(path)
    rows = database.cursor().execute(
        "select reviewer.name, item_id, count(*), bool_and(len(labels) = 1 and labels[1] = label "
        "and label in ('yes', 'no', 'maybe') and queue_id is not null and run_id is null) "
        "from annotation join reviewer using (reviewer_id) group by all"
    )
    stored = {(name, item_id): (count, whole) for name, item_id, count, whole in rows.fetchall()}
    database.close()
    people: dict[str, set[str]] = {}
    for name, item_id in stored:
        people.setdefault(item_id, set()).add(name)
    lost = sum(save not in stored for save in set(confirmed.saves))
    twice = sum(count > 1 for count, _ in stored.values())
    twice += sum(len(names) > 1 for names in people.values())
    partial = sum(not whole for _, whole in stored.values())
    n = len(confirmed.saves)
    note = "" if n >= num_kills else "too few saves were confirmed"

    def count(what: str, bad: int, n: int) -> Measured:
        figure = None if note else bad
        what = f"kill -9 of the server {num_kills} times: {what}"
        return Measured(what, "count", figure, n=n, at_most=0, section=_SECTION, note=note)

    return [
        count("confirmed saves lost", lost, n),
        count("saves stored twice", twice, len(stored)),
        count("saves stored in part", partial, len(stored)),
    ]


def _fill(path: Path) -> None:
    database = Database.open(path)
    with database.transaction() as cur:
        admin = add_person(cur, "Admin", role="admin").reviewer_id
        for number in range(NUM_PEOPLE):
            add_person(cur, f"Crowd{NUM_PEOPLE}-{number}", role="reviewer")
        add_items(cur, make_items(_NUM_ITEMS), origin="items")
        add_queue(cur, QueueSettings("Killed", ReviewFilter()), queue_id=_QUEUE, created_by=admin)
    database.close()
