"""What the Errors and Compare pages count: runs scored once, kept in memory next to the database.

The views over the log of annotations cost 200 ms a count with 200,000 items and 1,000,000
predictions; the same count over these columns costs 15. They are filled when a run is first asked
for and follow the data: added predictions, newer readings, and every annotation and adjudication.
See docs/decisions/2026-11-22-scored-once-in-memory.md.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Final

import duckdb
from duckdb import DuckDBPyConnection

from db.retraining.correctness import gold_version
from db.review.annotations import get_gold
from db.statements import fetch_value, load_sql
from db.viewer import EVERYTHING

HEDGES: Final = (
    r"(?i)\b(may|might|could|possibl[ey]|perhaps|unclear|uncertain|probabl[ey]|likely|suggests?|"
    r"appears?|seems?|inconclusive|depends?)\b"
)
"""Words by which an answer takes back some of what it says."""

_ITEMS: Final = "items"
_GOLD: Final = "gold"
_ANNOTATIONS: Final = "annotations"
_MOST_SINGLE_UPDATES: Final = 50
"""One item's gold label takes 2 ms with 100,000 annotations, all of them together 200 ms."""
_LOOK_BACK: Final = 20
"""Numbers are drawn before a transaction commits, so a lower one may appear after a higher."""
_FILLING = threading.Lock()


def refresh(cur: DuckDBPyConnection, run_ids: Collection[str]) -> str:
    """Update the tables for some runs; costs about 15 ms where nothing has changed.

    Args:
        cur: Of the database; must not be inside a transaction that has written.
        run_ids: The runs that are about to be counted.

    Returns:
        What the data look like now: the same text means that the same counts come out.
    """
    own = cur.cursor()
    with _FILLING:
        stored = dict(own.execute("select part, value from scratch.version").fetchall())
        items = fetch_value(own, str, "scratch_item_version") or ""
        if stored.get(_ITEMS) != items:
            _fill_items(own, items)
            stored = {_GOLD: gold_version(own)}
        gold = _follow_gold(own, stored[_GOLD])
        parts = [items, gold]
        for run_id in sorted(run_ids):
            version = fetch_value(own, str, "scratch_outcome_version", run_id=run_id) or ""
            if stored.get(_run_part(run_id)) != version:
                _fill_run(own, run_id, version)
            parts.append(version)
    return " ".join(parts)


def refresh_annotations(cur: DuckDBPyConnection) -> None:
    """Update the reviewers' labels of the items; call ``refresh`` first."""
    own = cur.cursor()
    with _FILLING:
        stored = dict(own.execute("select part, value from scratch.version").fetchall())
        version = f"{stored.get(_ITEMS)} {gold_version(own)}"
        if stored.get(_ANNOTATIONS) == version:
            return
        own.begin()
        own.execute("delete from scratch.annotation")
        own.execute(load_sql("scratch_annotation_fill"))
        _note(own, _ANNOTATIONS, version)
        own.commit()


def _fill_items(cur: DuckDBPyConnection, version: str) -> None:
    """Fill everything again: the numbers of the items change, so no run's rows can stay."""
    cur.begin()
    for table in ("outcome", "item", "version"):
        cur.execute(f"delete from scratch.{table}")  # noqa: S608
    gold = gold_version(cur)
    cur.execute(load_sql("scratch_item_fill"))
    _note(cur, _ITEMS, version)
    _note(cur, _GOLD, gold)
    cur.commit()


def _fill_run(cur: DuckDBPyConnection, run_id: str, version: str) -> None:
    cur.begin()
    cur.execute("delete from scratch.outcome where run_id = $run_id", {"run_id": run_id})
    cur.execute(load_sql("scratch_outcome_fill"), {"run_id": run_id, "hedges": HEDGES})
    _note(cur, _run_part(run_id), version)
    cur.commit()
    _compress(cur)


def _follow_gold(cur: DuckDBPyConnection, stored: str) -> str:
    """Update the gold labels that changed since; a few items one by one, more all at once."""
    current = gold_version(cur)
    if current == stored:
        return current
    annotations, _, adjudications, _ = (int(number) for number in stored.split("-"))
    changed = cur.execute(
        load_sql("scratch_gold_changed"),
        {
            "annotation_number": annotations - _LOOK_BACK,
            "adjudication_number": adjudications - _LOOK_BACK,
        },
    ).fetchall()
    cur.begin()
    if len(changed) > _MOST_SINGLE_UPDATES:
        cur.execute(load_sql("scratch_gold_update"))
    else:
        for (item_id,) in changed:
            gold = get_gold(cur, item_id, EVERYTHING)
            cur.execute(
                load_sql("scratch_gold_update_one"),
                {"label": gold.label, "origin": gold.origin, "item_id": item_id},
            )
    _note(cur, _GOLD, current)
    cur.commit()
    return current


def _compress(cur: DuckDBPyConnection) -> None:
    """Compress what was filled: a third less time a count, for columns of few different texts."""
    try:
        cur.execute("checkpoint scratch")
    except duckdb.TransactionException:
        return  # another session is counting at this moment; the rows are there all the same


def _note(cur: DuckDBPyConnection, part: str, value: str) -> None:
    cur.execute("delete from scratch.version where part = $part", {"part": part})
    cur.execute(
        "insert into scratch.version values ($part, $value)", {"part": part, "value": value}
    )


def _run_part(run_id: str) -> str:
    return f"run {run_id}"
