"""Searching by words: an inverted index over items and answers, and the notes as they are.

A word is a run of letters and digits; case and accents do not matter. A word of three characters
or more also finds the words that begin with it, a shorter one only itself. Every word asked for
must occur somewhere: in the item's id, question, context or options, in the answer of the run that
is looked at, or in a note. Of items that are hidden from the viewer only the first counts.
See docs/decisions/2026-11-22-word-search.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from duckdb import DuckDBPyConnection

from db.statements import load_sql, whole

_WORD: Final = re.compile(r"[^\W_]+")
_PREFIX_LENGTH: Final = 3
"""Shorter words would begin thousands of others."""
_BATCH: Final = 50_000
"""Texts indexed in one statement: memory stays flat."""
_LAST: Final = chr(0x10FFFF)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text as the index has them, each once, in order."""
    bare = "".join(
        one
        for one in unicodedata.normalize("NFD", text)
        if not unicodedata.category(one).startswith("M")
    )
    # One by one: Python writes a sigma that ends a word differently, DuckDB does not.
    lower = "".join(one.lower() for one in unicodedata.normalize("NFC", bare))
    return tuple(dict.fromkeys(_WORD.findall(lower)))


def condition(text: str, item_id: str) -> tuple[str, dict[str, Any]]:
    """Return the SQL condition that every word of a search occurs, and its parameters.

    Args:
        text: The text typed. Without any word in it, nothing is found.
        item_id: The column that holds the id of the item, such as ``"item.item_id"``.

    Returns:
        A condition with the parameters ``search_<n>_...`` and two that the caller binds:
        ``run_id``, the run whose answers are searched, or null; and ``viewer``, who searches.
    """
    words = words_of(text)
    if not words:
        return "false", {}
    parameters: dict[str, Any] = {}
    occurs = []
    for number, word in enumerate(words):
        statement = load_sql("search_word")
        end = word + (_LAST if len(word) >= _PREFIX_LENGTH else "\0")
        for name, value in {"word": word, "end": end, "prefix": word}.items():
            statement = statement.replace(f"${name}", f"$search_{number}_{name}")
            parameters[f"search_{number}_{name}"] = value
        occurs.append(f"item_number in ({statement})")
    found = f"select item_id from search_item where {' and '.join(occurs)}"  # noqa: S608
    return f"{item_id} in ({found})", parameters


def index_items(cur: DuckDBPyConnection, changed: Collection[str] = ()) -> None:
    """Index the items that are not in the index yet.

    Args:
        cur: In the transaction that has added or changed the items.
        changed: Ids of items in the index whose texts are others now.
    """
    if changed:
        found = cur.execute(load_sql("search_item_find"), {"item_ids": list(changed)}).fetchall()
        numbers = {"numbers": [number for (number,) in found]}
        cur.execute(load_sql("search_item_unpost"), numbers)
        cur.execute(load_sql("search_item_post"), numbers)
    _fill(cur, "search_item", {})


def index_answers(cur: DuckDBPyConnection, run_ids: Collection[str] | None = None) -> None:
    """Index the answers that are not in the index yet, of some runs or of all.

    Args:
        cur: In the transaction that has added the predictions.
    """
    cur.execute(load_sql("search_run_add"))
    _fill(cur, "search_answer", {"run_ids": None if run_ids is None else sorted(run_ids)})


def catch_up(cur: DuckDBPyConnection) -> None:
    """Index whatever was written past :func:`index_items` and :func:`index_answers`.

    All of it or nothing, in a transaction of its own. Costs milliseconds where nothing is missing;
    about a minute for a million texts.
    """
    row = cur.execute(load_sql("search_is_behind")).fetchone()
    if row is not None and row[0]:
        with whole(cur):
            index_items(cur)
            index_answers(cur)


@dataclass(frozen=True)
class IndexCounts:
    """How many items and answers are in the index, and how many words they have together."""

    items: int
    answers: int
    words: int


def rebuild(cur: DuckDBPyConnection) -> IndexCounts:
    """Index every item and answer again from nothing, in the caller's transaction."""
    for table in ("search_posting", "search_answer", "search_item"):
        cur.execute(load_sql(f"{table}_clear"))
    index_items(cur)
    index_answers(cur)
    row = cur.execute(load_sql("search_count")).fetchone()
    assert row is not None  # noqa: S101 - a count has a row
    return IndexCounts(*row)


def _fill(cur: DuckDBPyConnection, table: str, parameters: dict[str, Any]) -> None:
    while True:
        numbers = cur.execute(load_sql(f"{table}_add"), {**parameters, "limit": _BATCH}).fetchall()
        if not numbers:
            return
        cur.execute(load_sql(f"{table}_post"), {"numbers": [number for (number,) in numbers]})
