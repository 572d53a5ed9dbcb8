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

from db.statements import fetch_value, load_sql, whole

_WORD: Final = re.compile(r"[^\W_]+")
_PREFIX_LENGTH: Final = 3
"""Shorter words would begin thousands of others."""
BATCH: Final = 10_000
"""Texts indexed in one statement, while which others wait for a core."""
_BATCHES_ALONE: Final = 5
"""Of them in one statement where nobody waits: a search reads a block of each."""
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


def index_changed(cur: DuckDBPyConnection, item_ids: Collection[str]) -> None:
    """Index items again whose texts are others now, in the transaction that has changed them."""
    if item_ids:
        found = cur.execute(load_sql("search_item_find"), {"item_ids": list(item_ids)}).fetchall()
        numbers = {"numbers": [number for (number,) in found]}
        cur.execute(load_sql("search_item_unpost"), numbers)
        cur.execute(load_sql("search_item_post"), numbers)


def index_incoming(cur: DuckDBPyConnection, table: str, num_rows: int) -> None:
    """Index what was just stored, unless it is so much that :func:`index_some` does it afterwards.

    Args:
        cur: Of the transaction that has stored the table ``incoming_item`` or
            ``incoming_prediction``, while it is registered.
        table: ``"item"`` or ``"answer"``.
        num_rows: Of all that the transaction stores of them.
    """
    if num_rows <= BATCH:
        if table == "answer":
            cur.execute(load_sql("search_run_add"))
        _post(cur, table, cur.execute(load_sql(f"search_{table}_add_incoming")).fetchall())


def index_some(cur: DuckDBPyConnection, num_batches: int = 1) -> int:
    """Index some items that are not in the index yet; where there are none, some answers.

    Args:
        num_batches: How many times ``BATCH`` texts at most.

    Returns:
        How many texts were indexed: 0 where none was missing.
    """
    limit = {"limit": num_batches * BATCH}
    items = cur.execute(load_sql("search_item_add"), limit).fetchall()
    if items:
        return _post(cur, "item", items)
    cur.execute(load_sql("search_run_add"))
    behind = cur.execute(load_sql("search_run_behind")).fetchone()
    if behind is None:
        return 0
    parameters = {**limit, "run_id": behind[0]}
    return _post(cur, "answer", cur.execute(load_sql("search_answer_add"), parameters).fetchall())


def is_behind(cur: DuckDBPyConnection) -> bool:
    """Return whether there are items or answers that are not in the index; takes milliseconds."""
    return fetch_value(cur, bool, "search_is_behind") or False


def catch_up(cur: DuckDBPyConnection) -> None:
    """Index whatever is not in the index, in transactions of its own.

    Costs milliseconds where nothing is missing; about a minute for a million texts.
    """
    while is_behind(cur):
        with whole(cur):
            if not index_some(cur, _BATCHES_ALONE):
                return


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
    while index_some(cur, _BATCHES_ALONE):
        pass
    row = cur.execute(load_sql("search_count")).fetchone()
    assert row is not None  # noqa: S101 - a count has a row
    return IndexCounts(*row)


def _post(cur: DuckDBPyConnection, table: str, rows: list[tuple[int]]) -> int:
    if rows:
        numbers = {"numbers": [number for (number,) in rows]}
        cur.execute(load_sql(f"search_{table}_post"), numbers)
    return len(rows)
