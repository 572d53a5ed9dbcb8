"""Are alterations of a stored database found, and what does the chain over it cost a save?

    python benchmarks/tampering.py

Honest stores are made of random acts of four people (``tests/support/tampering.py``). Each is
checked, then altered in one place at a time as someone with the file could: a value, a deleted or
doubled row of any chained table, of predictions, search index, links or migrations, a row with one
more link that fits, or a row together with all links after it, rewritten so that they fit, against
a head that was kept. The cost
is that of one label's transaction with the chain and without, in turn, in one process; both have
statements that were parsed before.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import duckdb
from history import Measured
from measuring import ROOT, make_parser, record, spread

sys.path.insert(0, str(ROOT))

from db.connection import Database
from db.conversions import to_timestamp, utc_now
from db.evidence.verify import verify
from db.statements import execute_parsed, load_sql, whole
from tests.support.stores import open_store
from tests.support.tampering import alter, store_acts

_THREADS: Final = 8


def main() -> None:
    """Measure and record the figures."""
    parser = make_parser(__doc__)
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--alterations", type=int, default=1_000)
    parser.add_argument("--saves", type=int, default=600)
    parser.add_argument("--only", choices=["alterations", "cost"])
    options = parser.parse_args()
    figures: list[Measured] = []
    folder = Path(tempfile.mkdtemp(prefix="tampering-"))
    try:
        if options.only != "cost":
            figures += find_alterations(folder, options)
        if options.only != "alterations":
            figures += measure_cost(folder, options.saves)
    finally:
        shutil.rmtree(folder)
    record(__file__, figures, options, stores=options.stores, alterations=options.alterations)


def find_alterations(folder: Path, options: argparse.Namespace) -> list[Measured]:
    """Check honest stores, alter each in turn, and count what was found."""
    num_false = num_found = num_made = 0
    for seed in range(options.stores):
        path = folder / f"{seed}.duckdb"
        database = open_store(path)
        store_acts(database, seed)
        database.close()
        draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
        with duckdb.connect(str(path)) as connection:
            honest = verify(connection)
            num_false += bool(honest.breaks)
            kept = [honest.head] if honest.head else []
            for _ in range(options.alterations // options.stores):
                done = alter(connection, draw)
                is_found = bool(verify(connection, kept).breaks)
                connection.rollback()
                num_made += 1
                num_found += is_found
                if not is_found:
                    print(f"store {seed}: missed {done}", flush=True)
        path.unlink()
    return [
        Measured("alterations found", "count", num_found, n=num_made, at_least=num_made),
        Measured(
            "honest stores with a false alarm", "count", num_false, n=options.stores, at_most=0
        ),
    ]


Save = Callable[[Database, str], None]


def measure_cost(folder: Path, num_saves: int) -> list[Measured]:
    """Measure one label's transaction with the chain and without, alone and from many threads."""
    database = open_store(folder / "cost.duckdb")
    seconds: dict[str, list[float]] = {"with the chain": [], "without": []}
    ways: dict[str, Save] = {"with the chain": save_chained, "without": save_plainly}
    for number in range(num_saves):
        for way, save in ways.items():
            began = time.process_time()
            save(database, f"q-{number}")
            if number >= num_saves // 10:  # the first ones plan and fill caches
                seconds[way].append(1000 * (time.process_time() - began))
    figures = [
        one
        for way, values in seconds.items()
        for one in spread(f"a label, {way}", values, "ms", quantile=0.95)
    ]
    medians = {one.what: one.figure or 0.0 for one in figures if one.measure == "median"}
    cost = medians["a label, with the chain"] - medians["a label, without"]
    figures.append(
        Measured("cost of the chain", "median", cost, "ms", len(seconds["without"]), at_most=0.3)
    )
    for way, save in ways.items():
        rate = saves_a_second(database, save, num_saves)
        what = f"{_THREADS} threads, {way}"
        figures.append(Measured(what, "saves a second", rate, n=num_saves))
    database.close()
    return figures


def saves_a_second(database: Database, save: Save, num_saves: int) -> float:
    """Return how many labels a second several threads store together."""

    def work() -> None:
        for _ in range(num_saves // _THREADS):
            save(database, str(uuid.uuid4()))

    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return num_saves / (time.monotonic() - began)


def save_chained(database: Database, item_id: str) -> None:
    """Store a label as the app does."""
    with database.transaction(only_labels=True, item_id=item_id) as cur:
        cur.execute(load_sql("annotation_insert"), parameters(item_id))


def save_plainly(database: Database, item_id: str) -> None:
    """Store a label as the app would without the chain: the table numbers it."""
    number = "$annotation_number as annotation_number,"
    statement = load_sql("annotation_insert").replace(number, "")
    with database.known.writing(item_id), closing(database.cursor()) as cur, whole(cur):
        execute_parsed(cur, statement, parameters(item_id))


def parameters(item_id: str) -> dict[str, Any]:
    """Return the values of one label."""
    return {
        **dict.fromkeys(
            ("client_at", "run_id", "answer", "severity", "confidence", "span_text", "span_start")
        ),
        **dict.fromkeys(("span_end", "queue_id", "guideline_version")),
        **{"annotation_id": str(uuid.uuid4()), "item_id": item_id, "reviewer_id": "r-1"},
        **{"label": "yes", "labels": ["yes"], "created_at": to_timestamp(utc_now())},
        **{"old_label": "no", "old_answer": "It did. " * 80, "note": "", "phase": "open"},
        **{"presentation": "first", "verdicts": [], "is_flagged": False, "is_fast": False},
        **{"duration_seconds": 12.5, "item_version": 1, "shown_digest": "0" * 64},
    }


if __name__ == "__main__":
    main()
